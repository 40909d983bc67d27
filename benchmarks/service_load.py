#!/usr/bin/env python3
r"""flowlensd with a large map, asked by many while flows come: how many requests a second, how late the
answers are, whether a flow is lost.

Starts flowlensd on free ports of 127.0.0.1 with the store that flowlens-bench-fill makes, sends flows at
a steady rate, and meanwhile: asks one kind of question after another with wrk (many connections) or one
after another, then lets many WebSocket clients wait for a change. Whoever asks runs on the same machine:
its share of the processors is printed. Ends only what it started.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from loopback import conditions, cpu_seconds, free_tcp_port, free_udp_port, memory_mib, udp_socket

ROOT = Path(__file__).resolve().parent.parent
RELEASE = ROOT / "build/release"
STILL_SECONDS = 8
CONNECTING = 100  # WebSocket clients at once


def say(text):
    print(text, file=sys.stderr, flush=True)


class Daemon:
    """flowlensd with the store, without log-in and limits on how often one may ask."""

    def __init__(self, program, folder):
        self.api, self.netflow = free_tcp_port(), free_udp_port()
        config = Path(folder) / "bench.yaml"
        config.write_text("api: {rate_limiting: {enabled: false}, auth: {enabled: false}}\n")
        command = [program, "--config", str(config), "--data-dir", str(Path(folder) / "data"),
                   "--bind-address", "127.0.0.1", "--api-port", str(self.api),
                   "--netflow-port", str(self.netflow), "--ipfix-port", "0", "--sflow-port", "0"]
        ours = {k: v for k, v in os.environ.items() if not k.startswith("FLOWLENS_")} | {
            "FLOWLENS_DNS_ENABLED": "false"}
        self.log = Path(folder) / "flowlensd.log"
        self.began = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=ours)

    def ask(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.api}{path}", data, method=method,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def wait_ready(self, seconds):
        """Seconds from the start to the first answer that all is well."""
        while time.monotonic() < self.began + seconds:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError, urllib.error.URLError):
                if self.ask("/health")["status"] == "healthy":
                    return time.monotonic() - self.began
            time.sleep(0.05)
        raise RuntimeError(f"flowlensd did not start:\n{self.log.read_text()[-2000:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Shares:
    """Who used how much of the processors between begin and end."""

    def __init__(self, daemon):
        self.daemon, self.began = daemon, time.monotonic()
        self.daemon_cpu = sum(cpu_seconds(daemon.process.pid))
        self.own = self.mine()

    @staticmethod
    def mine():
        t = os.times()
        return t.user + t.system + t.children_user + t.children_system

    def end(self):
        took = time.monotonic() - self.began
        return {"flowlensd": round((sum(cpu_seconds(self.daemon.process.pid)) - self.daemon_cpu) / took, 2),
                "askers": round((self.mine() - self.own) / took, 2)}


def wrk(args, daemon, path):
    """Many connections ask the same over and over."""
    shares = Shares(daemon)
    out = subprocess.run(["wrk", "-t1", f"-c{args.connections}", f"-d{args.phase}s", "--latency",
                          f"http://127.0.0.1:{daemon.api}{path}"],
                         check=True, capture_output=True, text=True).stdout
    unit = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    late = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    return {"requests_a_second": round(float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))),
            "p99_ms": round(float(late.group(1)) * unit[late.group(2)], 2),
            "failed": int((re.search(r"Non-2xx or 3xx responses: (\d+)", out) or [0, 0])[1]),
            "shares": shares.end()}


def hey(args, daemon, path):
    """The same at a fixed rate: what somebody waits who comes while others ask so much."""
    # Each asks at its own beat and waits for its answer; all beats begin together, so more of them come in larger bursts.
    workers = 16
    shares = Shares(daemon)
    out = subprocess.run(["hey", "-z", f"{args.phase}s", "-c", str(workers), "-q", str(args.ask_rate / workers),
                          f"http://127.0.0.1:{daemon.api}{path}"],
                         check=True, capture_output=True, text=True).stdout
    late = re.search(r"99% in ([\d.]+) secs", out)
    answers = {code: int(count) for code, count in re.findall(r"\[(\d+)\]\s+(\d+) responses", out)}
    return {"requests_a_second": round(float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))),
            "p99_ms": round(1e3 * float(late.group(1)), 2),
            "failed": sum(answers.values()) - answers.get("200", 0),
            "shares": shares.end()}


def one_by_one(daemon, times, ask):
    """One after another, each with a wait, so that no cache of a moment answers all."""
    shares, took = Shares(daemon), []
    for number in range(times):
        began = time.perf_counter()
        ask(number)
        took.append(1e3 * (time.perf_counter() - began))
        time.sleep(0.1)
    return {"median_ms": round(statistics.median(took), 1), "most_ms": round(max(took), 1),
            "shares": shares.end()}


async def listen(port, heard, ready, told):
    """One WebSocket client: notes when the first revision after the change reaches it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write((f"GET /api/v1/ws?topics=changes HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                  f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(head.decode(errors="replace"))
    ready.append(1)
    while True:
        first = await reader.readexactly(2)
        length = first[1] & 127
        if length == 126:
            length = int.from_bytes(await reader.readexactly(2), "big")
        elif length == 127:
            length = int.from_bytes(await reader.readexactly(8), "big")
        payload = await reader.readexactly(length)
        if told and b'"type":"revision"' in payload:
            heard.append(time.monotonic())
            writer.close()
            return


async def hear(args, daemon, asset):
    """Seconds from a change by hand to the first client that hears of it, and on to the last."""
    heard, ready, told = [], [], []
    clients, deadline = [], time.monotonic() + 60
    while len(ready) < args.clients and time.monotonic() < deadline:
        # No more at once than the server takes connections that have not said yet what they want.
        more = min(CONNECTING, args.clients - len(clients)) if len(ready) == len(clients) else 0
        clients += [asyncio.create_task(listen(daemon.api, heard, ready, told)) for _ in range(more)]
        for task in clients:
            if task.done() and task.exception():
                raise task.exception()
        await asyncio.sleep(0.01)
    shares = Shares(daemon)
    await asyncio.to_thread(daemon.ask, f"/api/v1/assets/{asset}", {"tags": [f"bench-{os.getpid()}"]}, "PATCH")
    told.append(time.monotonic())
    await asyncio.wait(clients, timeout=60)
    for task in clients:
        task.cancel()
    times = sorted(heard)
    return {"clients": args.clients, "heard": len(times),
            "first_after_s": round(times[0] - told[0], 2) if times else None,
            "last_after_first_s": round(times[-1] - times[0], 3) if times else None, "shares": shares.end()}


def settled_flows(daemon, seconds):
    deadline, last, since = time.monotonic() + seconds, None, time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < STILL_SECONDS:
        now = daemon.ask("/api/v1/ledgers")
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.5)
    return last


def ask_all(args, daemon):
    assets = [row["id"] for row in daemon.ask("/api/v1/assets?page_size=100")["items"]]
    questions = {}
    for name, path in (("asset detail", f"/api/v1/assets/{assets[7]}"),
                       ("dependency list, 50 a page", "/api/v1/dependencies?page_size=50")):
        say(name)
        questions[f"{name}, at {args.ask_rate}/s"] = hey(args, daemon, path)
        questions[f"{name}, as much as goes"] = wrk(args, daemon, path)
    say("topology by groups")
    questions["topology by type"] = one_by_one(
        daemon, 10, lambda _: daemon.ask("/api/v1/topology?group_by=type"))
    say("impact")
    questions["impact of an asset"] = one_by_one(
        daemon, 10, lambda n: daemon.ask("/api/v1/analysis/impact", {"asset_id": assets[n]}))
    say("single points of failure")
    questions["single points of failure"] = one_by_one(
        daemon, 10, lambda _: daemon.ask("/api/v1/analysis/spof?limit=50"))
    say(f"{args.clients} WebSocket clients")
    questions["live"] = asyncio.run(hear(args, daemon, assets[3]))
    return questions


def measure(args):
    with tempfile.TemporaryDirectory(prefix="flowlens-service-") as folder:
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        say(f"a store of {args.assets} assets and ten times as many dependencies")
        subprocess.run([args.fill, str(data / "flowlens.sqlite"), str(args.assets)], check=True,
                       stdout=sys.stderr)
        before, daemon, sender = conditions(), Daemon(args.daemon, folder), None
        try:
            started = daemon.wait_ready(120)
            memory_at_start = memory_mib(daemon.process.pid)[0]
            say(f"started in {started:.1f} s; sending {args.rate} flows/s")
            sender = subprocess.Popen(
                [args.flowsend, "--file", args.file, "--port", str(daemon.netflow), "--rate", str(args.rate),
                 "--seconds", str(args.seconds), "--loop", "1"], stdout=subprocess.PIPE, text=True)
            time.sleep(5)
            questions = ask_all(args, daemon)
            asked_until = time.monotonic()
            output = sender.communicate(timeout=args.seconds + 30)[0]
            still_sending = time.monotonic() - asked_until > 0.5
            ledgers = settled_flows(daemon, 40)
            drops = (udp_socket(daemon.netflow) or (0, 0))[1]
            memory = memory_mib(daemon.process.pid)
        finally:
            if sender is not None and sender.poll() is None:
                sender.kill()
            daemon.stop()
    sent = {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", output)}
    flows = ledgers["flows"]
    return {"conditions": before, "assets": args.assets, "start_seconds": round(started, 1),
            "memory_mib": {"at start": round(memory_at_start), "at the end": round(memory[0]),
                           "at most": round(memory[1])},
            "flows": {"sent": int(sent["flows"]), "rate": round(sent["flows"] / sent["seconds"]),
                      "received": flows["normalized"], "sampled_out": flows["sampled_out"],
                      "dropped": sum(flows["dropped"].values()), "kernel_dropped": drops,
                      "came_all_the_while": still_sending},
            "questions": questions}


def print_table(r):
    machine, flows = r["conditions"], r["flows"]
    print(f"machine    {machine['cpu']}, {machine['cores']} cores, {machine['system']}, "
          f"load {machine['load_average'][0]} before")
    print(f"map        {r['assets']} assets, {10 * r['assets']} dependencies, SQLite; "
          f"started in {r['start_seconds']} s")
    print("memory     " + ", ".join(f"{value} MiB {name}" for name, value in r["memory_mib"].items()))
    print(f"flows      {flows['sent']} sent at {flows['rate']}/s, {flows['received']} received, "
          f"{flows['sampled_out']} sampled out, {flows['dropped']} dropped, {flows['kernel_dropped']} by the kernel"
          + ("" if flows["came_all_the_while"] else "; they ENDED before the last question"))
    for name, q in r["questions"].items():
        shares = q.pop("shares")
        text = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in q.items())
        print(f"{name}: {text}; processors: flowlensd {shares['flowlensd']}, who asks {shares['askers']}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--assets", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=100_000, help="flows a second meanwhile (100000)")
    parser.add_argument("--seconds", type=int, default=65, choices=range(20, 66), metavar="20..65",
                        help="for how long they come (65)")
    parser.add_argument("--phase", type=int, default=8, help="seconds of each question that wrk asks (8)")
    parser.add_argument("--ask-rate", type=int, default=2_200, help="requests a second of the fixed rate (2200)")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--clients", type=int, default=1_000, help="WebSocket clients (1000)")
    parser.add_argument("--daemon", default=str(RELEASE / "examples/flowlensd/flowlensd"))
    parser.add_argument("--fill", default=str(RELEASE / "benchmarks/flowlens-bench-fill"))
    parser.add_argument("--flowsend", default=str(ROOT / "build/genflows/flowsend"))
    parser.add_argument("--file", default=str(ROOT / "build/bench-data/v9.dg"), help="datagrams to play")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for program in (args.daemon, args.fill, args.flowsend):
        if not os.access(program, os.X_OK):
            parser.error(f"{program} is not there; ./dev bench makes it")
    for tool in ("wrk", "hey"):
        if not shutil.which(tool):
            parser.error(f"{tool} is not there; ./dev setup bench installs it")
    return args


def main():
    args = parse()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8_192), most))
    result = measure(args)
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        print_table(result)
    lost = result["flows"]["sampled_out"] + result["flows"]["dropped"] + result["flows"]["kernel_dropped"]
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
