#!/usr/bin/env bash
# What FlowLens costs, beside nfdump's collectors, and whether flowlensd loses anything under load.
# Called by ./dev bench, which builds for release first.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
build=build/release
data=build/bench-data

usage() {
  cat <<'TEXT'
./dev bench [OPTIONS]

  --input FILE.pcap   measure this capture instead of generated data (may be repeated)
  --only PART         decode: ns per record of each stage, beside nfcapd; map: what aggregation costs
                      by live conversations, the map by its size, and questions to it; store: what SQLite and a
                      PostgreSQL of its own take in, if one is installed; live:
                      flowlensd under load for 60 s, a window closing meanwhile, with the sender's count;
                      service: flowlensd with a large map, asked by many while flows come (about 90 s);
                      dns: names a second from an unbound of its own, if one is installed, and flows a second
                      with it, with a silent server and without DNS;
                      python: 1 GB to NumPy and Arrow, beside C++ and the package netflow of PyPI.
                      Default: all seven
  --rate N            of the live run, flows/s (200000)
  --protocol NAME     of the live run: v5, v9, ipfix or sflow (v9)
  --quick             less data, fewer repetitions, 10 s live: an impression, not a measurement
  --repetitions N     of each stage (5)
  --json              print one JSON document instead of tables
  --help              this text

Data comes from ../shared/tools/genflows (FLOWLENS_SHARED names another folder than ../shared), or,
without it, from flowlens-simnet. It stays in build/bench-data. Exit status 1: the live run lost flows.
TEXT
}

die() { printf 'bench: %s\n' "$*" >&2; exit 2; }
say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

inputs=() only= quick= json= rate=200000 protocol=v9 window=300 repetitions=5 peer_runs=3 seconds=60 flows=2000000 python_flows=14000000 samples=800000 conversations=(100000 2000000) dependencies=(1000000 10000000) assets=100000
while [ $# -gt 0 ]; do
  case $1 in
    --input) inputs+=("${2:?--input wants a file}"); shift ;;
    --only) only=${2:?--only wants decode, map, store, live, service, dns or python}; shift ;;
    --repetitions) repetitions=${2:?--repetitions wants a number}; shift ;;
    --rate) rate=${2:?--rate wants a number}; shift ;;
    --protocol) protocol=${2:?--protocol wants a name}; shift ;;
    --quick) quick=yes window=30 repetitions=3 peer_runs=1 seconds=10 flows=400000 python_flows=1400000 samples=160000
      conversations=(100000) dependencies=(1000000) assets=10000 data=build/bench-data/quick ;;
    --json) json=yes ;;
    --help | -h) usage; exit ;;
    *) usage >&2; die "unknown option '$1'" ;;
  esac
  shift
done
case $only in
  "" | decode | map | store | live | service | dns | python) ;;
  *) die "--only: '$only' is none of decode, map, store, live, service, dns, python" ;;
esac
[ -x $build/benchmarks/flowlens-bench ] || die "$build/benchmarks/flowlens-bench is not there; ./dev bench builds it"

shared=${FLOWLENS_SHARED:-../shared}
genflows=
if [ -d "$shared/tools/genflows" ]; then
  genflows=build/genflows
  say "building genflows"
  { cmake -S "$shared/tools/genflows" -B $genflows -DCMAKE_BUILD_TYPE=Release &&
    cmake --build $genflows --target genflows flowsend; } >$genflows.log 2>&1 ||
    { cat $genflows.log >&2; die "genflows does not build"; }
fi

generate() { # PROTOCOL: writes $data/PROTOCOL.pcap and, with genflows, $data/PROTOCOL.dg
  local protocol=$1 count=$flows
  [ "$protocol" != sflow ] || count=$samples
  [ ! -s "$data/$protocol.pcap" ] || return 0
  mkdir -p $data
  say "generating $data/$protocol.pcap"
  if [ -n "$genflows" ]; then
    # On its own clock the input comes as fast as in the live run, so that flushes are as far apart.
    $genflows/genflows --format "$protocol" --flows $count --fps 200000 --seed 1 --pcap $data/new.pcap --datagrams $data/new.dg >&2
    mv $data/new.dg "$data/$protocol.dg"
  else
    # sFlow by packets: some ten a flow at one in one.
    local rate=20000 sampling=1
    [ "$protocol" != sflow ] || rate=2000
    $build/examples/simnet/flowlens-simnet --exporters "$protocol" --clients 2000 --scale 10 --rate $rate \
      --duration $((count / 20000)) --sflow-sampling $sampling --pcap $data/new.pcap >&2
  fi
  mv $data/new.pcap "$data/$protocol.pcap"
}

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
printf null >"$results/decode.json"
printf null >"$results/map.json"
printf null >"$results/store.json"
printf null >"$results/live.json"
printf null >"$results/service.json"
printf null >"$results/dns.json"
printf null >"$results/python.json"

if [ -z "$only" ] || [ "$only" = decode ]; then
  if [ ${#inputs[@]} = 0 ]; then
    for protocol in v5 v9 ipfix sflow; do
      generate $protocol
      inputs+=("$data/$protocol.pcap")
    done
  fi
  python3 "$here/compare.py" --bench $build/benchmarks/flowlens-bench --repetitions "$repetitions" \
    --peer-runs $peer_runs ${json:+--json "$results/decode.json"} "${inputs[@]}"
fi

if [ -z "$only" ] || [ "$only" = map ]; then
  if [ -n "$json" ]; then
    {
      printf '{"aggregate": '
      $build/benchmarks/flowlens-bench-aggregate --json "${conversations[@]}"
      printf ', "graph": ['
      separator=
      for count in "${dependencies[@]}"; do
        printf '%s' "$separator"
        $build/benchmarks/flowlens-bench-graph --json --dependencies "$count"
        separator=,
      done
      printf '], "analyze": '
      $build/benchmarks/flowlens-bench-analyze --json
      printf ', "filter": '
      $build/benchmarks/flowlens-bench-filter --json
      printf ', "logs": '
      $build/benchmarks/flowlens-bench-logs --json
      printf ', "ranges": '
      $build/benchmarks/flowlens-bench-ranges --json
      printf ', "streams": '
      $build/benchmarks/flowlens-bench-streams --json
      printf '}'
    } >"$results/map.json"
  else
    printf '\nAggregation and direction, one core, CPU time\n'
    $build/benchmarks/flowlens-bench-aggregate "${conversations[@]}"
    for count in "${dependencies[@]}"; do
      printf '\nA map of %s dependencies\n' "$count"
      $build/benchmarks/flowlens-bench-graph --dependencies "$count"
    done
    printf '\nQuestions to a map\n'
    $build/benchmarks/flowlens-bench-analyze
    printf '\nOne evaluation of a filter, one core, CPU time\n'
    $build/benchmarks/flowlens-bench-filter
    printf '\nLines of flow logs to flows, one core, CPU time\n'
    $build/benchmarks/flowlens-bench-logs
    printf '\nAddresses in the ranges of clouds, one core, CPU time\n'
    $build/benchmarks/flowlens-bench-ranges
    printf '\nIPFIX over TCP and TLS to flows, one core, CPU time of the thread that takes them\n'
    $build/benchmarks/flowlens-bench-streams
  fi
fi

if [ -z "$only" ] || [ "$only" = store ]; then
  [ -n "$json" ] || printf '\nWhat the stores take in\n'
  store=($build/benchmarks/flowlens-bench-store ${quick:+--flows 100000 --dependencies 20000})
  if [ -n "$json" ]; then
    python3 "$here/with_postgres.py" "${store[@]}" --json >"$results/store.json"
  else
    python3 "$here/with_postgres.py" "${store[@]}"
  fi
fi

status=0
if [ -z "$only" ] || [ "$only" = live ]; then
  generate "$protocol"
  live=(--rate "$rate" --protocol "$protocol" --window $window --seconds $seconds)
  [ ! -s "$data/$protocol.dg" ] || live+=(--file "$data/$protocol.dg")
  [ -n "$json" ] || printf '\n'
  if [ -n "$json" ]; then
    python3 "$here/live.py" "${live[@]}" --json >"$results/live.json" || status=1
  else
    python3 "$here/live.py" "${live[@]}" || status=1
  fi
fi

if [ -z "$only" ] || [ "$only" = service ]; then
  generate v9
  if [ ! -s "$data/v9.dg" ]; then
    say "service: left out, as it wants genflows to send"
  elif [ -n "$json" ]; then
    { printf '{"asked by many": '
      python3 "$here/service_load.py" --assets $assets --file "$data/v9.dg" --json || status=1
      printf ', "followed": '
      python3 "$here/follow_load.py" --assets $assets --file "$data/v9.dg" --json || status=1
      printf '}'
    } >"$results/service.json"
  else
    printf '\nflowlensd asked by many\n'
    python3 "$here/service_load.py" --assets $assets --file "$data/v9.dg" || status=1
    printf '\nAn API process that follows\n'
    python3 "$here/follow_load.py" --assets $assets --file "$data/v9.dg" || status=1
  fi
fi

if [ -z "$only" ] || [ "$only" = dns ]; then
  generate v9
  dns=(${quick:+--seconds 5})
  [ ! -s "$data/v9.dg" ] || dns+=(--file "$data/v9.dg")
  if ! command -v unbound >/dev/null && [ ! -x /usr/sbin/unbound ]; then
    say "dns: left out, as it wants unbound (./dev setup test)"
  elif [ -n "$json" ]; then
    python3 "$here/dns_load.py" "${dns[@]}" --json >"$results/dns.json" || status=1
  else
    printf '\nNames by DNS\n'
    python3 "$here/dns_load.py" "${dns[@]}" || status=1
  fi
fi

if [ -z "$only" ] || [ "$only" = python ]; then
  if [ ! -f $build/bindings/python/flowlens/__init__.py ]; then
    say "python: left out, as the package is not built (FLOWLENS_BUILD_PYTHON)"
  else
    place=build/bench-python
    cmp -s "$here/requirements.txt" $place/installed || {
      say "installing $place"
      python3 -m venv $place
      $place/bin/pip install -q --disable-pip-version-check -r "$here/requirements.txt" >&2
      cp "$here/requirements.txt" $place/installed
    }
    flows=$python_flows data=$data/python generate v9
    [ -n "$json" ] || printf '\nPython\n'
    $place/bin/python3 "$here/python_read.py" --bench $build/benchmarks/flowlens-bench-read \
      --package $build/bindings/python ${json:+--json "$results/python.json"} "$data/python/v9.pcap"
  fi
fi

if [ -n "$json" ]; then
  python3 -c 'import json, sys
names = ("decode", "map", "store", "live", "service", "dns", "python")
print(json.dumps({name: json.load(open(f"{sys.argv[1]}/{name}.json")) for name in names}, indent=2))' "$results"
fi
exit $status
