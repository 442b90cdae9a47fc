#!/usr/bin/env bash
# Attacks the sample as hostile and clumsy clients do, and its databases: bash tests/hostile.sh [--minutes M | --short]
# Prints what a well-behaved client notices meanwhile. The exit code is 0 when the service held: see README.md beside it.
#
# Needs what tests/faults.sh needs; without root and mount no disk becomes full.
set -euo pipefail
exec bash "$(dirname "$0")/faults.sh" --hostile "$@"
