#!/usr/bin/env bash
# Installs FlowLens into an empty prefix and builds the README's program against it, by find_package,
# by pkg-config and by add_subdirectory; each must decode the same datagram.
set -euo pipefail
source=$1 build=$2 compiler=$3 flags=${4:-}
work=$build/consumer  # the same each time: so ccache knows the files
rm -rf "$work" && mkdir "$work"
trap 'rm -rf "$work"' EXIT
program=$source/examples/cpp/decode_datagram.cpp

# One NetFlow v5 record: 10.0.0.1:40000 > 10.0.0.2:5432, TCP, 1234 octets.
printf '%s%s' \
  00050001000027106b0156c40000000000000000000100000a0000010a00000200000000 \
  000100020000000a000004d2000003e8000007d09c401538001806000000000018180000 |
  python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' >"$work/datagram"
want='10.0.0.1:40000 > 10.0.0.2:5432 protocol 6, 1234 octets'

check() {
  local got
  got=$("$1" <"$work/datagram")
  [ "$got" = "$want" ] || { printf '%s: wanted "%s", got "%s"\n' "$1" "$want" "$got"; exit 1; }
  printf '%s decodes\n' "${1#"$work"/}"
}

cmake --install "$build" --prefix "$work/prefix" >/dev/null
common=(-G Ninja "-DCMAKE_CXX_COMPILER=$compiler" "-DPROGRAM=$program")

cmake -S "$source/tests/consumer/find_package" -B "$work/installed" "${common[@]}" "-DCMAKE_CXX_FLAGS=$flags" \
  -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/installed" >/dev/null
check "$work/installed/decode"
check "$work/installed/decode_with_all"

pc=$(find "$work/prefix" -name flowlens.pc)
PKG_CONFIG_PATH=$(dirname "$pc") bash -c "$compiler -std=c++20 $flags $program \
  \$(pkg-config --define-variable=prefix=$work/prefix --cflags --libs flowlens) -o $work/by_pkg_config"
check "$work/by_pkg_config"

# Whoever vendors FlowLens pays for the core only: no adapter, test or example is built. Optimised, as nothing else
# of the tests is: some warnings come from the optimiser alone.
cmake -S "$source/tests/consumer/add_subdirectory" -B "$work/vendored" "${common[@]}" "-DFLOWLENS_SOURCE=$source" \
  -DCMAKE_BUILD_TYPE=Release -DFLOWLENS_WARNINGS_AS_ERRORS=ON \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" >/dev/null
cmake --build "$work/vendored" >/dev/null
check "$work/vendored/decode"
[ ! -e "$work/vendored/flowlens/libflowlens_store.a" ] || { echo 'add_subdirectory built the store unasked'; exit 1; }
