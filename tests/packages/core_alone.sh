#!/usr/bin/env bash
# The core alone, with the oldest compilers that are promised, without a network: it configures with none of the other
# parts, builds without a warning, and a program of it needs the C++ library only.
#   core_alone.sh SOURCE WORK_FOLDER
set -euo pipefail
source=$1 work=$2
rm -rf "$work" && mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
away=(unshare --net)
[ "$(id -u)" = 0 ] || away=(unshare --map-root-user --net)

for compiler in g++ clang++; do
  command -v $compiler >/dev/null || { echo "$compiler is not installed"; exit 77; }
  "${away[@]}" cmake -S "$source/tests/consumer/add_subdirectory" -B "$work/$compiler" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_COMPILER=$compiler -DFLOWLENS_SOURCE="$source" -DEXAMPLES="$source/examples/cpp" -DFLOWLENS_WARNINGS_AS_ERRORS=ON \
    -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" >/dev/null
  grep -q 'Wall -Wextra -Wconversion.*-Werror' "$work/$compiler/build.ninja" || { echo 'the warnings are not asked for'; exit 1; }
  "${away[@]}" cmake --build "$work/$compiler" >"$work/log" 2>&1 || { tail -n 40 "$work/log"; exit 1; }
  needed=$(readelf -d "$work/$compiler/decode" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
  case $needed in
    *[a-z]*) [ -z "$(tr ' ' '\n' <<<"$needed" | grep -Ev '^(libstdc\+\+\.so\.6|libm\.so\.6|libgcc_s\.so\.1|libc\.so\.6|ld-linux.*|)$')" ] ||
      { echo "$compiler: the program needs $needed"; exit 1; } ;;
  esac
  printf '%s: %s; needs %s\n' $compiler "$($compiler --version | head -n 1)" "$needed"
done
