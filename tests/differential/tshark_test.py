#!/usr/bin/env python3
"""What tshark decodes, FlowLens decodes to the same values. Disagreements that are known stand in
disagreements.tsv with who is right; any other fails, and so does one that no longer shows.

usage: tshark_test.py        (FLOWLENS_DUMP names the program that prints what FlowLens sees)
"""
import collections
import fnmatch
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import inputs
import netflow
import sflow
import tshark

SKIPPED = 77
SHOWN = 20
COMPARE = {"cflow": netflow.compare, "sflow": sflow.compare}


class Known:
    """The list of disagreements: input, tshark's field, our field, who is right, why."""

    def __init__(self, file):
        lines = [line.rstrip("\n").split("\t") for line in open(file) if line.strip() and not line.startswith("#")]
        for line in lines:
            if len(line) != 5 or line[3] not in ("FlowLens", "tshark", "both"):
                sys.exit(f"{file}: wants input, field, our field, FlowLens|tshark|both, why: {line}")
        self.rows = [tuple(line) for line in lines]
        self.met = collections.Counter()

    def covers(self, name, field, key):
        for row in self.rows:
            if all(fnmatch.fnmatchcase(text, glob) for text, glob in zip((name, field, key), row)):
                self.met[row] += 1
                return True
        return False

    def stale(self):
        """Rows that did not occur."""
        return [row for row in self.rows if not self.met[row]]


def run(name, pcap, names, known, failures):
    """Compares one capture. \\return (datagrams, values compared, bits passed over)."""
    dump = subprocess.Popen([os.environ["FLOWLENS_DUMP"], pcap], stdout=subprocess.PIPE, text=True)
    datagrams = compared = parts = 0
    for number, (theirs, line) in enumerate(zip(tshark.read(pcap), dump.stdout, strict=True)):
        if theirs is None:
            continue
        where = names[number] if names else f"{name}:{number}"
        ours = json.loads(line)

        def differ(field, key, value):
            if not known.covers(where, field.name, key):
                failures.append(f"{where}: {field.name} at octet {field.at}: tshark {field.show!r}, "
                                f"FlowLens {key} {value!r}")
        values, passed = COMPARE[theirs.name](theirs, ours, differ)
        datagrams, compared, parts = datagrams + 1, compared + values, parts + passed
    if dump.wait() != 0:
        failures.append(f"{name}: flowlens-dump ended with status {dump.returncode}")
    return datagrams, compared, parts


def main():
    if "FLOWLENS_DUMP" not in os.environ:
        sys.exit(__doc__)
    if shutil.which("tshark") is None:
        print("no tshark here: nothing to compare with")
        sys.exit(SKIPPED)
    known = Known(pathlib.Path(__file__).with_name("disagreements.tsv"))
    failures, complete = [], True
    with tempfile.TemporaryDirectory(prefix="flowlens-differential-") as directory:
        for name, pcap, names in inputs.all_of_them(pathlib.Path(directory)):
            if pcap is None:
                print(f"{name}: cannot be had here")
                complete = False
                continue
            datagrams, compared, parts = run(name, pcap, names, known, failures)
            print(f"{name}: {datagrams} datagrams, {compared} values compared, {parts} shown by tshark bit by bit")
            if compared == 0:
                failures.append(f"{name}: nothing was compared")
    if complete:
        failures += [f"listed, but it does not occur: {row}" for row in known.stale()]
    for failure in failures[:SHOWN]:
        print(failure)
    print(f"{sum(known.met.values())} known disagreements of {len(known.rows)} kinds, {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
