#!/usr/bin/env bash
# Runs a cluster of the sample under load, injects faults and verifies every history: bash tests/faults.sh [--minutes N] [--seed S] ...
# A wrong option prints all of them.
#
# Needs the .NET SDK; PostgreSQL as in tests/run.sh, always a private server; a C compiler for clocks that jump (without one they do not).
# bash tests/faults.sh --effect-kills N [--store embedded|postgres] kills N pods between the commit of an effect and its execution instead.
# bash tests/faults.sh --events N [--kill-every S] ... sends N events through entities, their journals and an action to a sink while pods are killed.
# bash tests/faults.sh --timers N [--kills K] ... sets N timers while pods are killed, and for a while there are none.
# bash tests/faults.sh --crdt N [--sabotage early] ... does N operations on counters and sets of which every pod has a replica, under the same faults.
#
# NO_BUILD=1 takes what is built.
# tests/hostile.sh calls it with --hostile, for another suite.
#
# The last line reads "seed S: N operations, N faults, N anomalies; ..."; the exit code is 0 when there are no anomalies;
# those of events and timers likewise, when nothing was lost, repeated or out of order.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
. tests/postgres.sh

# The program ends its pods itself; this is for the case that it could not.
end_pods() {
    local pid
    for pid in $(cat "$work/pids" 2>/dev/null); do
        # The number may belong to somebody else by now.
        if tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ" | grep -qx "CLOUDSTATE_FAULTS_WORK=$work"; then
            kill -9 "$pid" 2>/dev/null || true
        fi
    done
}

stop() {
    end_pods
    stop_postgres
    umount "$work/disk" "$work/postgres" 2>/dev/null || true
    if [ -e "$work/keep" ]; then
        rm -rf "$work/postgres" "$work/keep" "$work/pids" "$work/clock.so"
    else
        rm -rf "$work"
    fi
}
trap stop EXIT

project=tests/CloudState.Knative.Faults
[ "${NO_BUILD:-}" = 1 ] || dotnet build "$project" -c Release -warnaserror -v quiet -nologo

chmod 711 "$work"
mkdir "$work/postgres"

# Disks that are soon full.
if [ "${1:-}" = --hostile ] && [ "$(id -u)" = 0 ] && mkdir "$work/disk" && mount -t tmpfs -o size=64m hostile "$work/disk" 2>/dev/null; then
    export CLOUDSTATE_FAULTS_SQLITE_DISK="$work/disk"
    if mount -t tmpfs -o size=512m hostile "$work/postgres" 2>/dev/null; then
        export CLOUDSTATE_FAULTS_POSTGRES_DISK="$work/postgres"
    fi
fi

start_postgres "$work/postgres"
export CLOUDSTATE_FAULTS_WORK="$work"
if command -v cc >/dev/null && cc -O2 -shared -fPIC -o "$work/clock.so" "$project/Cluster/WallClock.c" -ldl; then
    export CLOUDSTATE_FAULTS_CLOCK="$work/clock.so"
else
    echo "No C compiler: clocks do not jump."
fi

dotnet "$project/bin/Release/net10.0/CloudState.Knative.Faults.dll" run "$@"
