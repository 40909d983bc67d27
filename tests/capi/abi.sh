#!/usr/bin/env bash
# Whether programs built against the last baseline of flowlens.h go on working: abidiff (Debian abigail-tools) compares
# types and functions with tests/capi/baseline.abi.
#   tests/capi/abi.sh            compares; exits with 1 where anything is otherwise
#   tests/capi/abi.sh --renew    writes the baseline anew: at a release, or before the first one
#
# What is compared is the header, as a library of functions without bodies: the compiler holds libflowlens.so to the
# header's types, and tests/capi/symbols_test.py to its list of functions.
set -euo pipefail
cd "$(dirname "$0")/../.."
baseline=tests/capi/baseline.abi
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

python3 - include/flowlens/flowlens.h >"$place/header.c" <<'PYTHON'
import re, sys
text = re.sub(r"/\*.*?\*/", "", open(sys.argv[1]).read(), flags=re.S)
print('#include "flowlens/flowlens.h"')
for declaration in re.findall(r"^FLOWLENS_API\s[^;]*;", text, re.M):
    print(declaration[:-1] + " { __builtin_trap(); }")
PYTHON
cc -std=c11 -g -O0 -fPIC -shared -Wno-unused-parameter -Iinclude -Wl,-soname,libflowlens.so.0 "$place/header.c" \
  -o "$place/libflowlens.so"
abidw --headers-dir include/flowlens --no-show-locs --no-corpus-path --no-comp-dir-path --type-id-style hash \
  --out-file "$place/now.abi" "$place/libflowlens.so"

if [ "${1:-}" = --renew ]; then
  cp "$place/now.abi" $baseline
  echo "$baseline: $(grep -c '<elf-symbol ' $baseline) functions"
  exit
fi
status=0
abidiff --no-show-locs $baseline "$place/now.abi" || status=$?
if [ $status -ne 0 ]; then
  echo "Programs built against $baseline go on working where functions were added, or members at the end of a struct" \
    "with struct_size: then tests/capi/abi.sh --renew takes them into the baseline. Everything else breaks them." >&2
  exit 1
fi
echo "the ABI is the baseline's"
