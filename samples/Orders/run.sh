#!/usr/bin/env bash
# Runs carts, orders and a stand-in for a broker until Ctrl-C: bash samples/Orders/run.sh
# With --demo it runs the session in README.md instead, and fails when an answer is not as it says there.
#
# CLOUDSTATE_POSTGRES names a PostgreSQL (an Npgsql connection string, the user may create schemas); otherwise each service has a
# file of its own, for this run only. NO_BUILD=1 takes what is built. Orders__PaymentTime is how long an order waits to be paid.
set -euo pipefail
cd "$(dirname "$0")"

fail() {
    echo "$1" >&2
    tail -n 50 "$work"/*.log >&2
    exit 1
}

stop() {
    trap '' INT TERM
    kill $(jobs -p) 2>/dev/null || true
    wait
    rm -rf "$work"
}

# Starts a service, and again whenever it is killed, as Kubernetes does.
keep() {
    local pid="" code
    trap 'kill $pid 2>/dev/null || true; wait; exit' INT TERM
    cd "$1/bin/Debug/net10.0"
    while true; do
        dotnet "$1.dll" &
        pid=$!
        echo "$pid" >"$work/$1.pid"
        wait "$pid" 2>/dev/null && code=0 || code=$?
        [ "$code" -gt 128 ] || exit "$code"
        sleep 1 &
        wait $!
    done
}

free_port() {
    local port
    for port in $(shuf -i 20000-32000 -n 50); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

await() {
    local name=$1 url=$2 pid=$3
    for _ in $(seq 300); do
        ! curl -sf -o /dev/null "$url" || return 0
        kill -0 "$pid" 2>/dev/null || fail "$name has ended."
        sleep 0.2
    done
    fail "$name does not answer."
}

# The lines of the session, each command with a "$ " before it.
session() { sed -n '/^```console$/,/^```$/p' README.md | sed '1d;$d'; }

step() {
    [ -n "$1" ] || return 0
    local answer
    echo "\$ $1"
    answer=$(timeout 60 bash -c "$1") || true
    [ -z "$answer" ] || echo "$answer"
    [ "$answer" = "${2%$'\n'}" ] || fail "README.md says: $2"
}

demo() {
    local line command="" expected=""
    while IFS= read -r line; do
        if [[ $line == '$ '* ]]; then
            step "$command" "$expected"
            command=${line#'$ '} expected=""
        else
            expected+=$line$'\n'
        fi
    done < <(session)
    step "$command" "$expected"
}

work=$(mktemp -d)
trap stop EXIT
trap 'exit 130' INT TERM

if [ "${NO_BUILD:-}" != 1 ]; then
    for project in Carts Orders Broker; do
        dotnet build "$project" -v quiet -nologo
    done
fi

carts=$(free_port) orders=$(free_port) broker=$(free_port)
export CARTS=http://localhost:$carts ORDERS=http://localhost:$orders ORDERS_PID=$work/Orders.pid
export CloudState__AutoMigrate=true CloudState__Cluster__Port=0 CloudState__Cluster__Address=127.0.0.1
[ "${1:-}" = --demo ] && payment_time=00:00:05 || payment_time=00:00:20
export Orders__PaymentTime=${Orders__PaymentTime:-$payment_time}
[ -z "${CLOUDSTATE_POSTGRES:-}" ] || export ConnectionStrings__CloudState=$CLOUDSTATE_POSTGRES

# A third of the events come twice, a third late: brokers may.
Urls=http://localhost:$broker Duplicate=0.3 Reorder=0.3 \
    Triggers__0__Type=com.example.orders.OrderPlaced Triggers__0__Url=$ORDERS/topics/orders keep Broker &>"$work/Broker.log" &
await Broker "http://localhost:$broker/health" $!
PORT=$orders CloudState__Sqlite__Path=$work/orders.db CloudState__Marten__SchemaName=orders keep Orders &>"$work/Orders.log" &
await Orders "$ORDERS/health/readiness" $!
PORT=$carts CloudState__Sqlite__Path=$work/carts.db CloudState__Marten__SchemaName=carts \
    CloudState__Topics__orders__Url=http://localhost:$broker/ keep Carts &>"$work/Carts.log" &
await Carts "$CARTS/health/readiness" $!

if [ "${1:-}" = --demo ]; then
    demo
else
    echo "In another terminal:"
    echo
    echo "export CARTS=$CARTS ORDERS=$ORDERS ORDERS_PID=$ORDERS_PID"
    session | sed -n 's/^\$ //p'
    echo
    echo "Ctrl-C ends it. The logs:"
    tail -n +1 -f "$work"/*.log &
    wait -n || true
    fail "A service has ended."
fi
