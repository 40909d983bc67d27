#!/usr/bin/env python3
r"""flowlensd under a live load over loopback: does it lose anything?

Starts flowlensd on free ports of 127.0.0.1 with an empty store, sends flows at a steady rate, waits
until its ledgers stand still, and compares them with the sender's own count. Exit status 0 only if
nothing was lost by both. Sends so that a window closes in the middle of the run, as that is when the
Resolver has the most to do: it may wait for that for as long as a window lasts. Ends only what it
started.

The sender is genflows' flowsend with a file that is played over and over, or, without it, several
flowlens-simnet. A played file repeats its export times, which lie in the past: FlowLens clamps event
times to an hour before the datagram came, which changes windows and no sum.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from loopback import conditions, cpu_seconds, free_tcp_port, free_udp_port, memory_mib, udp_socket

ROOT = Path(__file__).resolve().parent.parent
SIMNET_MOST = 20_000  # flows/s of one flowlens-simnet
STILL_SECONDS = 8
LATENESS_SECONDS = 60  # a window closes so long after it ends
OUTCOMES = ("applied", "duplicate", "attempt", "control", "sampled_out")


def say(text):
    print(text, file=sys.stderr, flush=True)


class Daemon:
    def __init__(self, program, folder, window, variables=None):
        self.api, self.ports = free_tcp_port(), {}
        while len(set(self.ports.values())) < 3:
            self.ports = {name: free_udp_port() for name in ("netflow", "ipfix", "sflow")}
        self.log = Path(folder) / "flowlensd.log"
        command = [program, "--data-dir", str(Path(folder) / "data"), "--bind-address", "127.0.0.1",
                   "--api-port", str(self.api)]
        for name, port in self.ports.items():
            command += [f"--{name}-port", str(port)]
        # flowlensd refuses variables of ours that it does not know, such as FLOWLENS_SHARED.
        ours = {k: v for k, v in os.environ.items() if not k.startswith("FLOWLENS_")}
        ours["AUTH_ENABLED"] = "false"
        # What this machine's resolver does is measured by dns_load.py alone.
        ours |= variables or {"FLOWLENS_DNS_ENABLED": "false"}
        config = Path(folder) / "bench.yaml"
        config.write_text(f"dependency_resolution: {{aggregation: {{window_size_seconds: {window}}}}}\n")
        command += ["--config", str(config)]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=ours)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api}{path}", timeout=10) as answer:
            return json.loads(answer.read())

    def windows_closed(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api}/metrics", timeout=10) as answer:
            found = re.search(r"^flowlens_windows_closed_total (\d+)", answer.read().decode(), re.M)
        return int(found[1]) if found else 0

    def wait_ready(self):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(urllib.error.URLError, OSError, ValueError):
                self.get("/api/v1/ledgers")
                return
            time.sleep(0.1)
        raise RuntimeError("flowlensd did not start:\n" + self.log.read_text()[-2000:])

    def settled_ledgers(self, seconds):
        """The ledgers, once they stood still for longer than a flush interval (5 s): flows are counted
        when they are flushed."""
        deadline, last, since = time.monotonic() + seconds, None, time.monotonic()
        while time.monotonic() < deadline and time.monotonic() - since < STILL_SECONDS:
            now = self.get("/api/v1/ledgers")
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.5)
        return last, time.monotonic() - since >= STILL_SECONDS

    def stop(self):
        r"""Ends the daemon. \return its CPU seconds (user, system), exit status, seconds it took."""
        began = time.monotonic()
        if self.process.returncode is not None:
            return 0.0, 0.0, self.process.returncode, 0.0
        self.process.send_signal(signal.SIGTERM)
        while time.monotonic() < began + 15:
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                break
            time.sleep(0.05)
        else:
            self.process.kill()
            _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime, usage.ru_stime, self.process.returncode, time.monotonic() - began


def run_to_end(commands, seconds):
    r"""Runs commands side by side. \return their outputs and their CPU seconds together."""
    before = os.times()
    running = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
               for c in commands]
    outputs = []
    try:
        for process in running:
            outputs.append(process.communicate(timeout=seconds + 20)[0])
            if process.returncode != 0:
                raise RuntimeError(f"{process.args[0]} failed:\n{outputs[-1]}")
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return outputs, cpu


def send_file(args, daemon):
    port = daemon.ports[{"ipfix": "ipfix", "sflow": "sflow"}.get(args.protocol, "netflow")]
    outputs, cpu = run_to_end([[args.flowsend, "--file", args.file, "--port", str(port), "--rate",
                                str(args.rate), "--seconds", str(args.seconds), "--loop", "1"]], args.seconds)
    found = {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", outputs[0])}
    return {"by": "flowsend", "flows": int(found["flows"]), "datagrams": int(found["datagrams"]),
            "seconds": found["seconds"], "held_up_ms": found["held_up_ms"], "cpu_seconds": round(cpu, 2)}


def send_simnet(args, daemon):
    count = -(-args.rate // SIMNET_MOST)
    ports = [part for name, port in daemon.ports.items() for part in (f"--{name}-port", str(port))]
    began = time.monotonic()
    outputs, cpu = run_to_end(
        [[args.simnet, "--send", "127.0.0.1", *ports, "--exporters", args.protocol, "--seed", str(seed),
          "--rate", str(args.rate // count), "--duration", str(args.seconds)] for seed in range(1, count + 1)],
        args.seconds)
    sent = [tuple(map(int, found)) for text in outputs
            for found in re.findall(r"(\d+) datagrams, (\d+) (?:records|samples|flows)", text)]
    return {"by": f"{count} flowlens-simnet", "flows": sum(s[1] for s in sent),
            "datagrams": sum(s[0] for s in sent), "seconds": time.monotonic() - began, "held_up_ms": 0.0,
            "cpu_seconds": round(cpu, 2)}


def socket_drops(daemon):
    found = [udp_socket(port) for port in daemon.ports.values()]
    return sum(drops for _, drops in filter(None, found))


def wait_for_close(args):
    """Until half a run before a window closes by the wall clock."""
    closes_after = args.window - (time.time() - LATENESS_SECONDS) % args.window
    seconds = (closes_after - args.seconds / 2) % args.window
    say(f"waiting {seconds:.0f} s, so that a window of {args.window} s closes in the middle of the run")
    time.sleep(seconds)


def measure(args):
    with tempfile.TemporaryDirectory(prefix="flowlens-live-") as folder:
        daemon = Daemon(args.daemon, folder, args.window)
        try:
            daemon.wait_ready()
            wait_for_close(args)
            closed_before = daemon.windows_closed()
            before = conditions()
            say(f"sending {args.rate} flows/s of {args.protocol} for {args.seconds} s")
            sent = send_file(args, daemon) if args.file else send_simnet(args, daemon)
            cpu_sending = sum(cpu_seconds(daemon.process.pid))
            closed_sending = daemon.windows_closed() - closed_before
            ledgers, settled = daemon.settled_ledgers(35)
            memory = memory_mib(daemon.process.pid)
            drops = socket_drops(daemon)
        finally:
            user, system, status, stopping = daemon.stop()
    return judge({
        "protocol": args.protocol, "rate": args.rate, "sent": sent, "ledgers": ledgers,
        "settled": settled, "socket_drops": drops, "window_seconds": args.window,
        "windows_closed_while_sending": closed_sending,
        "daemon": {"cpu_seconds": round(user + system, 2), "user": round(user, 2), "system": round(system, 2),
                   "cpu_seconds_while_sending": round(cpu_sending, 2), "rss_mib": round(memory[0]),
                   "rss_most_mib": round(memory[1]), "exit_status": status,
                   "seconds_to_stop": round(stopping, 2)},
        "conditions": before | {"load_average_after": [round(load, 2) for load in os.getloadavg()]},
    })


def judge(result):
    flows, datagrams, sent = result["ledgers"]["flows"], result["ledgers"]["datagrams"], result["sent"]
    dropped = sum(flows["dropped"].values())
    kept = sum(flows[name] for name in OUTCOMES if name != "sampled_out")
    result["loss"] = {
        "datagrams": sent["datagrams"] - datagrams["received"],
        "refused": sum(datagrams["refused"].values()),
        "kernel_dropped": datagrams["kernel_dropped"],
        "flows_by_sender": sent["flows"] - kept,
        "flows_by_ledger": flows["normalized"] - kept,
        "sampled_out": flows["sampled_out"],
        "dropped": dropped,
        "ledger_imbalance": flows["normalized"] - kept - flows["sampled_out"] - dropped,
    }
    result["kept"] = kept
    result["reached_rate"] = sent["flows"] / sent["seconds"]
    result["zero_loss"] = (not any(result["loss"].values()) and result["socket_drops"] == 0
                           and result["settled"] and result["windows_closed_while_sending"] > 0
                           and result["reached_rate"] > 0.99 * result["rate"])
    return result


def print_table(r):
    machine, sent, flows = r["conditions"], r["sent"], r["ledgers"]["flows"]
    datagrams, daemon, loss = r["ledgers"]["datagrams"], r["daemon"], r["loss"]
    load = machine["load_average"][0], machine["load_average_after"][0]
    lines = [
        ("machine", f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}"),
        ("load average", f"{load[0]} before, {load[1]} after; net.core.rmem_max {machine['rmem_max']}"),
        ("sender", f"{sent['by']}: {sent['seconds']:.1f} s, {r['reached_rate']:.0f} flows/s of {r['rate']}, "
                   f"held up {sent['held_up_ms']:.0f} ms, {sent['cpu_seconds']} CPU s"),
        ("sent", f"{sent['flows']} flows in {sent['datagrams']} datagrams"),
        ("received", f"{flows['normalized']} flows in {datagrams['received']} datagrams "
                     f"({datagrams['accepted']} accepted)"),
        ("kept", f"{r['kept']}: " + ", ".join(f"{flows[n]} {n}" for n in OUTCOMES if n != "sampled_out")),
        ("sampled out", loss["sampled_out"]),
        ("dropped", f"{loss['dropped']} {flows['dropped']}"),
        ("kernel dropped", f"{loss['kernel_dropped']} (SO_RXQ_OVFL), {r['socket_drops']} (/proc/net/udp)"),
        ("late carried", flows["late_carried"]),
        ("windows closed", f"{r['windows_closed_while_sending']} of {r['window_seconds']} s, while flows came"),
        ("flowlensd", f"{daemon['cpu_seconds']} CPU s ({daemon['user']} user, {daemon['system']} system; "
                      f"{daemon['cpu_seconds_while_sending']} while sending), "
                      f"{daemon['cpu_seconds'] / max(r['kept'], 1) * 1e9:.0f} ns a flow, "
                      f"RSS {daemon['rss_mib']} MiB, at most {daemon['rss_most_mib']} MiB; "
                      f"stopped in {daemon['seconds_to_stop']} s with status {daemon['exit_status']}"),
        ("loss", f"{loss['flows_by_sender']} flows by the sender's count, {loss['flows_by_ledger']} by the "
                 f"ledgers, {loss['datagrams']} datagrams"),
        ("result", "zero loss" if r["zero_loss"] else
         "LOSS" if any(loss.values()) or r["socket_drops"] else
         "the ledgers did not settle" if not r["settled"] else
         "the sender did not keep its rate" if r["windows_closed_while_sending"] else "no window closed"),
    ]
    for name, value in lines:
        print(f"{name:<15} {value}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rate", type=int, default=200_000, help="flows a second (200000)")
    parser.add_argument("--window", type=int, default=300, help="seconds of a window of the map (300)")
    parser.add_argument("--seconds", type=int, default=60, choices=range(1, 66), metavar="1..65")
    parser.add_argument("--protocol", default="v9", choices=("v5", "v9", "ipfix", "sflow"))
    parser.add_argument("--daemon", default=str(ROOT / "build/release/examples/flowlensd/flowlensd"))
    parser.add_argument("--flowsend", default=str(ROOT / "build/genflows/flowsend"))
    parser.add_argument("--file", help="datagrams to play (build/bench-data/PROTOCOL.dg)")
    parser.add_argument("--simnet", default=str(ROOT / "build/release/examples/simnet/flowlens-simnet"))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if not os.access(args.daemon, os.X_OK):
        parser.error(f"{args.daemon} is not there; ./dev build makes it")
    if args.file is None and os.access(args.flowsend, os.X_OK):
        default = ROOT / f"build/bench-data/{args.protocol}.dg"
        args.file = str(default) if default.exists() else None
    if args.file is None and not os.access(args.simnet, os.X_OK):
        parser.error("nothing to send with: neither flowsend with a file nor flowlens-simnet is there")
    return args


def main():
    args = parse()
    result = measure(args)
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        print_table(result)
    sys.exit(0 if result["zero_loss"] else 1)


if __name__ == "__main__":
    main()
