"""The README's program is examples/cpp/decode_datagram.cpp, to the letter, and its links lead somewhere."""

import pathlib
import re
import sys


def main(root):
    problems = []
    readme = (root / "README.md").read_text()
    blocks = re.findall(r"```cpp\n(.*?)```", readme, re.S)
    program = (root / "examples/cpp/decode_datagram.cpp").read_text()
    if not any(block.strip() in program for block in blocks):
        problems.append("README.md: no C++ block is part of examples/cpp/decode_datagram.cpp")
    for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                problems.append(f"{page.name}: the link to {target} leads nowhere")
    print("\n".join(problems) or "README and docs hold")
    return 1 if problems else 0


sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
