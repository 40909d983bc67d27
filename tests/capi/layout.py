"""Writes layout_test.c's assertions: sizes and offsets of every struct of flowlens.h, as this compiler has them.

python3 tests/capi/layout.py > tests/capi/layout.inc, when a release has added to a struct. What changes elsewhere in the
file breaks programs that are built already.
"""

import pathlib
import re
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
HEADER = TOP / "include/flowlens/flowlens.h"
STRUCT = re.compile(r"typedef struct (flowlens_\w+) \{(.*?)\n\} \1;", re.S)


def structs():
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    for name, body in STRUCT.findall(text):
        members = [re.search(r"(\w+)(?:\[\w+\])*$", part.strip()) for part in body.split(";") if part.strip()]
        yield name, [member.group(1) for member in members]


def main():
    lines = ['#include <stdio.h>', '#include "flowlens/flowlens.h"', "int main(void) {"]
    for name, members in structs():
        lines.append(f'printf("SIZE({name}, %zu)\\n", sizeof({name}));')
        lines += [f'printf("OFFSET({name}, {m}, %zu)\\n", offsetof({name}, {m}));' for m in members]
    with tempfile.TemporaryDirectory() as place:
        source = pathlib.Path(place) / "layout.c"
        source.write_text("\n".join([*lines, "return 0; }"]))
        subprocess.run(["cc", "-std=c11", f"-I{TOP}/include", source, "-o", source.with_suffix("")], check=True)
        made = subprocess.run([source.with_suffix("")], check=True, capture_output=True, text=True).stdout
    print("/* Made by tests/capi/layout.py on x86-64. Lines are only ever added; sizes grow with the lines added. */")
    print(made, end="")


if __name__ == "__main__":
    main()
