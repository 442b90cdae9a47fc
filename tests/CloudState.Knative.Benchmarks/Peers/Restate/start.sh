#!/usr/bin/env bash
# Starts Restate and the service: ingress on PORT, admin on PORT+1, the node service on PORT+2, Restate's own port PORT+3, data in BENCH_DATA.
set -euo pipefail
cd "$(dirname "$0")"
# The SDK wants a newer Node.js than many systems have.
PATH="$PWD/node_modules/.bin:$PATH"

if [ "${1:-}" = --migrate ]; then
    [ -d node_modules ] || npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error
    exit
fi

admin=$((PORT + 1)) service=$((PORT + 2)) node=$((PORT + 3))
export DO_NOT_TRACK=1 NODE_ENV=production RESTATE_LOGGING=WARN RESTATE_DISABLE_TELEMETRY=true RESTATE_LOG_FILTER=warn RESTATE_LISTEN_MODE=tcp RESTATE_NODE_NAME=bench
export RESTATE_BIND_IP=127.0.0.1 RESTATE_ADVERTISED_HOST=127.0.0.1 RESTATE_BIND_PORT=$node
export RESTATE_INGRESS__BIND_PORT=$PORT RESTATE_ADMIN__BIND_PORT=$admin RESTATE_ADMIN__DISABLE_WEB_UI=true
export RESTATE_DEFAULT_NUM_PARTITIONS=${RESTATE_DEFAULT_NUM_PARTITIONS:-1}

SERVICE_PORT=$service node service.mjs &
pids=($!)
"$(node -p "require.resolve('@restatedev/restate-server-' + os.platform() + '-' + os.arch() + '/bin/restate-server')")" --no-logo --base-dir "$BENCH_DATA" &
pids+=($!)
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; exit 0' TERM INT

until curl -sf -o /dev/null "http://127.0.0.1:$admin/health"; do sleep 0.05; kill -0 "${pids[1]}"; done
curl -sf -o /dev/null -H 'content-type: application/json' -d "{\"uri\": \"http://127.0.0.1:$service\", \"force\": true}" "http://127.0.0.1:$admin/deployments"
until curl -sf -o /dev/null "http://127.0.0.1:$PORT/cart/nobody/get" -X POST; do sleep 0.05; done
echo READY
wait
