#!/usr/bin/env python3
r"""What DNS look-ups cost: names a second of the library with an unbound of its own, and whether flowlensd
takes in as many flows with DNS switched off, with that unbound, and with a server that never answers.

Loopback only; unbound answers from what it is told and asks nobody. Exit status 1: a run lost flows.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import live
from loopback import conditions, cpu_seconds, free_udp_port

ROOT = Path(__file__).resolve().parent.parent
NAMES = 10_000


def address(number):
    return f"10.20.{number // 256}.{number % 256}"


class Unbound:
    """Knows the names of 10.20.0.0 and on, and says of all other addresses of 10/8 that they are `other.test`."""

    def __init__(self, folder):
        program = shutil.which("unbound", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if program is None:
            raise RuntimeError("unbound is not installed; ./dev setup test installs it")
        port = free_udp_port()
        self.address = f"127.0.0.1:{port}"
        lines = ["server:", f"  interface: 127.0.0.1@{port}", "  do-daemonize: no", '  username: ""', '  chroot: ""',
                 '  pidfile: ""', f'  directory: "{folder}"', "  use-syslog: no", '  module-config: "iterator"',
                 "  access-control: 127.0.0.0/8 allow", '  local-zone: "." static',
                 '  local-zone: "10.in-addr.arpa." redirect', "  local-data: '10.in-addr.arpa. 600 IN PTR other.test.'",
                 '  local-zone: "20.10.in-addr.arpa." static']
        for n in range(NAMES):
            reverse = ".".join(reversed(address(n).split(".")))
            lines += [f"  local-data: '{reverse}.in-addr.arpa. 600 IN PTR host-{n}.test.'",
                      f"  local-data: 'host-{n}.test. 600 IN A {address(n)}'"]
        config = Path(folder) / "unbound.conf"
        config.write_text("\n".join(lines) + "\n")
        with open(Path(folder) / "unbound.log", "wb") as log:
            self.process = subprocess.Popen([program, "-d", "-c", str(config)], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        self.wait(port)

    def wait(self, port):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking, contextlib.suppress(OSError):
                asking.settimeout(0.3)
                asking.sendto(struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\x01a\0\0\1\0\1", ("127.0.0.1", port))
                asking.recv(512)
                return
        raise RuntimeError("unbound does not answer")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def answers(daemon):
    with urllib.request.urlopen(f"http://127.0.0.1:{daemon.api}/metrics", timeout=10) as reply:
        text = reply.read().decode()
    return {result: int(float(count)) for result, count in
            re.findall(r'^flowlens_dns_answers_total{result="(\w+)"} (\S+)', text, re.M) if float(count) > 0}


def run_live(args, name, variables):
    with tempfile.TemporaryDirectory(prefix="flowlens-dns-") as folder:
        daemon = live.Daemon(args.daemon, folder, 300, variables)
        try:
            daemon.wait_ready()
            print(f"sending {args.rate} flows/s for {args.seconds} s: {name}", file=sys.stderr, flush=True)
            sent = live.send_file(args, daemon) if args.file else live.send_simnet(args, daemon)
            cpu = sum(cpu_seconds(daemon.process.pid))
            found = answers(daemon)
            ledgers, _ = daemon.settled_ledgers(35)
        finally:
            _, _, status, stopping = daemon.stop()
    flows = ledgers["flows"]
    kept = sum(flows[outcome] for outcome in live.OUTCOMES)
    return {"dns": name, "flows_per_second": round(sent["flows"] / sent["seconds"]), "lost": sent["flows"] - kept,
            "cpu_seconds_while_sending": round(cpu, 2), "answers": found, "seconds_to_stop": round(stopping, 2),
            "exit_status": status}


def measure(args):
    result = {"conditions": conditions(), "names": None, "live": []}
    with tempfile.TemporaryDirectory(prefix="flowlens-unbound-") as folder, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        unbound = Unbound(folder)
        try:
            done = subprocess.run([args.bench, unbound.address, str(NAMES), "--json"], capture_output=True, text=True,
                                  timeout=120, check=True)
            result["names"] = json.loads(done.stdout)
            cases = {"off": {"FLOWLENS_DNS_ENABLED": "false"},
                     "unbound": {"ENRICHMENT_DNS_SERVERS": unbound.address},
                     "silent server": {"ENRICHMENT_DNS_SERVERS": f"127.0.0.1:{silent.getsockname()[1]}"}}
            for name, variables in cases.items():
                result["live"].append(run_live(args, name, variables))
        finally:
            unbound.stop()
    result["zero_loss"] = not any(run["lost"] for run in result["live"])
    return result


def print_table(result):
    for names in result["names"]:
        print(f"{names['concurrent']:4} at a time  {names['names_per_second']:>9} names/s "
              f"({names['confirmed']} of {NAMES} confirmed, {names['queries']} queries)")
    for run in result["live"]:
        told = ", ".join(f"{count} {name}" for name, count in run["answers"].items()) or "none"
        print(f"{run['dns']:<14} {run['flows_per_second']:>7} flows/s, {run['lost']} lost, "
              f"{run['cpu_seconds_while_sending']} CPU s; answers: {told}; stopped in {run['seconds_to_stop']} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rate", type=int, default=100_000, help="flows a second (100000)")
    parser.add_argument("--seconds", type=int, default=20, choices=range(1, 66), metavar="1..65")
    parser.add_argument("--protocol", default="v9", choices=("v5", "v9", "ipfix", "sflow"))
    parser.add_argument("--daemon", default=str(ROOT / "build/release/examples/flowlensd/flowlensd"))
    parser.add_argument("--bench", default=str(ROOT / "build/release/benchmarks/flowlens-bench-dns"))
    parser.add_argument("--flowsend", default=str(ROOT / "build/genflows/flowsend"))
    parser.add_argument("--file", help="datagrams to play, by flowsend; else flowlens-simnet sends")
    parser.add_argument("--simnet", default=str(ROOT / "build/release/examples/simnet/flowlens-simnet"))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = measure(args)
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        print_table(result)
    sys.exit(0 if result["zero_loss"] else 1)


if __name__ == "__main__":
    main()
