#!/usr/bin/env bash
# Measures the sample against other systems on this machine: bash tests/bench.sh [--workloads w1,w2] [--systems cloudstate,naive] ...
# A wrong option prints all of them.
#
# Needs the .NET SDK; PostgreSQL as in tests/run.sh, always a private server with its defaults (it syncs every commit); wrk and h2load,
# which are installed when there are none; Node.js for Restate, and clang or gcc for --aot.
# It prints a table a workload, and writes one line a measurement to a file that it names at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
program=""
. tests/postgres.sh
. tests/publish-aot.sh

# The program ends its servers itself; this is for the case that it could not. All that it has started know the folder of this run.
end_servers() {
    local environment
    for environment in $(grep -lszx "CLOUDSTATE_BENCH_WORK=$work" /proc/[0-9]*/environ); do
        environment=${environment#/proc/}
        kill -9 "${environment%/environ}" 2>/dev/null || true
    done
}

clean_up() {
    end_servers
    stop_postgres
    rm -rf "$work"
}

stop() {
    # Before the program runs there is nothing to wait for.
    if [ -n "$program" ]; then
        kill -TERM "$program" 2>/dev/null || true
    else
        exit 130
    fi
}
trap clean_up EXIT
trap stop INT TERM

install_when_missing() {
    local command=$1 package=$2
    command -v "$command" >/dev/null || install_packages "$package"
}

project=tests/CloudState.Knative.Benchmarks
benchmarks="$project/bin/Release/net10.0/CloudState.Knative.Benchmarks.dll"
export CLOUDSTATE_BENCH_PROJECT="$PWD/$project"
export CLOUDSTATE_BENCH_PUBLISHED="$PWD/artifacts/bench"

has() {
    local option=$1 argument
    shift
    for argument in "$@"; do
        [ "$argument" = "$option" ] && return
    done
    return 1
}

build() {
    # As its image is built: the code is compiled ahead of time (ReadyToRun), and again while it runs.
    dotnet publish samples/ShoppingCart -c Release --use-current-runtime --self-contained false -v quiet -nologo -o artifacts/bench/jit
    dotnet publish samples/Likes -c Release --use-current-runtime --self-contained false -v quiet -nologo -o artifacts/bench/likes
    dotnet build "$project/Peers/Peers.slnx" -c Release -v quiet -nologo || echo "Not all peers were built."
    if has --aot "$@"; then
        publish_aot artifacts/bench/aot
    fi
}

has --no-build "$@" || dotnet build "$project" -c Release -warnaserror -v quiet -nologo
dotnet "$benchmarks" run "$@" --check
has --no-build "$@" || build "$@"

install_when_missing wrk wrk
install_when_missing h2load nghttp2-client
chmod 711 "$work"
mkdir "$work/postgres"
start_postgres "$work/postgres"

export CLOUDSTATE_BENCH_WORK="$work"

# In the background, so that a signal reaches it at once, whoever it was sent to.
dotnet "$benchmarks" run "$@" &
program=$!
code=130
while kill -0 "$program" 2>/dev/null; do
    wait "$program" && code=0 || code=$?
done
exit "$code"
