#!/usr/bin/env python3
"""flowlensd as a service: what systemd is told, the watchdog, and what `flowlensd doctor` finds."""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import postgres

from harness import (Daemon, environment, expect, free_port, main, need, program, run, simnet, skip, udp_datagrams,
                     wait_for, work_dir)

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "flowlensd.service"


class Systemd:
    """The end of NOTIFY_SOCKET that systemd holds."""

    def __init__(self, directory):
        self.path = directory / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.setblocking(False)
        self.told = []  # (time, line)

    def lines(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                for line in self.socket.recv(65536).decode().splitlines():
                    self.told.append((time.monotonic(), line))
        return [line for _, line in self.told]

    def wait(self, line, seconds=60):
        wait_for(f"{line} in {self.lines()}", lambda: line in self.lines(), seconds)


@contextlib.contextmanager
def notifying(directory, watchdog_seconds=0):
    systemd = Systemd(directory)
    os.environ["NOTIFY_SOCKET"] = str(systemd.path)
    if watchdog_seconds:
        os.environ["WATCHDOG_USEC"] = str(int(watchdog_seconds * 1e6))
    try:
        with Daemon(directory / "daemon") as daemon:
            for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC"):
                os.environ.pop(name, None)
            yield daemon, systemd
    finally:
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC"):
            os.environ.pop(name, None)


def test_notify():
    """READY once the API answers, RELOADING and READY at SIGHUP, STOPPING at SIGTERM."""
    with work_dir("notify") as directory, notifying(directory) as (daemon, systemd):
        systemd.wait("READY=1")
        expect(daemon.get_raw("/admin/health/ready")[0] == 200, "READY, but the API does not answer")
        daemon.popen.send_signal(signal.SIGHUP)
        systemd.wait("RELOADING=1")
        wait_for("the second READY", lambda: systemd.lines().count("READY=1") == 2)
        lines = systemd.lines()
        expect(any(line.startswith("MONOTONIC_USEC=") for line in lines), lines)
        expect("WATCHDOG=1" not in lines, "nobody asked for a watchdog")
        daemon.stop()
        systemd.wait("STOPPING=1")


def test_watchdog():
    """Fed while all moves, several times in its time; not while the process stands."""
    with work_dir("watchdog") as directory, notifying(directory, watchdog_seconds=4) as (daemon, systemd):
        systemd.wait("READY=1")
        wait_for("four signs of life", lambda: systemd.lines().count("WATCHDOG=1") >= 4)
        times = [at for at, line in systemd.told if line == "WATCHDOG=1"]
        expect(max(b - a for a, b in zip(times, times[1:])) < 4, times)
        expect(any(line.startswith("STATUS=serving: ") for line in systemd.lines()), systemd.lines())
        daemon.popen.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        before = systemd.lines().count("WATCHDOG=1")
        time.sleep(3)
        expect(systemd.lines().count("WATCHDOG=1") == before, "a stopped process feeds the watchdog")
        daemon.popen.send_signal(signal.SIGCONT)
        daemon.stop()


@contextlib.contextmanager
def frozen(pid, name):
    """One thread of a process stands still."""
    seize, interrupt, detach = 0x4206, 0x4207, 17
    thread = next(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()
                  if (task / "comm").read_text().strip() == name)
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long] * 4
    if ptrace(seize, thread, 0, 0) != 0:
        skip(f"ptrace: {os.strerror(ctypes.get_errno())}")
    expect(ptrace(interrupt, thread, 0, 0) == 0, "the thread cannot be interrupted")
    os.waitpid(thread, 0x40000000)  # __WALL
    try:
        yield
    finally:
        ptrace(detach, thread, 0, 0)


def test_watchdog_of_threads():
    """The watchdog is not fed while the Resolver's thread stands, or that of the API's sockets."""
    for name in ("resolver", "api-sockets"):
        with work_dir("watchdog") as directory, notifying(directory, watchdog_seconds=4) as (daemon, systemd):
            systemd.wait("READY=1")
            systemd.wait("WATCHDOG=1")
            with frozen(daemon.pid, name):
                time.sleep(6)
                before = systemd.lines().count("WATCHDOG=1")
                time.sleep(4)
                expect(systemd.lines().count("WATCHDOG=1") == before, f"fed, though the thread `{name}` stands")
            wait_for("signs of life", lambda: systemd.lines().count("WATCHDOG=1") > before)
            daemon.stop()


def test_unit():
    """systemd accepts the unit file."""
    verify = need("systemd-analyze")
    with work_dir("unit") as directory:
        unit = directory / "flowlensd.service"
        unit.write_text(UNIT.read_text().replace("/usr/bin/flowlensd", program("FLOWLENSD")))
        done = subprocess.run([verify, "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
        said = [line for line in (done.stdout + done.stderr).splitlines() if "flowlensd" in line]
        if "Failed to" in done.stderr and not said:
            skip(done.stderr.strip())
        expect(done.returncode == 0 and not said, f"{done.returncode}: {said or done.stderr}")


def doctor(*arguments, variables=None):
    """(exit status, {name: check})."""
    done = subprocess.run([program("FLOWLENSD"), "doctor", "--json", *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, env=environment() | (variables or {}))
    expect(done.stdout.startswith("{"), f"{done.returncode} {done.stdout} {done.stderr}")
    answer = json.loads(done.stdout)
    expect(answer["is_good"] == (done.returncode == 0), f"{done.returncode}: {done.stdout}")
    return done.returncode, {check["name"]: check for check in answer["checks"]}


def options_of(daemon, others=None):
    """The daemon's command line, some of its options with other values."""
    given = daemon.command[1:]
    named = dict(zip(given[::2], given[1::2])) | (others or {})
    return [part for pair in named.items() for part in pair]


def test_doctor():
    """Free ports, held ports, a running daemon and its exporters; files that are wrong; the exit status."""
    with work_dir("doctor") as directory:
        daemon = Daemon(directory / "daemon")
        with daemon:
            daemon.wait_ready()
            code, checks = doctor(*options_of(daemon))
            expect(code == 0 and checks["daemon"]["result"] == "ok", checks)
            expect(checks["exporters"]["result"] == "warning", checks["exporters"])
            netflow = f"UDP {daemon.ports['netflow']}"
            expect("held, as it should be" in checks[netflow]["says"], checks[netflow])
            expect("held by a running flowlensd" in checks["data folder"]["says"], checks["data folder"])
            capture = directory / "flows.pcap"
            simnet("--pcap", capture, "--duration", 3, "--exporters", "v5")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for _, _, payload in udp_datagrams(capture):
                    sender.sendto(payload, ("127.0.0.1", daemon.ports["netflow"]))
            wait_for("flows", lambda: b'flowlens_flows_received_total{exporter="127.0.0.1"' in daemon.get_raw("/metrics")[1])
            _, checks = doctor(*options_of(daemon))
            expect("1 heard: 127.0.0.1" in checks["exporters"]["says"], checks["exporters"])
            # The same ports without a daemon of ours behind them are a fault.
            others = {"--data-dir": directory / "other", "--api-port": free_port(socket.SOCK_STREAM)}
            code, checks = doctor(*options_of(daemon, others))
            expect(code == 1 and checks[netflow]["result"] == "BAD", checks)
            daemon.stop()
        code, checks = doctor(*options_of(daemon))
        expect(code == 0 and checks[netflow]["says"] == "free", checks)
        expect("schema version" in checks["database"]["says"], checks["database"])
        rules = directory / "rules.txt"
        rules.write_text("database | nonsense\n")
        code, checks = doctor(*options_of(daemon), variables={"FLOWLENS_CLASSIFICATION_RULES_FILE": str(rules)})
        expect(code == 1 and "rules.txt:1" in checks["files"]["says"], checks["files"])
        code, checks = doctor("--netflow-port", "x")
        expect(code == 1 and checks["settings"]["result"] == "BAD", checks)


def test_doctor_of_postgres():
    """The database's version, schema, permissions and connections; one that does not answer is a fault."""
    with work_dir("doctor") as directory, postgres.Server(directory) as server:
        arguments = ("--data-dir", directory / "data", "--api-port", free_port(socket.SOCK_STREAM),
                     "--netflow-port", "0", "--ipfix-port", "0", "--sflow-port", "0")
        code, checks = doctor(*arguments, variables={"DATABASE_URL": server.url})
        expect(code == 0 and "schema version 0" in checks["database"]["says"], checks["database"])
        expect("max_connections" in checks["connections"]["says"], checks["connections"])
        run([program("FLOWLENSD"), "migrate"], env=environment() | {"DATABASE_URL": server.url})
        server.sql("CREATE ROLE guest LOGIN")
        code, checks = doctor(*arguments, variables={"DATABASE_URL": server.url.replace("postgres@", "guest@")})
        expect(code == 1 and checks["database"]["result"] == "BAD", checks["database"])
        code, checks = doctor(*arguments, variables={"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"})
        expect(code == 1 and checks["database"]["result"] == "BAD", checks["database"])


if __name__ == "__main__":
    main(test_notify, test_watchdog, test_watchdog_of_threads, test_unit, test_doctor, test_doctor_of_postgres)
