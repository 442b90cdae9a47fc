dofile("cart.lua")

-- Each cart once, in the order of their numbers. Ends wrk when all are answered, with the line of which cart.lua's can know nothing. For one thread.
local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds, nanoseconds; } moment; int clock_gettime(int clock, moment *now);")
local monotonic, moment = 1, ffi.new("moment")
local asked, asked_count, took, took_count, failed, is_tried_out = {}, 0, {}, 0, 0, false

local function microseconds()
    ffi.C.clock_gettime(monotonic, moment)
    return tonumber(moment.seconds) * 1e6 + tonumber(moment.nanoseconds) / 1e3
end

function request()
    if not is_tried_out then
        -- wrk looks at one request before it makes any.
        is_tried_out = true
        return before_read .. 0 .. after_read
    end
    if asked_count == carts then
        -- A connection of wrk always has something to say: this is never finished.
        return "GET "
    end
    asked_count = asked_count + 1
    asked[asked_count] = microseconds()
    return before_read .. (asked_count - 1) .. after_read
end

-- Which answer belongs to which request is not told: they are taken to come in the order of the requests, which leaves the mean as it is.
function response(status)
    took_count = took_count + 1
    took[took_count] = microseconds() - asked[took_count]
    if status ~= 200 then
        failed = failed + 1
    end
    if took_count == carts then
        local duration = microseconds() - asked[1]
        table.sort(took)
        io.write(string.format(
            "\nresult requests=%d duration_us=%d p50_us=%d p99_us=%d status=%d connect=0 read=0 write=0 timeout=0\n",
            carts, duration, took[math.ceil(carts * 0.5)], took[math.ceil(carts * 0.99)], failed))
        io.flush()
        os.exit(0)
    end
end

-- Comes only when the time is over before all are answered: there is no result then.
function done()
end
