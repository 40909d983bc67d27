#!/usr/bin/env python3
"""How far an API process is behind the one that writes the map, on a large map under load.

PostgreSQL of its own, a process with the roles ingest and resolve, one with the role api, and a sender. Revisions are
read off both processes' metrics; a change by hand goes through the API process and back.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import postgres  # noqa: E402
from loopback import conditions, cpu_seconds, free_tcp_port, free_udp_port, memory_mib  # noqa: E402

RELEASE = ROOT / "build/release"
EVERY = 0.1  # seconds between two looks


def say(text):
    print(text, file=sys.stderr, flush=True)


class Daemon:
    def __init__(self, args, folder, roles, url, **ports):
        self.port = free_tcp_port()
        self.log = Path(folder) / f"{roles}.log"
        command = [args.daemon, "--roles", roles, "--data-dir", str(Path(folder) / f"data-{roles}"), "--bind-address",
                   "127.0.0.1", "--api-port", str(self.port)]
        for name in ("netflow", "ipfix", "sflow"):
            command += [f"--{name}-port", str(ports.get(name, 0))]
        given = {k: v for k, v in os.environ.items() if not k.startswith("FLOWLENS_")} | {
            "FLOWLENS_DNS_ENABLED": "false"}
        given |= {"DATABASE_URL": url, "AUTH_ENABLED": "false", "METRICS_PORT": str(self.port), "FLOWLENS_API_RATE_LIMITING_ENABLED": "false"}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=given)

    def ask(self, path, body=None, method=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body and json.dumps(body).encode(),
                                         method=method, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def wait_ready(self, seconds=120):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return self.ask("/admin/health/ready")
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"flowlensd did not start:\n{self.log.read_text()[-2000:]}")

    def metric(self, name):
        return float(re.search(rf"^{name} (\S+)$", self.ask("/metrics"), re.M).group(1))

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def watch(writer, copy, seconds):
    """Seconds from a revision's being seen in the writer to its being seen in the copy; both looks take a moment."""
    made, lags, until = {}, {}, time.monotonic() + seconds
    while time.monotonic() < until:
        now = time.monotonic()
        made.setdefault(int(writer.metric("flowlens_revision")), now)
        has = int(copy.metric("flowlens_follower_revision"))
        for number, at in made.items():
            if number <= has:
                lags.setdefault(number, time.monotonic() - at)
        time.sleep(EVERY)
    first = min(made)
    return [lag for number, lag in lags.items() if number != first]


def edits(copy, times):
    asset = json.loads(copy.ask("/api/v1/assets?page_size=1"))["items"][0]["id"]
    took = []
    for number in range(times):
        began = time.monotonic()
        copy.ask(f"/api/v1/assets/{asset}", {"tags": [f"bench-{number}"]}, "PATCH")
        if json.loads(copy.ask(f"/api/v1/assets/{asset}"))["tags"] != [f"bench-{number}"]:
            raise RuntimeError("the copy does not show what was said")
        took.append(time.monotonic() - began)
        time.sleep(0.5)
    return took


def measure(args):
    with tempfile.TemporaryDirectory(prefix="flowlens-follow-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        before, port = conditions(), free_udp_port()
        with postgres.Server(folder) as server:
            subprocess.run([args.fill, server.url, str(args.assets)], check=True, stdout=sys.stderr)
            writer = Daemon(args, folder, "ingest,resolve", server.url, netflow=port)
            daemons = [writer]
            try:
                writer.wait_ready()
                began = time.monotonic()
                copy = Daemon(args, folder, "api", server.url)
                daemons.append(copy)
                copy.wait_ready()
                started = time.monotonic() - began
                sender = subprocess.Popen([args.flowsend, "--file", args.file, "--port", str(port), "--rate", str(args.rate),
                                           "--seconds", str(args.seconds), "--loop", "1"], stdout=subprocess.PIPE, text=True)
                time.sleep(5)
                say("revisions")
                lags = watch(writer, copy, args.seconds - 25)
                say("changes by hand")
                took = edits(copy, 5)
                sender.communicate(timeout=60)
                cpu = {d.log.stem: round(sum(cpu_seconds(d.process.pid)), 1) for d in daemons}
                memory = {d.log.stem: round(memory_mib(d.process.pid)[1]) for d in daemons}
            finally:
                for daemon in reversed(daemons):
                    daemon.stop()
    return {"conditions": before, "assets": args.assets, "flows_a_second": args.rate, "copy_started_s": round(started, 1),
            "revisions": len(lags), "lag_most_s": round(max(lags), 2), "lag_median_s": round(sorted(lags)[len(lags) // 2], 2),
            "edit_most_s": round(max(took), 2), "cpu_seconds": cpu, "memory_mib_most": memory}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--assets", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=100_000, help="flows a second (100000)")
    parser.add_argument("--seconds", type=int, default=60, choices=range(40, 66), metavar="40..65")
    parser.add_argument("--daemon", default=str(RELEASE / "examples/flowlensd/flowlensd"))
    parser.add_argument("--fill", default=str(RELEASE / "benchmarks/flowlens-bench-fill"))
    parser.add_argument("--flowsend", default=str(ROOT / "build/genflows/flowsend"))
    parser.add_argument("--file", default=str(ROOT / "build/bench-data/v9.dg"), help="datagrams to play")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    r = measure(args)
    if args.json:
        print(json.dumps(r, indent=2))
        return
    machine = r.pop("conditions")
    print(f"machine    {machine['cpu']}, {machine['cores']} cores, {machine['system']}, load {machine['load_average'][0]} before")
    for name, value in r.items():
        print(f"{name.replace('_', ' '):18} {value}")


if __name__ == "__main__":
    main()
