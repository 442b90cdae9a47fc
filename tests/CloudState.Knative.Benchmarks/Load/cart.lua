-- What all loads have in common. Arguments, after "--": the number of carts, the prefix of their names, the path of a write, and
-- the method and the path of a read, where {user} stands for the name of a cart.
-- BENCH_PORTS, when set, has the ports of several pods: the threads take them in turn.

local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set("seed", threads)
    local ports = {}
    for port in string.gmatch(os.getenv("BENCH_PORTS") or "", "%d+") do
        table.insert(ports, port)
    end
    if #ports > 0 then
        thread.addr = wrk.lookup("127.0.0.1", ports[(threads - 1) % #ports + 1])[1]
    end
end

-- The text of a request, before and after the name of the cart.
function around_user(method, path, headers, body)
    local request = wrk.format(method, path, headers, body)
    local first, last = string.find(request, "{user}", 1, true)
    return string.sub(request, 1, first - 1), string.sub(request, last + 1)
end

function init(args)
    math.randomseed(seed)
    carts, prefix = tonumber(args[1]), args[2]
    before_read, after_read = around_user(args[4], args[5], {})
    after_write = {}
    for product = 0, 9 do
        local body = string.format('{"productId":"p%d","name":"Apple","quantity":1}', product)
        before_write, after_write[product] = around_user("POST", args[3], { ["Content-Type"] = "application/json" }, body)
    end
    before_read, before_write = before_read .. prefix, before_write .. prefix
end

function read_any()
    return before_read .. math.random(0, carts - 1) .. after_read
end

function write_any()
    return before_write .. math.random(0, carts - 1) .. after_write[math.random(0, 9)]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        "\nresult requests=%d duration_us=%d p50_us=%d p99_us=%d status=%d connect=%d read=%d write=%d timeout=%d\n",
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
