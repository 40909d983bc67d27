#!/usr/bin/env python3
"""A capture to NumPy and to Arrow from Python, beside C++ on the same file, and beside the package `netflow` of PyPI.

Each is a process of its own that tells its wall and CPU time from open to end; they take turns, and the least of each
counts. `netflow` gets the first datagrams only, as it would take an hour for all; how many is said.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TO_NUMPY = """
import numpy, flowlens
flows = octets = 0
for batch in flowlens.read(path):
    flows += len(batch)
    octets += int(numpy.asarray(batch.column("octet_count")).sum())
"""
TO_ARROW = """
import flowlens, pyarrow
reader = pyarrow.RecordBatchReader.from_stream(flowlens.read(path))
flows, octets = sum(batch.num_rows for batch in reader), 0
"""
NETFLOW = """
import flowlens, itertools, netflow
templates = {"netflow": {}, "ipfix": {}}
payloads = [d.payload for d in itertools.islice(flowlens.datagrams(path), datagrams)]
start = times()
flows = octets = 0
for payload in payloads:
    flows += len(netflow.parse_packet(payload, templates).flows)
"""
OURS = """
import flowlens, itertools
payloads = [d.payload for d in itertools.islice(flowlens.datagrams(path), datagrams)]
decoder = flowlens.Decoder()
start = times()
flows = octets = 0
for payload in payloads:
    flows += len(decoder.decode(payload, exporter="192.0.2.1", received=0))
"""
FRAME = """
import json, os, time
def times():
    t = os.times()
    return time.perf_counter(), t.user + t.system
{imports}
path, datagrams = {path!r}, {datagrams}
start = times()
{code}
end = times()
print(json.dumps({{"flows": flows, "octets": octets, "wall": end[0] - start[0], "cpu": end[1] - start[1]}}))
"""


def python(code: str, arguments: argparse.Namespace) -> list[str]:
    imports = "\n".join(line for line in code.splitlines() if line.startswith("import"))
    body = "\n".join(line for line in code.splitlines() if not line.startswith("import"))
    text = FRAME.format(imports=imports, code=body, path=str(arguments.file), datagrams=arguments.datagrams)
    return [sys.executable, "-c", text]


def measure(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def best(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The least wall and the least CPU time; counts are the same in all."""
    assert len({(r["flows"], r["octets"]) for r in runs}) == 1, runs
    return {**runs[0], "wall": min(r["wall"] for r in runs), "cpu": min(r["cpu"] for r in runs)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--bench", required=True, help="flowlens-bench-read")
    parser.add_argument("--package", required=True, help="the folder that flowlens is imported from")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--datagrams", type=int, default=20_000, help="for the package netflow")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    environment = {**os.environ, "PYTHONPATH": arguments.package}
    commands = {
        "C++ to batches": [arguments.bench, "numpy", str(arguments.file)],
        "Python to NumPy": python(TO_NUMPY, arguments),
        "C++ to Arrow": [arguments.bench, "arrow", str(arguments.file)],
        "Python to Arrow": python(TO_ARROW, arguments),
        "netflow (PyPI)": python(NETFLOW, arguments),
        "Decoder.decode": python(OURS, arguments),
    }
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    for _ in range(arguments.repetitions):
        for name, command in commands.items():
            runs[name].append(measure(command, environment))
            time.sleep(0.1)
    found = {name: best(each) for name, each in runs.items()}
    ratios = {
        f"{what}, {clock}": found[f"Python to {what}"][clock] / found[f"C++ to {other}"][clock]
        for what, other in (("NumPy", "batches"), ("Arrow", "Arrow"))
        for clock in ("wall", "cpu")
    }
    if arguments.json:
        arguments.json.write_text(json.dumps({"runs": found, "python / C++": ratios}, indent=2))
        return 0
    print(f"{arguments.file}: {arguments.file.stat().st_size / 1e6:,.0f} MB, least of {arguments.repetitions} runs")
    print(f"{'':18}{'flows':>12}{'wall s':>9}{'CPU s':>9}{'flows/s':>12}")
    for name, r in found.items():
        print(f"{name:18}{r['flows']:>12,}{r['wall']:>9.2f}{r['cpu']:>9.2f}{r['flows'] / r['cpu']:>12,.0f}")
    print(f"The last two had the first {arguments.datagrams:,} datagrams, one call each.")
    for name, ratio in ratios.items():
        print(f"Python / C++, {name}: {ratio:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
