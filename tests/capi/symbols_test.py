"""libflowlens.so exports exactly the functions of flowlens.h, and needs only what it uses.

symbols_test.py HEADER LIBRARY
"""

import pathlib
import re
import subprocess
import sys

FUNCTION = re.compile(r"^FLOWLENS_API\s[^;(]*?\b(flowlens_\w+)\(", re.M)
UNUSED = ("libcurl", "libssl", "libpq", "libsqlite3", "libnetsnmp")  # of parts of the library that C does not call


def main(header, library):
    text = re.sub(r"/\*.*?\*/", "", pathlib.Path(header).read_text(), flags=re.S)
    declared = set(FUNCTION.findall(text))
    listed = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    symbols = [line.split()[1:] for line in listed.splitlines()]
    exported = {name.split("@")[0] for kind, name in symbols if kind != "A"}
    versions = {name.split("@@")[1] for kind, name in symbols if "@@" in name}
    dynamic = subprocess.run(["readelf", "-d", library], check=True, capture_output=True, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*?)\]", dynamic)
    problems = [f"{name} is declared and not exported" for name in sorted(declared - exported)]
    problems += [f"{name} is exported and not declared" for name in sorted(exported - declared)]
    problems += [f"{name} is needed and not used" for name in needed if name.startswith(UNUSED)]
    if not versions <= {"FLOWLENS_0"}:
        problems.append(f"versions of symbols: {sorted(versions)}")
    if len(declared) < 100:
        problems.append(f"only {len(declared)} functions were found in {header}")
    print("\n".join(problems) or f"{len(declared)} functions, declared and exported; needs {', '.join(needed)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
