#!/usr/bin/env bash
# Starts flowlensd with an empty map and a simulated network that exports to it; ends with Ctrl-C.
#   demo.sh BUILD_FOLDER [FLOWLENSD OPTIONS]
set -euo pipefail
build=$1; shift
data=build/demo
rm -rf "$data"
mkdir -p "$data"

# Simulated data, on loopback: nobody has to log in.
export AUTH_ENABLED=${AUTH_ENABLED:-false}
"$build/examples/flowlensd/flowlensd" --data-dir "$data" --bind-address 127.0.0.1 --flush-interval 2 "$@" &
daemon=$!
simnet=
trap 'kill $simnet $daemon 2>/dev/null || true; wait' EXIT
trap 'exit 0' INT TERM

# Ports given to flowlensd are the ones to ask and to export to.
port=8000 send=()
while [ $# -gt 0 ]; do
  case $1 in
    --api-port) port=${2:-8000} ;;
    --netflow-port | --ipfix-port | --sflow-port) send+=("$1" "${2:-}") ;;
  esac
  shift
done
until curl -fs "http://127.0.0.1:$port/admin/health/ready" >/dev/null; do
  kill -0 $daemon 2>/dev/null || { wait $daemon; exit 1; }
  sleep 0.2
done

cat >&2 <<TEXT

The demo runs: a simulated enterprise exports NetFlow v5, v9, IPFIX and sFlow to flowlensd.
  see it     http://127.0.0.1:$port/
  ask it     curl -s '127.0.0.1:$port/api/v1/dependencies?page_size=5'
  the truth  $data/truth.csv (written when the demo ends)
Ctrl-C ends it.

TEXT
"$build/examples/simnet/flowlens-simnet" --send 127.0.0.1 --rate 200 --duration 3600 --truth "$data/truth.csv" \
  "${send[@]}" &
simnet=$!
wait $daemon
