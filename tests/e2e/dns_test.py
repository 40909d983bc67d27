#!/usr/bin/env python3
"""Names by DNS: a real unbound with 10,000 of them, and servers that are silent, dead, or lie.

Whatever the servers do, every flow is counted and flowlensd ends when it is told to.
"""

import contextlib
import json
import re
import socket
import struct
import subprocess
import threading
import time

from harness import (Daemon, Process, check_ledgers, environment, expect, free_port, main, need, program, say, wait_for,
                     work_dir)

SERVER = "10.10.0.1"
PER_DATAGRAM = 30


def client(number):
    return f"10.20.{number // 250}.{number % 250 + 1}"


def reverse(address):
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def send_flows(daemon, clients):
    """Each client talks to the server once, by NetFlow v5; returns the number of flows."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for at in range(0, clients, PER_DATAGRAM):
            rows = b"".join(
                struct.pack("!4s4s4sHHIIIIHHBBBBHHBBH", socket.inet_aton(client(n)), socket.inet_aton(SERVER), bytes(4),
                            1, 2, 10, 1000, 1000, 2000, 40000, 443, 0, 0x12, 6, 0, 0, 0, 0, 0, 0)
                for n in range(at, min(at + PER_DATAGRAM, clients)))
            head = struct.pack("!HHIIIIBBH", 5, len(rows) // 48, 3000, int(time.time()), 0, at, 0, 0, 0)
            sender.sendto(head + rows, ("127.0.0.1", daemon.ports["netflow"]))
            if at // PER_DATAGRAM % 20 == 0:
                time.sleep(0.02)
    return clients


def daemon_asking(directory, server, **variables):
    return Daemon(directory, variables={"FLOWLENS_DNS_ENABLED": "true", "ENRICHMENT_DNS_SERVERS": server} | variables)


def results(daemon):
    """{result: addresses}."""
    found = re.findall(r'^flowlens_dns_answers_total{result="(\w+)"} (\d+)',
                       daemon.get_raw("/metrics")[1].decode(), re.M)
    return {result: int(count) for result, count in found if int(count) > 0}


def names(daemon):
    """{address: name}."""
    return {asset["endpoints"][0]["address"]: asset["name"] for asset in daemon.items("/api/v1/assets")}


def check_flows(daemon, flows):
    """They are in the map, whatever DNS does."""
    wait_for(f"{flows} flows in the map", lambda: daemon.ledgers()["flows"]["applied"] >= flows, 60)
    ledgers = daemon.settled()
    check_ledgers(ledgers)
    expect(ledgers["flows"]["applied"] == flows, ledgers["flows"])


def start_unbound(directory, data):
    port = free_port()
    config = directory / "unbound.conf"
    lines = ["server:", f"  interface: 127.0.0.1@{port}", "  do-daemonize: no", '  username: ""', '  chroot: ""',
             '  pidfile: ""', f'  directory: "{directory}"', "  use-syslog: no", '  module-config: "iterator"',
             "  access-control: 127.0.0.0/8 allow", "  so-rcvbuf: 0",
             # It knows what stands here, and asks nobody.
             '  local-zone: "." static', '  local-zone: "10.in-addr.arpa." static']
    config.write_text("\n".join(lines + [f"  local-data: '{row}'" for row in data]) + "\n")
    server = Process([need("unbound"), "-d", "-c", config], directory / "unbound.log")

    def answers():
        expect(server.is_running(), "unbound ended:\n" + server.output()[-2000:])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.3)
            asking.sendto(struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\x01a\x00\x00\x01\x00\x01", ("127.0.0.1", port))
            with contextlib.suppress(OSError):
                return asking.recv(512)
        return None
    wait_for("unbound", answers, 20)
    return server, f"127.0.0.1:{port}"


def test_ten_thousand_names():
    """Each of 10,000 clients gets its own name; 500 whose names are others' get none, nor do 500 without."""
    named, others, without = 10_000, 500, 500
    data = []
    for n in range(named + others):
        name = f"host-{n}.example.test"
        data.append(f"{reverse(client(n))}. 600 IN PTR {name}.")
        data.append(f"{name}. 600 IN A {client(n) if n < named else SERVER}")
    expected = {client(n): f"host-{n}.example.test" if n < named else "" for n in range(named + others + without)}
    with work_dir("dns") as directory:
        unbound, address = start_unbound(directory, data)
        with unbound, daemon_asking(directory / "daemon", address) as daemon:
            daemon.wait_ready()
            flows = send_flows(daemon, named + others + without)
            check_flows(daemon, flows)
            wait_for("all answers", lambda: sum(results(daemon).values()) >= flows + 1, 60, 0.5)
            # The server has no name either.
            expect(results(daemon) == {"confirmed": named, "unconfirmed": others, "no_name": without + 1},
                   results(daemon))
            wait_for("all names", lambda: sum(1 for name in names(daemon).values() if name) >= named, 30, 1)
            got = names(daemon)
            wrong = {a: got.get(a) for a, name in expected.items() if got.get(a) != name}
            expect(not wrong, f"{len(wrong)} of {len(expected)} are wrong: {list(wrong.items())[:5]}")
            say(f"   {named} names are right, {others} unconfirmed ones and {without} missing ones are none")
            daemon.stop()


def test_silent_and_dead_servers():
    """Flows are counted, nobody is named, the reason is told, and the end comes at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, work_dir("dns") as directory:
        silent.bind(("127.0.0.1", 0))
        servers = {"timed_out": silent.getsockname()[1], "unreachable": free_port()}
        for result, port in servers.items():
            server = f"127.0.0.1:{port}"
            with daemon_asking(directory / result, server, ENRICHMENT_DNS_TIMEOUT="0.2") as daemon:
                daemon.wait_ready()
                flows = send_flows(daemon, 1_000)
                check_flows(daemon, flows)
                wait_for("failures", lambda: results(daemon).get(result, 0) >= 100, 30, 0.5)
                expect(set(results(daemon)) == {result}, results(daemon))
                expect(not any(names(daemon).values()), "somebody is named")
                done = subprocess.run(
                    [program("FLOWLENSD"), "doctor", "--json", "--data-dir", daemon.data], capture_output=True, text=True,
                    timeout=60, env=environment() | {"FLOWLENS_DNS_ENABLED": "true", "ENRICHMENT_DNS_SERVERS": server})
                said = {check["name"]: check for check in json.loads(done.stdout)["checks"]}["dns"]
                expect(said["result"] == "warning" and result in said["says"] and server in said["says"], said)
                began = time.monotonic()
                daemon.stop()
                say(f"   {result}: {flows} flows, told by doctor, ended in {time.monotonic() - began:.1f} s")


class Liar:
    """Says the same name of everybody, which has another address, and much else that nobody asked."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @staticmethod
    def name(text):
        return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"

    def record(self, owner, kind, data):
        return owner + struct.pack("!HHIH", kind, 1, 600, len(data)) + data

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                query, asker = self.socket.recvfrom(1500)
                question = query[12:]
                owner, kind = question[:-4], struct.unpack("!H", question[-4:-2])[0]
                if kind == 12:
                    answer = self.record(owner, 12, self.name("bank.example.test"))
                else:
                    answer = self.record(owner, 1, socket.inet_aton("192.0.2.1"))
                # Asked about the client itself it does not say so: then it would be believed.
                victim, poison = self.name(reverse(client(1))), self.name("poison.example.test")
                of_others = b""
                if owner != victim:
                    of_others = self.record(victim, 12, poison) + self.record(poison, 1, socket.inet_aton(client(1)))
                head = struct.pack("!HHHHH", 0x8180, 1, 3 if of_others else 1, 0, 0)
                wrong_id = bytes([query[0] ^ 1]) + query[1:2]
                self.socket.sendto(wrong_id + head + question + of_others + answer, asker)
                self.socket.sendto(query[:2] + head + question + of_others + answer, asker)


def test_lying_server():
    """Nobody is called what does not have his address."""
    with work_dir("dns") as directory:
        liar = Liar()
        with daemon_asking(directory / "daemon", liar.address) as daemon:
            daemon.wait_ready()
            flows = send_flows(daemon, 500)
            check_flows(daemon, flows)
            wait_for("answers", lambda: sum(results(daemon).values()) >= flows + 1, 30, 0.5)
            expect(results(daemon) == {"unconfirmed": flows + 1}, results(daemon))
            expect(not any(names(daemon).values()), "somebody is named")
            daemon.stop()
        liar.socket.close()


if __name__ == "__main__":
    main(test_ten_thousand_names, test_silent_and_dead_servers, test_lying_server)
