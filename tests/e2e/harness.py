"""What the end-to-end tests share: programs under test, captures, REST and the ledgers.

Python's standard library only. ctest gives FLOWLENSD and FLOWLENS_SIMNET in the environment.
A check that cannot run here calls skip() with the reason; main() prints it and exits with 77, which
ctest shows as skipped, even if the other checks of the script passed.
"""

import argparse
import contextlib
import csv
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

SKIPPED = 77


class Skipped(Exception):
    """This check cannot run here."""


def skip(why):
    """Ends the present check as skipped; the script goes on, and exits with 77 at its end."""
    raise Skipped(why)


def say(text):
    print(text, flush=True)


def program(variable):
    """The path of a program under test, from the environment."""
    path = os.environ.get(variable)
    if not path:
        skip(f"the environment variable {variable} does not name a program")
    if not os.access(path, os.X_OK):
        skip(f"{variable}={path} is not an executable file")
    return path


def tool(*names):
    """The path of a tool of the system, looked for under several names and in sbin too."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    return None


def need(*names):
    """Like tool(), but the test is skipped if there is none."""
    found = tool(*names)
    if not found:
        skip(f"none of these programs is installed: {', '.join(names)}")
    return found


def expect(condition, message):
    """An assert that stays in optimised Python."""
    if not condition:
        raise AssertionError(message)


def wait_for(what, condition, seconds=30.0, every=0.1):
    """Calls `condition` until it gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(every)


_given_ports = {}  # each with the socket that holds it


def free_port(kind=socket.SOCK_DGRAM):
    """A port of 127.0.0.1 that nobody uses, below the ephemeral range so that it stays free. It is this
    process's until it ends, also while nothing is bound to it: other tests run at the same time."""
    start = 20000 + (os.getpid() * 37) % 10000
    for offset in range(2000):
        port = 20000 + (start - 20000 + offset) % 12000
        if port in _given_ports:
            continue
        holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            holder.bind(f"\0flowlens-test-port-{port}")
            with socket.socket(socket.AF_INET, kind) as candidate:
                candidate.bind(("0.0.0.0", port))
        except OSError:
            holder.close()
            continue
        _given_ports[port] = holder
        return port
    raise AssertionError("no free port")


@contextlib.contextmanager
def work_dir(name):
    """A temporary directory, kept when the test fails or FLOWLENS_KEEP is set."""
    path = Path(tempfile.mkdtemp(prefix=f"flowlens-{name}-"))
    path.chmod(0o755)
    try:
        yield path
    except (Skipped, SystemExit):
        shutil.rmtree(path, ignore_errors=True)
        raise
    except BaseException:
        say(f"kept for a look: {path}")
        raise
    if os.environ.get("FLOWLENS_KEEP"):
        say(f"kept: {path}")
    else:
        shutil.rmtree(path, ignore_errors=True)


def environment():
    """Ours without the variables meant for the tests: flowlensd refuses FLOWLENS_… it does not know."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FLOWLENS")}
    # What this machine's resolver says, or does not, is nobody's business; tests of DNS bring servers of their own.
    return ours | {"FLOWLENS_DNS_ENABLED": "false"}


def run(command, **options):
    """Runs a program to its end; its output is shown if it fails."""
    options.setdefault("timeout", 120)
    options.setdefault("env", environment())
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        shown = " ".join(str(part) for part in command)
        raise AssertionError(f"{shown}\nexit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


# Processes


class Process:
    """A program in the background; its output goes to a file."""

    def __init__(self, command, log, **options):
        self.command = [str(part) for part in command]
        self.log = Path(log)
        options.setdefault("env", environment())
        self._file = open(self.log, "ab")
        self.popen = subprocess.Popen(self.command, stdout=self._file, stderr=subprocess.STDOUT,
                                      stdin=subprocess.DEVNULL, **options)

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen.poll() is None

    def output(self):
        return self.log.read_text(errors="replace")

    def wait(self, seconds=60):
        code = self.popen.wait(timeout=seconds)
        self._file.close()
        return code

    def stop(self, number=signal.SIGTERM, seconds=30):
        """Sends a signal to this process alone and waits for its end; returns its exit code."""
        if self.is_running():
            self.popen.send_signal(number)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.wait(10)
            raise AssertionError(f"{self.command[0]} did not end {seconds} s after signal {number}:\n"
                                 + self.output()[-2000:]) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.is_running():
            self.popen.kill()
            self.wait(10)


def netns(namespace, command):
    """The command, run inside a network namespace; `None` means where we are."""
    return command if namespace is None else ["ip", "netns", "exec", namespace, *command]


# Captures


def read_pcap(path):
    """Yields (time, link type, frame) of a classic pcap file."""
    data = Path(path).read_bytes()
    magic = data[:4]
    order = "<" if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    nanoseconds = magic in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
    link_type = struct.unpack(order + "I", data[20:24])[0]
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, kept, _ = struct.unpack(order + "IIII", data[at:at + 16])
        frame = data[at + 16:at + 16 + kept]
        yield seconds + fraction / (1e9 if nanoseconds else 1e6), link_type, frame
        at += 16 + kept


def dissect(link_type, frame):
    """(source, destination, protocol, source port, destination port, IP octets, transport) or None.

    Written for the tests alone and independent of FlowLens: Ethernet, Linux cooked and raw captures.
    """
    offset = {1: 14, 113: 16, 276: 20, 101: 0}[link_type]
    if link_type == 101:
        kind = 0x0800 if frame[0] >> 4 == 4 else 0x86DD
    else:
        kind = struct.unpack("!H", frame[{1: 12, 113: 14, 276: 0}[link_type]:][:2])[0]
    packet = frame[offset:]
    if kind == 0x0800:
        header, protocol = (packet[0] & 15) * 4, packet[9]
        octets = struct.unpack("!H", packet[2:4])[0]
        source, destination = (socket.inet_ntop(socket.AF_INET, packet[at:at + 4]) for at in (12, 16))
    elif kind == 0x86DD:
        header, protocol = 40, packet[6]
        octets = 40 + struct.unpack("!H", packet[4:6])[0]
        source, destination = (socket.inet_ntop(socket.AF_INET6, packet[at:at + 16]) for at in (8, 24))
    else:
        return None
    if protocol not in (6, 17):
        return None
    transport = packet[header:octets]
    source_port, destination_port = struct.unpack("!HH", transport[:4])
    return source, destination, protocol, source_port, destination_port, octets, transport


def udp_datagrams(path):
    """Yields (source address, destination port, payload) of each UDP packet of a capture."""
    for _, link_type, frame in read_pcap(path):
        found = dissect(link_type, frame)
        if found and found[2] == 17:
            yield found[0], found[4], found[6][8:]


def replay(path, port_of, per_second=3000):
    """Sends the datagrams of a capture to 127.0.0.1, each exporter from an address of its own.

    `port_of` maps a destination port of the capture to where it shall go; None leaves it out.
    Returns how many were sent.
    """
    sockets, sent = {}, 0
    try:
        for source, port, payload in udp_datagrams(path):
            target = port_of(port)
            if target is None:
                continue
            if source not in sockets:
                sockets[source] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                sockets[source].bind((f"127.0.0.{51 + len(sockets)}", 0))
            sockets[source].sendto(payload, ("127.0.0.1", target))
            sent += 1
            if sent % 50 == 0:
                time.sleep(50 / per_second)
    finally:
        for opened in sockets.values():
            opened.close()
    return sent


def read_truth(path):
    """The true dependencies of simnet: {(client, server, protocol, port): row with numbers}."""
    truth = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            for name, value in row.items():
                if value.isdigit():
                    row[name] = int(value)
            truth[row["client"], row["server"], row["protocol"], row["port"]] = row
    return truth


# flowlensd


class Daemon(Process):
    """A flowlensd of our own on free ports of 127.0.0.1; without log-in unless `auth` is set."""

    def __init__(self, directory, *arguments, flush_interval=1, workers=1, ports=None, database=None, auth=False,
                 variables=None):
        self.directory = Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.database = database  # a URL; None: SQLite in the data folder
        self.data = self.directory / "data"
        self.flush_interval = flush_interval
        self.ports = ports or {
            "api": free_port(socket.SOCK_STREAM), "netflow": free_port(), "ipfix": free_port(),
            "sflow": free_port()}
        command = [
            program("FLOWLENSD"), "--data-dir", self.data, "--api-host", "127.0.0.1",
            "--api-port", self.ports["api"], "--bind-address", "127.0.0.1",
            "--netflow-port", self.ports["netflow"], "--ipfix-port", self.ports["ipfix"],
            "--sflow-port", self.ports["sflow"], "--workers", workers,
            "--flush-interval", flush_interval, *arguments]
        super().__init__(command, self.directory / "flowlensd.log", cwd=self.directory,
                         env=environment() | {"AUTH_ENABLED": "true" if auth else "false"} |
                         ({"DATABASE_URL": database} if database else {}) | (variables or {}))

    def wait_ready(self, seconds=60):
        def ready():
            if not self.is_running():
                raise AssertionError(f"flowlensd ended with {self.popen.returncode}:\n{self.output()}")
            try:
                return self.get_raw("/admin/health/ready")[0] == 200
            except OSError:
                return False
        wait_for("/admin/health/ready\n" + " ".join(self.command), ready, seconds)
        return self

    def get_raw(self, path):
        """(status, body)."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['api']}{path}", timeout=20) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def get(self, path):
        status, body = self.get_raw(path)
        expect(status == 200, f"GET {path}: {status} {body[:300]}")
        return json.loads(body)

    def send(self, method, path, body=None):
        """The answer as JSON; None if it has no body."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['api']}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                text = reply.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:300]}") from error
        return json.loads(text) if text else None

    def items(self, path):
        """All items of a paged list."""
        found, cursor = [], None
        while True:
            more = f"&cursor={cursor}" if cursor else ""
            page = self.get(f"{path}?page_size=1000{more}")
            found += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                expect(len(found) == page["total"], f"{path}: total {page['total']}, items {len(found)}")
                return found

    def dependencies(self):
        """{(client, server, protocol, port): item}."""
        found = {}
        for item in self.items("/api/v1/dependencies"):
            key = (item["client"]["address"], item["server"]["address"], item["protocol"], item["port"])
            expect(key not in found, f"listed twice: {key}")
            found[key] = item
        return found

    def ledgers(self):
        return self.get("/api/v1/ledgers")

    def settled(self, quiet=1.0, seconds=60):
        """Waits until the ledgers stand still, and returns them."""
        state = {"ledgers": None, "since": time.monotonic()}

        def still():
            now = self.ledgers()
            if now != state["ledgers"]:
                state.update(ledgers=now, since=time.monotonic())
            return time.monotonic() - state["since"] >= quiet and now
        return wait_for("the ledgers to stand still", still, seconds, 0.2)

    def stop(self, number=signal.SIGTERM, seconds=60):
        code = super().stop(number, seconds)
        if number == signal.SIGTERM:
            expect(code == 0, f"flowlensd ended with {code} after SIGTERM:\n{self.output()[-3000:]}")
        return code


def total(part):
    """A number, or the sum of numbers by reason."""
    return sum(part.values()) if isinstance(part, dict) else part


def check_ledgers(ledgers):
    """The three ledgers balance (DESIGN section 4)."""
    datagrams, octets, flows = ledgers["datagrams"], ledgers["octets"], ledgers["flows"]

    def balanced(name, whole, parts):
        shown = " + ".join(f"{key} {value}" for key, value in parts.items())
        say(f"ledger of {name}: {whole} = {shown}")
        expect(whole == sum(parts.values()), f"the ledger of {name} does not balance: {ledgers}")

    balanced("datagrams", datagrams["received"],
             {"accepted": datagrams["accepted"], "refused": total(datagrams["refused"])})
    balanced("octets", octets["accepted"], {
        **{key: octets[key] for key in ("header", "template", "options", "decoded", "waiting", "padding")},
        "skipped": total(octets["skipped"])})
    balanced("flows", flows["normalized"], {
        **{key: flows[key] for key in ("applied", "duplicate", "attempt", "control", "sampled_out")},
        "dropped": total(flows["dropped"])})
    expect(flows["late_carried"] <= flows["applied"], f"more late than applied: {flows}")


def simnet(*arguments):
    """Runs flowlens-simnet to its end."""
    return run([program("FLOWLENS_SIMNET"), *arguments])


class LiveSimnet(Process):
    """flowlens-simnet sending to a daemon, in the background; its truth is written at its end."""

    def __init__(self, daemon, directory, *arguments):
        self.truth_path = Path(directory) / "truth.csv"
        command = [program("FLOWLENS_SIMNET"), "--send", "127.0.0.1", "--truth", self.truth_path]
        for name in ("netflow", "ipfix", "sflow"):
            command += [f"--{name}-port", daemon.ports[name]]
        super().__init__([*command, *arguments], Path(directory) / "simnet.log")

    def pause(self):
        self.popen.send_signal(signal.SIGSTOP)

    def resume(self):
        self.popen.send_signal(signal.SIGCONT)

    def truth(self, seconds=120):
        """Waits for the end of the traffic."""
        code = self.wait(seconds)
        expect(code == 0, f"flowlens-simnet ended with {code}:\n{self.output()}")
        return read_truth(self.truth_path)


def selected(tests):
    """(the tests to run, how often each), as the command line says."""
    known = {test.__name__.removeprefix("test_"): test for test in tests}
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=1, help="how often each test runs")
    parser.add_argument("--only", choices=known, help="the only test that runs")
    given = parser.parse_args()
    return [known[given.only]] if given.only else list(tests), given.rounds


def main(*tests):
    """Runs the tests in turn, all of them even after a failure; a test that fails gets no further round."""
    tests, rounds = selected(tests)
    skipped, failed = [], []
    for test in tests:
        say(f"== {test.__name__}: {(test.__doc__ or '').strip().splitlines()[0]}")
        started = time.monotonic()
        try:
            for number in range(rounds):
                if rounds > 1:
                    say(f"-- round {number + 1} of {rounds}")
                test()
        except Skipped as why:
            say(f"SKIPPED: {why}")
            skipped.append(test.__name__)
        except Exception:  # pylint: disable=broad-except
            say(f"FAILED: {traceback.format_exc()}")
            failed.append(test.__name__)
        else:
            say(f"   passed in {time.monotonic() - started:.1f} s")
    for what, names in (("skipped", skipped), ("failed", failed)):
        if names:
            say(f"{what} {len(names)} of {len(tests)}: {', '.join(names)}")
    if failed or skipped:
        sys.exit(1 if failed else SKIPPED)
