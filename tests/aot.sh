#!/usr/bin/env bash
# Publishes the sample with Native AOT and runs the tests of its process against it: start, kill -9, rollouts of three pods. Then publishes a service of
# each sample as knative/README.md says, up to the image, which needs a registry: Native AOT, and ReadyToRun; and starts each.
# Needs what tests/run.sh needs, and clang or gcc, which is installed when there is none.
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/publish-aot.sh
published=artifacts/aot
publish_aot "$published"
export CLOUDSTATE_TEST_SAMPLE="$PWD/$published/ShoppingCart"
bash tests/run.sh --filter-class "*.StartupTests" "*.KillTests" "*.FailoverTests"

for project in ShoppingCart Orders/Carts; do
    for aot in true false; do
        [ "$project $aot" = "ShoppingCart true" ] || dotnet publish "samples/$project" -c Release -r linux-x64 -p:PublishAot=$aot --self-contained $aot -v quiet -nologo -o "$published/$project-$aot"
    done
done
for program in Orders/Carts-true/Carts ShoppingCart-false/ShoppingCart Orders/Carts-false/Carts; do
    ConnectionStrings__CloudState=Host=none "$published/$program" --schema-sql | grep mt_events >/dev/null || { echo "$program does not run." >&2; exit 1; }
done

# The OpenAPI document is made with a library that may need what is missing then.
PORT=0 K_SINK=http://localhost CloudState__Sqlite__Path=:memory: "$published/Orders/Carts-true/Carts" >"$published/carts.log" &
carts=$!
trap 'kill "$carts"' EXIT
until address=$(grep -om1 'http://[^ ]*:[0-9]*$' "$published/carts.log"); do
    kill -0 "$carts" || exit 1
    sleep 0.1
done
curl -sf "${address/\[::\]/localhost}/openapi.json" | grep '"openapi": "3.1' >/dev/null
