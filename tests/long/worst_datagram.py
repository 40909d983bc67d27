#!/usr/bin/env python3
"""The dearest single datagram costs at most LIMIT instructions, counted by callgrind.

usage: worst_datagram.py PROGRAM     prints the cost of each hostile datagram, the dearest first
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

LIMIT = 1_000_000
SKIPPED = 77


def cost_of(dump):
    """Instructions of one dump of callgrind."""
    found = re.search(r"^(?:summary|totals): (\d+)", dump.read_text(), re.M)
    return int(found[1]) if found else 0


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if shutil.which("valgrind") is None:
        print("no valgrind here: nothing was counted")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix="flowlens-callgrind-") as directory:
        out = pathlib.Path(directory) / "out"
        run = subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", "-q",
                              f"--callgrind-out-file={out}", sys.argv[1]],
                             stdout=subprocess.PIPE, text=True, check=False)
        cases = [line.split("\t") for line in run.stdout.splitlines()]
        dumps = [pathlib.Path(f"{out}.{i + 1}") for i in range(len(cases))]
        costs = sorted(((cost_of(d), *c) for d, c in zip(dumps, cases)), reverse=True)
    for cost, name, octets, flows, first in costs:
        print(f"{cost:>12,}  {name} ({octets} octets, {flows} flows, {first})")
    too_dear = [c for c in costs if c[0] > LIMIT]
    print(f"{len(costs)} datagrams, the dearest costs {costs[0][0]:,} instructions of {LIMIT:,}; "
          f"{len(too_dear)} cost more")
    sys.exit(1 if too_dear or run.returncode != 0 or not all(c[0] for c in costs) else 0)


if __name__ == "__main__":
    main()
