dofile("cart.lua")

request = read_any
