#!/usr/bin/env bash
# Publishes the sample with Native AOT and runs the tests of its process against it: start, kill -9, rollouts of three pods.
# Needs what tests/run.sh needs, and clang or gcc, which is installed when there is none.
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/publish-aot.sh
published=artifacts/aot
publish_aot "$published"
export CLOUDSTATE_TEST_SAMPLE="$PWD/$published/ShoppingCart"
bash tests/run.sh --filter-class "*.StartupTests" "*.KillTests" "*.FailoverTests"
