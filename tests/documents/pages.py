"""Code blocks of Markdown pages, with what a comment right before a block says of it:

    <!-- not run: REASON -->     the block is read, and its syntax checked where that can be, but nobody runs it
    <!-- file: NAME -->          the block is a file that later blocks of the page use
    <!-- walk: NAME -->          the block is a step of a walk: run by walks_test.py, in the order of the page
    <!-- keeps running -->       a program that runs until it is stopped: it has to be up, and is stopped
    <!-- log-in -->              asks a flowlensd on which people log in; all others one on which nobody has to
"""

import dataclasses
import re

MARKER = re.compile(r"<!-- (not run|file|walk|keeps running|log-in)(?:: (.+?))? -->")


@dataclasses.dataclass
class Block:
    page: str
    line: int
    language: str
    text: str
    markers: dict

    @property
    def where(self):
        return f"{self.page}:{self.line}"

    @property
    def is_run(self):
        return not ({"not run", "walk"} & set(self.markers))


def read_blocks(path, name):
    """(blocks, problems). A block without a language, and one that is indented instead of fenced, is a problem."""
    blocks, problems = [], []
    lines = path.read_text().split("\n")
    markers, at, in_item = {}, 0, False
    while at < len(lines):
        line = lines[at]
        fence = re.fullmatch(r"( *)```(\w*)", line)
        if fence:
            end = next((i for i in range(at + 1, len(lines)) if lines[i].strip() == "```"), None)
            if end is None:
                return blocks, [*problems, f"{name}:{at + 1}: the block does not end"]
            text = "\n".join(row[len(fence[1]):] for row in lines[at + 1:end])
            if not fence[2]:
                problems.append(f"{name}:{at + 1}: the block names no language")
            blocks.append(Block(name, at + 1, fence[2], text + "\n", markers))
            markers, at = {}, end + 1
            continue
        found = MARKER.findall(line)
        if found:
            markers |= {kind: value for kind, value in found}
        elif line.strip():
            markers = {}
        if line and not line.startswith(" "):
            in_item = bool(re.match(r"([*-]|\d+\.) ", line))
        if line.startswith("    ") and not in_item and at > 0 and not lines[at - 1].strip():
            problems.append(f"{name}:{at + 1}: the block is indented; fence it, and name its language")
        at += 1
    return blocks, problems
