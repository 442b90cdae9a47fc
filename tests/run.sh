#!/usr/bin/env bash
# Runs all tests: bash tests/run.sh [filter arguments of the test runner]
#
# PostgreSQL: CLOUDSTATE_TEST_POSTGRES names a server of yours (an Npgsql connection string, the user may create schemas);
# otherwise a private server is started on a free port, for this run only, with binaries that are installed when there are none.
# The last line reads "N passed, M failed".
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
postgres=""

stop() {
    if [ -n "$postgres" ]; then
        as_postgres "$postgres/pg_ctl" -D "$work/data" -m immediate -w stop >/dev/null 2>&1 || true
    fi
    rm -rf "$work"
}
trap stop EXIT

find_postgres() {
    command -v initdb >/dev/null && dirname "$(readlink -f "$(command -v initdb)")" && return
    ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1
}

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
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

start_postgres() {
    postgres=$(find_postgres)
    if [ -z "$postgres" ]; then
        echo "Installing PostgreSQL ..."
        local sudo=""
        [ "$(id -u)" = 0 ] || sudo="sudo"
        $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
        postgres=$(find_postgres)
    fi

    if [ "$(id -u)" = 0 ]; then
        id postgres >/dev/null 2>&1 || useradd --system postgres
        chown postgres "$work"
    fi

    local port
    port=$(free_port)
    as_postgres "$postgres/initdb" -D "$work/data" -U cloudstate -A trust --no-sync >/dev/null
    as_postgres "$postgres/pg_ctl" -D "$work/data" -w -l "$work/log" \
        -o "-p $port -k $work -c listen_addresses=127.0.0.1 -c max_connections=200" start >/dev/null
    export CLOUDSTATE_TEST_POSTGRES="Host=127.0.0.1;Port=$port;Username=cloudstate;Database=postgres"
    export CLOUDSTATE_TEST_POSTGRES_BIN="$postgres"
}

[ -n "${CLOUDSTATE_TEST_POSTGRES:-}" ] || start_postgres

dotnet build CloudState.Knative.sln -warnaserror -v quiet -nologo

passed=0
failed=0
for tests in tests/CloudState.Knative.*Tests; do
    name=$(basename "$tests")
    echo "== $name"
    # The runner colours its output on a CI machine, whatever it is piped into.
    dotnet "$tests/bin/Debug/net10.0/$name.dll" "$@" 2>&1 | sed -u 's/\x1b\[[0-9;]*m//g' | tee "$work/output" || true
    count() { sed -n "s/^ *$1: *\([0-9]*\).*/\1/p" "$work/output" | tail -n 1; }
    [ -n "$(count succeeded)" ] || { echo "$name did not run to its end."; failed=$((failed + 1)); }
    passed=$((passed + $(count succeeded || true) + 0))
    failed=$((failed + $(count failed || true) + 0))
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
