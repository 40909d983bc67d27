#!/usr/bin/env python3
"""What nfdump's collectors cost per flow: CPU time of nfcapd (sFlow: sfcapd) for one capture.

Debian's nfcapd 1.7.1 cannot read a capture, so it gets the same datagrams over loopback, never faster
than it reads. Its figure is the CPU time of the whole process, so it includes the kernel's receive
path (some 1 µs a datagram) and the writing of its file into memory; the user time alone leaves out
the kernel's part.

usage: peer.py CAPTURE --records N [--collector nfcapd|sfcapd] [--runs N] [--core N]
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from loopback import PatientSender, free_udp_port, read_capture, udp_socket

BUFFER = 4 << 20


def version(collector):
    done = subprocess.run([collector, "-V"], capture_output=True, text=True, check=False)
    found = re.search(r"Version: (\S+)", done.stdout + done.stderr)
    return found.group(1) if found else "unknown"


def flows_stored(folder):
    if not shutil.which("nfdump"):
        return None
    done = subprocess.run(["nfdump", "-R", folder, "-I"], capture_output=True, text=True, check=False)
    found = re.search(r"^Flows: (\d+)", done.stdout, re.MULTILINE)
    return int(found.group(1)) if found else None


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def run_once(collector, datagrams, core, folder):
    """One run from start to end. (user seconds, system seconds, flows stored, datagrams dropped)"""
    port = free_udp_port()
    command = [collector, "-p", str(port), "-b", "127.0.0.1", "-w", folder, "-t", "3600",
               "-B", str(BUFFER)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL,
                               preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    usage = None
    try:
        wait_until(lambda: udp_socket(port) is not None, 10, f"{collector} does not listen")
        time.sleep(0.2)
        with PatientSender(port) as sender:
            sender.send(datagrams)
        time.sleep(0.1)
        dropped = udp_socket(port)[1]
    finally:
        process.send_signal(signal.SIGTERM)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime, usage.ru_stime, flows_stored(folder), dropped


def measure(capture, records, collector, runs, core):
    datagrams = read_capture(capture)
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, ours - {core} or ours)
    results = []
    try:
        for _ in range(runs):
            base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
            with tempfile.TemporaryDirectory(prefix="flowlens-peer-", dir=base) as folder:
                results.append(run_once(collector, datagrams, core, folder))
    finally:
        os.sched_setaffinity(0, ours)
    cpu = [(user + system) / records * 1e9 for user, system, _, _ in results]
    return {
        "collector": collector, "version": version(collector), "runs": runs, "records": records,
        "ns": statistics.median(cpu), "ns_least": min(cpu), "ns_most": max(cpu),
        "ns_user": statistics.median(user / records * 1e9 for user, _, _, _ in results),
        "flows_stored": results[-1][2], "datagrams_dropped": sum(r[3] for r in results),
        "includes": "the kernel's receive path and the writing of a file into memory",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("capture")
    parser.add_argument("--records", type=int, required=True, help="flow records in the capture")
    parser.add_argument("--collector", default="nfcapd")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    args = parser.parse_args()
    if not shutil.which(args.collector):
        sys.exit(f"{args.collector} is not installed")
    print(json.dumps(measure(args.capture, args.records, args.collector, args.runs, args.core), indent=2))


if __name__ == "__main__":
    main()
