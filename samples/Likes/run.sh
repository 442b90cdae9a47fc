#!/usr/bin/env bash
# Runs three pods of the sample on a private PostgreSQL until Ctrl-C: bash samples/Likes/run.sh
# With --demo it tries them instead, one of them is killed, and it fails when a pod does not show what it should.
#
# CLOUDSTATE_POSTGRES names a PostgreSQL to use (an Npgsql connection string, the user may create schemas). NO_BUILD=1 takes what is built.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/postgres.sh

fail() {
    echo "$1" >&2
    tail -n 50 "$work"/*.log >&2
    exit 1
}

stop() {
    trap '' INT TERM
    kill $(jobs -p) 2>/dev/null || true
    wait
    stop_postgres
    rm -rf "$work"
}

# until_true SECONDS WHAT COMMAND...
until_true() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt "$end" ] || fail "$what"
        sleep 0.1
    done
}

# follow NAME PORT PATH: the events of a stream, in a file.
follow() {
    curl -sN --retry 100 --retry-all-errors --retry-delay 1 -H 'Accept: text/event-stream' "http://127.0.0.1:$2$3" >"$work/$1.events" &
}

# shows NAME TEXT: the latest event of a stream.
shows() { [ "$(grep '^data:' "$work/$1.events" | tail -n 1)" = "data: $2" ]; }

like() { curl -sf -o /dev/null -X POST "http://127.0.0.1:$1/pages/home/likes"; }

demo() {
    follow first "${ports[0]}" /pages/home/likes/live
    follow third "${ports[2]}" /pages/home/likes/live
    follow ann "${ports[0]}" '/pages/home/visitors/live?name=ann&tab=1'
    until_true 20 "Ann is not there." shows ann '{"names":["ann"]}'
    follow bob "${ports[1]}" '/pages/home/visitors/live?name=bob&tab=2'
    local bob=$!
    follow cid "${ports[1]}" '/pages/home/visitors/live?name=cid&tab=3'
    local cid=$!
    until_true 20 "Ann does not see the others." shows ann '{"names":["ann","bob","cid"]}'
    echo "Ann, Bob and Cid see each other on two pods."
    kill $bob
    until_true 20 "Bob has left, but Ann still sees him." shows ann '{"names":["ann","cid"]}'
    echo "Bob leaves, and Ann sees it."

    for _ in 1 2 3 4 5 6 7 8 9 10; do
        for port in "${ports[@]}"; do
            like "$port"
        done
    done
    until_true 20 "30 likes at three pods are not shown by the first." shows first '{"count":"30"}'
    until_true 20 "30 likes at three pods are not shown by the third." shows third '{"count":"30"}'
    echo "30 likes at three pods are shown by all."

    kill -9 "${pods[1]}"
    like "${ports[0]}"
    until_true 20 "A like after a pod was killed is not shown." shows third '{"count":"31"}'
    echo "A pod is killed: the others go on at once."
    until_true 30 "Cid's pod was killed, but Ann still sees him." shows ann '{"names":["ann"]}'
    echo "Cid was connected to it: when its lease has ended, Ann sees that he is gone."
    kill $cid
}

work=$(mktemp -d)
trap stop EXIT
trap 'exit 130' INT TERM
[ "${NO_BUILD:-}" = 1 ] || dotnet build samples/Likes -v quiet -nologo
if [ -z "${CLOUDSTATE_POSTGRES:-}" ]; then
    chmod 711 "$work"
    mkdir "$work/postgres"
    start_postgres "$work/postgres"
    CLOUDSTATE_POSTGRES=$CLOUDSTATE_TEST_POSTGRES
fi

export ConnectionStrings__CloudState=$CLOUDSTATE_POSTGRES CloudState__Marten__SchemaName=likes CloudState__AutoMigrate=true
export CloudState__Cluster__Port=0 CloudState__Cluster__Address=127.0.0.1
pods=() ports=()
for number in 1 2 3; do
    port=$(free_port)
    (cd samples/Likes && PORT=$port exec dotnet bin/Debug/net10.0/Likes.dll) &>"$work/pod$number.log" &
    pods+=($!) ports+=("$port")
    until_true 60 "Pod $number does not answer." curl -sf "http://127.0.0.1:$port/health/readiness"
done

if [ "${1:-}" = --demo ]; then
    demo
else
    echo "Open these in several tabs of a browser. Each is another pod; none of them owns the page:"
    for port in "${ports[@]}"; do
        echo "    http://localhost:$port/index.html?name=you"
    done
    echo "Ctrl-C ends it. The logs:"
    tail -n +1 -f "$work"/*.log &
    wait -n || true
    fail "A pod has ended."
fi
