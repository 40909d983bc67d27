"""C++, C and Python give identical lines for the corpus and a generated hour: README.md beside this file.

The environment names the programs: PARITY_CPP, PARITY_C and, where Python's package was built, PARITY_PYTHON.
"""

import itertools
import json
import os
import pathlib
import shlex
import struct
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("FLOWLENS_SHARED", TOP.parent / "shared"))
BEGIN = 1_795_249_860_000_000_000  # nanoseconds since 1970 of the first datagram
PORT = 2055


def corpus_datagrams():
    """(exporter, its port, payload) of all cases, every case with exporters of its own."""
    for number, file in enumerate(sorted((SHARED / "corpus").glob("*/case.json"))):
        exporters = []
        for datagram in json.loads(file.read_text())["datagrams"]:
            if datagram["exporter"] not in exporters:
                exporters.append(datagram["exporter"])
            exporter = 0x0A090000 | number << 8 | exporters.index(datagram["exporter"]) + 1
            yield exporter, datagram["port"], (file.parent / datagram["file"]).read_bytes()


def write_corpus(directory):
    """The corpus as a file of datagrams and as a capture; whether there is one."""
    datagrams = list(corpus_datagrams())
    with open(directory / "corpus.datagrams", "wb") as plain, open(directory / "corpus.pcap", "wb") as capture:
        capture.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
        for n, (exporter, port, payload) in enumerate(datagrams):
            at = BEGIN + n * 1_000_000
            plain.write(bytes(10) + b"\xff\xff" + struct.pack("!I", exporter))
            plain.write(struct.pack("<HHqI", port, PORT, at, len(payload)) + payload)
            udp = struct.pack("!HHHH", port, PORT, 8 + len(payload), 0) + payload
            ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0, exporter, 0x7F000001)
            frame = bytes(12) + b"\x08\x00" + ip + udp
            capture.write(struct.pack("<IIII", at // 10**9, at % 10**9, len(frame), len(frame)) + frame)
    return bool(datagrams)


def write_hour(directory):
    """An hour of the simulated network as a capture; whether there is a simulator."""
    simulator = os.environ.get("FLOWLENS_SIMNET")
    if simulator:
        subprocess.run([simulator, "--pcap", directory / "hour.pcap", "--duration", "3600", "--rate", "5"], check=True,
                       stdout=subprocess.DEVNULL)
    return bool(simulator)


def programs():
    named = (("C++", "PARITY_CPP"), ("C", "PARITY_C"), ("Python", "PARITY_PYTHON"))
    return {name: shlex.split(os.environ[variable]) for name, variable in named if os.environ.get(variable)}


def first_difference(one, other):
    with open(one, encoding="utf-8") as left, open(other, encoding="utf-8") as right:
        for number, (a, b) in enumerate(itertools.zip_longest(left, right), 1):
            if a != b:
                return f"line {number}:\n  {a!r}\n  {b!r}"
    return None


def compare(directory, mode, file):
    """Problems of one input. Prints how much was compared."""
    outputs = {}
    for name, command in programs().items():
        if mode == "records" and name == "Python":
            continue
        outputs[name] = directory / f"{name}.lines"
        with open(outputs[name], "wb") as out:
            done = subprocess.run([*command, mode, file], stdout=out, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            return [f"{name} {mode} {file.name}: exit {done.returncode}: {done.stderr[-2000:]}"]
    with open(outputs["C++"], "rb") as lines:
        count = sum(1 for _ in lines)
    print(f"{file.name}: {count} lines of {mode}, compared: {', '.join(outputs)}")
    problems = [] if count > 1000 else [f"{mode} {file.name}: only {count} lines"]
    for name in outputs:
        difference = first_difference(outputs["C++"], outputs[name])
        if difference:
            problems.append(f"{mode} {file.name}: {name} differs from C++ in {difference}")
    return problems


def main():
    problems, skipped = [], []
    with tempfile.TemporaryDirectory() as place:
        directory = pathlib.Path(place)
        if write_corpus(directory):
            problems += compare(directory, "datagrams", directory / "corpus.datagrams")
            problems += compare(directory, "records", directory / "corpus.datagrams")
            problems += compare(directory, "file", directory / "corpus.pcap")
        else:
            skipped.append(f"there is no corpus in {SHARED}")
        if write_hour(directory):
            problems += compare(directory, "file", directory / "hour.pcap")
        else:
            skipped.append("FLOWLENS_SIMNET names no simulator")
    for line in problems + skipped:
        print(line)
    sys.exit(1 if problems else 77 if skipped else 0)


if __name__ == "__main__":
    main()
