dofile("cart.lua")

-- Writes without a body.
local init_carts = init
local before_like, after_like

function init(args)
    init_carts(args)
    before_like, after_like = around_user("POST", args[3], {}, "")
    before_like = before_like .. prefix
end

function request()
    return before_like .. math.random(0, carts - 1) .. after_like
end
