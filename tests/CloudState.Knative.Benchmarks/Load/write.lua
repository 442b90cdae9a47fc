dofile("cart.lua")

request = write_any
