"""A folder includes only folders before it (DESIGN section 3), and the core keeps off clock and sockets."""

import pathlib
import re
import sys

ROOMS = ["base", "query", "wire", "parse", "normalize", "enrich", "aggregate", "graph", "arrow",
         "analyze", "classify", "detect", "resolve", "lookup", "collect", "store"]
CORE = ROOMS[:ROOMS.index("lookup")]
FORBIDDEN_IN_CORE = [r"(system|steady|high_resolution)_clock::now", r"\bgetenv\(", r"<thread>", r"<sys/socket\.h>",
                     r"\bstd::c(out|err)\b", r"\babort\(\)", r"\bexit\("]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.M)


def room_of_header(path, problems):
    found = re.search(r"^/// \\file\n/// (\w+)(?:/\w+)?: ", path.read_text(), re.M)
    if not found or found.group(1) not in ROOMS:
        problems.append(f"{path}: the line after \\file must begin with its room, e.g. `/// parse: ...`")
        return None
    return found.group(1)


def check_file(path, room, header_rooms, problems):
    text = path.read_text()
    for name in INCLUDE.findall(text):
        if name.startswith("flowlens/"):
            other = header_rooms.get(name.removeprefix("flowlens/"))
        else:
            first = name.split("/")[0]
            other = first if "/" in name and first in ROOMS else None
        if other and ROOMS.index(other) > ROOMS.index(room):
            problems.append(f"{path}: {room} includes {name}, but {other} comes after it")
    if room in CORE:
        for pattern in FORBIDDEN_IN_CORE:
            if re.search(pattern, text):
                problems.append(f"{path}: the core may not use {pattern}")


def main(root):
    problems = []
    header_rooms = {"version.hpp": "base", "version.hpp.in": "base"}
    public = [p for p in sorted((root / "include/flowlens").glob("*.hpp")) if p.name != "flowlens.hpp"]
    for path in public:
        header_rooms[path.name] = room_of_header(path, problems)
    for path in public:
        if header_rooms[path.name]:
            check_file(path, header_rooms[path.name], header_rooms, problems)
    files = [p for p in sorted((root / "src").rglob("*")) if p.suffix in (".cpp", ".hpp", ".rl", ".inc")]
    for path in files:
        room = path.relative_to(root / "src").parts[0]
        if room not in ROOMS:
            problems.append(f"{path}: src/{room} is no room of DESIGN section 3")
        else:
            check_file(path, room, header_rooms, problems)
    for path in sorted((root / "examples").rglob("*.?pp")):
        for name in INCLUDE.findall(path.read_text()):
            local = (path.parent / name).exists() or any((d / name).exists() for d in path.parents if root in d.parents)
            if "/" in name and name.split("/")[0] in ROOMS and not local:
                problems.append(f"{path}: examples use public headers only, not {name}")
            if "simnet" in path.parts and name.startswith("flowlens/"):
                problems.append(f"{path}: the simulator uses no FlowLens header, not {name}")
    print("\n".join(problems) or f"{len(public)} public headers and {len(files)} source files keep the order")
    return 1 if problems else 0


sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
