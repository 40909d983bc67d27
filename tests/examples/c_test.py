#!/usr/bin/env python3
"""The programs of examples/c, on the simulated network of which cpp_test.py knows the truth."""

import csv
import io
import json
import os
import signal
import struct
import subprocess
from pathlib import Path

from cpp_test import octets_by_use, play, true_octets
from harness import Process, expect, free_port, main, replay, run, wait_for, work_dir

EXAMPLES = Path(os.environ.get("EXAMPLES_C", "build/asan-ubsan/examples/c"))


def flow_log(capture, *filters):
    return [json.loads(line) for line in run([EXAMPLES / "flow_log_c", capture, *filters]).stdout.splitlines()]


def test_decode_datagram():
    """One NetFlow v5 datagram gives its flow; what is none says why."""
    header = struct.pack("!HHIIIIBBH", 5, 1, 10_000, 1_795_262_400, 0, 0, 0, 0, 0)
    record = struct.pack("!4s4s4xHHIIIIHHxBBB8x", bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), 0, 0, 3, 180, 1, 2, 40000, 443, 2, 6, 0)
    done = subprocess.run([EXAMPLES / "decode_datagram_c"], input=header + record, capture_output=True)
    expect(done.stdout == b"10.0.0.1:40000 > 10.0.0.2:443 protocol 6, 180 octets\n", f"{done.stdout} {done.stderr}")
    done = subprocess.run([EXAMPLES / "decode_datagram_c"], input=header[:20], capture_output=True)
    expect(done.returncode == 1 and done.stdout.startswith(b"truncated "), f"{done.returncode}: {done.stdout}")


def test_flow_log():
    """All flows are in the log, and with a filter those that it lets through."""
    with work_dir("c-flow-log") as directory:
        capture, truth = play(directory)
        expect(octets_by_use(flow_log(capture), truth) == true_octets(truth), "the octets of all flows are not those of the truth")
        rows = flow_log(capture, "port 5432")
        expect(rows and octets_by_use(rows, truth) == true_octets(truth, lambda key: key[3] == 5432),
               "the octets of port 5432 are not those of the truth")
        refused = subprocess.run([EXAMPLES / "flow_log_c", capture, "dst port 70000"], capture_output=True, text=True)
        expect(refused.returncode == 1 and "\n           ^" in refused.stderr, refused.stderr)
        refused = subprocess.run([EXAMPLES / "flow_log_c", directory / "none"], capture_output=True, text=True)
        expect(refused.returncode == 1 and "none" in refused.stderr, refused.stderr)


def test_event_loop():
    """What is sent to its socket is in the map that it prints when it ends."""
    with work_dir("c-event-loop") as directory:
        capture, truth = play(directory)
        port = free_port()
        with Process([EXAMPLES / "event_loop_c", port], directory / "log") as loop:
            wait_for("the socket", lambda: f":{port:04X} " in Path("/proc/net/udp").read_text())
            replay(capture, lambda _: port)
            wait_for("the first revision", lambda: "revision 1: " in loop.output())
            expect(loop.stop(signal.SIGINT) == 0, loop.output())
            lines = [line for line in loop.output().splitlines() if not line.startswith("revision ")]
        rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
        found = {tuple(row.values()) for row in rows}
        missing = [key for key in truth if not any(key[0] in row and key[1] in row and str(key[3]) in row for row in found)]
        expect(rows and not missing, f"not in the map: {missing[:5]} of {lines[:3]}")
        refused = subprocess.run([EXAMPLES / "event_loop_c", "70000"], capture_output=True)
        expect(refused.returncode == 2, "port 70000 was accepted")


if __name__ == "__main__":
    main(test_decode_datagram, test_flow_log, test_event_loop)
