dofile("cart.lua")

-- Nine reads, one write.
function request()
    return math.random(10) == 1 and write_any() or read_any()
end
