#!/usr/bin/env bash
# Upgrades the sample from an earlier commit to the working tree, under traffic, on both stores: bash tests/upgrade.sh [COMMIT]
# The default is the release before. It is built from the history of this repository. Prints a line for each store.
# The exit code is 0 when nothing was lost, applied twice or refused.
#
# Needs what tests/faults.sh needs, git, and the history.
set -euo pipefail
cd "$(dirname "$0")/.."

commit=${1:-978332c}
if ! git rev-parse -q --verify "$commit^{commit}" >/dev/null 2>&1; then
    echo "There is no commit $commit in the history of this repository: a shallow clone lacks it, 'git fetch --unshallow' brings it." >&2
    exit 2
fi

old=$(mktemp -d)
trap 'rm -rf "$old"' EXIT
git archive "$commit" | tar -x -C "$old"
dotnet build "$old/samples/ShoppingCart" -c Release -v quiet -nologo
bash tests/faults.sh --upgrade "$old/samples/ShoppingCart/bin/Release/net10.0/ShoppingCart.dll"
