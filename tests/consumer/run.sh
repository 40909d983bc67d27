#!/usr/bin/env bash
# Installs FlowLens into an empty prefix, moves that elsewhere, and builds tiny projects against it by find_package and
# by pkg-config, and one against the sources by add_subdirectory; each must decode the same datagram.
set -euo pipefail
source=$1 build=$2 compiler=$3 flags=${4:-}
case $compiler in *clang++*) c_compiler=clang ;; *) c_compiler=gcc ;; esac
work=$build/consumer  # the same each time: so ccache knows the files
rm -rf "$work" && mkdir "$work"
trap 'rm -rf "$work"' EXIT
examples=$source/examples/cpp

# One NetFlow v5 record: 10.0.0.1:40000 > 10.0.0.2:5432, TCP, 1234 octets; alone, and in a capture as an exporter sent it.
python3 - "$work" <<'PYTHON'
import pathlib, struct, sys
record = bytes.fromhex("00050001000027106b0156c40000000000000000000100000a0000010a00000200000000"
                       "000100020000000a000004d2000003e8000007d09c401538001806000000000018180000")
udp = struct.pack("!HHHH", 50000, 2055, 8 + len(record), 0) + record
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes((192, 0, 2, 1)), bytes((192, 0, 2, 9)))
frame = bytes(12) + b"\x08\x00" + ip + udp
work = pathlib.Path(sys.argv[1])
work.joinpath("datagram").write_bytes(record)
work.joinpath("capture").write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) +
                                     struct.pack("<IIII", 1795000000, 0, len(frame), len(frame)) + frame)
PYTHON

check() {  # PROGRAM WHAT IT SAYS
  local got
  got=$("$1" "$work/capture" <"$work/datagram")
  [[ $got == *"$2"* ]] || { printf '%s: wanted "%s", got "%s"\n' "$1" "$2" "$got"; exit 1; }
  printf '%s decodes\n' "${1#"$work"/}"
}
flow='10.0.0.1:40000 > 10.0.0.2:5432 protocol 6, 1234 octets'
line='"source":"10.0.0.1","destination":"10.0.0.2","protocol":6,"source_port":40000,"destination_port":5432,"octets":1234'

cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/prefix"
! grep -rlI "$work\|$source" "$work/prefix" || { echo 'the installation names folders of the build'; exit 1; }

configure() {  # PROJECT OPTIONS...
  cmake -S "$source/tests/consumer/$1" -B "$work/$1" -G Ninja "-DCMAKE_CXX_COMPILER=$compiler" "-DEXAMPLES=$examples" \
    "${@:2}" >/dev/null
  cmake --build "$work/$1" >/dev/null
}
for project in find_package find_component; do
  configure $project "-DCMAKE_CXX_FLAGS=$flags" -DCMAKE_PREFIX_PATH="$work/prefix"
done
check "$work/find_package/decode_with_all" "$flow"
check "$work/find_component/decode" "$flow"
check "$work/find_component/flow_log" "$line"

mkdir "$work/pkg_config"
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name flowlens-core.pc)") \
  make -s -C "$work/pkg_config" -f "$source/tests/consumer/pkg_config/Makefile" \
  CXX="$compiler" CXXFLAGS="$flags" EXAMPLES="$examples"
check "$work/pkg_config/decode" "$flow"
check "$work/pkg_config/flow_log" "$line"

# C, where its shared library was built: by find_package in a project without C++, and by pkg-config.
if [ -e "$(find "$work/prefix" -name flowlens.pc)" ]; then
  configure c_find_package "-DCMAKE_C_FLAGS=$flags" "-DCMAKE_C_COMPILER=$c_compiler" -DCMAKE_PREFIX_PATH="$work/prefix"
  check "$work/c_find_package/decode" "$flow"
  libdir=$(dirname "$(find "$work/prefix" -name 'libflowlens.so')")
  # shellcheck disable=SC2046,SC2086
  "$c_compiler" -std=c11 $flags "$examples/../c/decode_datagram.c" \
    $(PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --cflags --libs flowlens) "-Wl,-rpath,$libdir" -o "$work/by_pkg_config"
  check "$work/by_pkg_config" "$flow"
fi

# Whoever vendors FlowLens pays for the core only: no adapter, test or example is built. Optimised, as nothing else
# of the tests is: some warnings come from the optimiser alone.
configure add_subdirectory "-DFLOWLENS_SOURCE=$source" -DCMAKE_BUILD_TYPE=Release -DFLOWLENS_WARNINGS_AS_ERRORS=ON \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)"
check "$work/add_subdirectory/decode" "$flow"
[ ! -e "$work/add_subdirectory/flowlens/libflowlens_store.a" ] || { echo 'add_subdirectory built the store unasked'; exit 1; }
