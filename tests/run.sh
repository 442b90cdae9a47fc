#!/usr/bin/env bash
# Runs all tests: bash tests/run.sh [filter arguments of the test runner]
#
# PostgreSQL: CLOUDSTATE_TEST_POSTGRES names a server of yours (an Npgsql connection string, the user may create schemas);
# otherwise a private server is started on a free port, for this run only, with binaries that are installed when there are none.
# The last line reads "N passed, M failed".
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
. tests/postgres.sh

stop() {
    stop_postgres
    rm -rf "$work"
}
trap stop EXIT

[ -n "${CLOUDSTATE_TEST_POSTGRES:-}" ] || start_postgres "$work"

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
[ "$failed" = 0 ] && [ "$passed" != 0 ]
