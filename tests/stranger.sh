#!/usr/bin/env bash
# A stranger's service: the blocks of the READMEs, in a folder outside of the repository, without its Directory.*.props. Built with warnings as errors,
# tested, migrated, killed and started again on both stores, published with Native AOT; and the packages, which may not warn.
# Needs what tests/aot.sh needs.
set -euo pipefail
cd "$(dirname "$0")/.."

repository=$PWD
work=$(mktemp -d)
service=""
. tests/postgres.sh
. tests/publish-aot.sh

stop() {
    [ -z "$service" ] || kill -9 "$service" 2>/dev/null || true
    stop_postgres
    rm -rf "$work"
}
trap stop EXIT

# blocks README SECTION FOLDER: each block below a line that names its file, such as "**2.** `visits.proto`:", becomes that file; the others go to block.LANGUAGE.
blocks() {
    mkdir -p "$3"
    awk -v section="## $2" -v folder="$3" '
        /^## / { here = $0 == section }
        !here { next }
        /^```/ && !out { out = folder "/" (file ? file : "block." substr($0, 4)); next }
        /^```/ { close(out); out = file = ""; next }
        out { print >> out; next }
        match($0, /`[A-Za-z.]+`[^`]*:$/) { split(substr($0, RSTART), parts, "`"); file = parts[2] }
    ' "$1"
}

# start COMMAND...: runs a service until it is ready, on $port.
start() {
    "$@" >>"$work/service.log" 2>&1 &
    service=$!
    for _ in $(seq 300); do
        ! curl -sf -o /dev/null "localhost:$port/health/readiness" || return 0
        kill -0 "$service" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 50 "$work/service.log" >&2
    return 1
}

# visit COUNT: one more visit, of which there are then so many.
visit() {
    local answer
    answer=$(curl -s -X POST "localhost:$port/pages/home")
    [ "$answer" = "{\"visits\":$1}" ] || { echo "Visit $1 is answered: $answer" >&2; return 1; }
}

crash() {
    kill -9 "$service"
    wait "$service" 2>/dev/null || true
    service=""
}

# survives COUNT COMMAND...: what was acknowledged is there after kill -9.
survives() {
    local count=$1
    shift
    start "$@"
    visit "$count"
    crash
    start "$@"
    visit $((count + 1))
    crash
}

step() { echo "== $1"; }

chmod 711 "$work"
mkdir "$work/postgres"
start_postgres "$work/postgres"
port=$(free_port)
export PORT=$port CloudState__Cluster__Address=127.0.0.1 CloudState__Cluster__Port=0
postgres=(env "ConnectionStrings__CloudState=$CLOUDSTATE_TEST_POSTGRES" CloudState__Marten__SchemaName=visits)

step "The five steps, with tests"
visits=$work/visits tests=$work/visits.tests
blocks README.md "Your own service in five steps" "$visits"
blocks src/CloudState.Knative.Testing/README.md "Use it" "$tests"
sed -i "s|\.\./CloudState\.Knative\b|$repository|" "$visits/Visits.csproj" "$tests/Visits.Tests.csproj"
blocks src/CloudState.Knative.Marten/README.md "Use it" "$work/marten"
cp "$work/marten/Directory.Build.props" "$work"
dotnet build "$tests" -c Release -warnaserror -v quiet -nologo
dotnet "$tests/bin/Release/net10.0/Visits.Tests.dll"

step "SQLite: written, killed, read"
cd "$visits"
survives 1 dotnet bin/Release/net10.0/Visits.dll

step "PostgreSQL: the lines of the Marten package, migrated, written, killed, read"
sed -i "/<ItemGroup>/r $work/marten/block.xml" Visits.csproj
cp "$work/marten/Program.cs" .
dotnet build -c Release -warnaserror -v quiet -nologo
"${postgres[@]}" dotnet bin/Release/net10.0/Visits.dll --migrate
survives 1 "${postgres[@]}" dotnet bin/Release/net10.0/Visits.dll

step "Native AOT, on both stores"
install_c_compiler
dotnet publish -c Release --use-current-runtime -p:PublishAot=true -warnaserror -v quiet -nologo -o "$work/aot"
survives 3 "${postgres[@]}" "$work/aot/Visits"
survives 3 "$work/aot/Visits"

step "Packages"
cd "$repository"
for project in src/*/*.csproj; do
    dotnet pack "$project" -c Release -warnaserror -v quiet -nologo -o "$work/packages"
done
for file in buildTransitive/CloudState.Knative.targets buildTransitive/CloudState.Knative.rd.xml protos/cloudstate/entity_key.proto protos/cloudstate/eventing.proto README.md; do
    grep -qF "$file" "$work"/packages/CloudState.Knative.[0-9]*.nupkg || { echo "The package lacks $file." >&2; exit 1; }
done
echo "A stranger's service builds, runs and survives."
