#!/usr/bin/env python3
"""Clients that mean harm: each gets the right answer, memory stays flat, and others are served."""

import os
import socket
import struct
import time
from pathlib import Path

from harness import Daemon, expect, main, say, wait_for, work_dir
from websocket import BINARY, PING, TEXT, WebSocket, frame

MOST_GROWTH = 96 << 20  # with AddressSanitizer, which keeps for a while what was freed


def resident(daemon):
    pages = int(Path(f"/proc/{daemon.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def connect(daemon, seconds=20):
    return socket.create_connection(("127.0.0.1", daemon.ports["api"]), seconds)


def talk(daemon, octets):
    """All that the server says to these octets, until it closes."""
    with connect(daemon, 10) as client:
        answer = b""
        try:
            client.sendall(octets)
            while more := client.recv(65536):
                answer += more
        except (ConnectionError, TimeoutError):
            pass
        return answer


def status(answer):
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else None


def request(target="/health", method="GET", headers=(), body=b""):
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def serves(daemon):
    code, _ = daemon.get_raw("/admin/health/live")
    expect(code == 200, f"it answers {code} to others")


def running(directory):
    environment = os.environ.get("ASAN_OPTIONS", "")
    os.environ["ASAN_OPTIONS"] = f"{environment}:quarantine_size_mb=8"
    try:
        return Daemon(directory / "daemon").wait_ready()
    finally:
        os.environ["ASAN_OPTIONS"] = environment


JSON = ["Content-Type: application/json"]
BAD_REQUESTS = [
    ("two lengths", b"POST /api/v1/analysis/impact HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n"
                    b"Content-Length: 2\r\n\r\nab", 400),
    ("a length and chunks", b"POST /a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("two codings", b"POST /a HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
                    b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
    ("a signed length", b"POST /a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: +4\r\n\r\nabcd", 400),
    ("a bare CR", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\rb\r\n\r\n", 400),
    ("a space before the colon", b"GET /health HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n", 400),
    ("a NUL in a header", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\0b\r\n\r\n", 400),
    ("no Host", b"GET /health HTTP/1.1\r\n\r\n", 400),
    ("two Hosts", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: b\r\n\r\n", 400),
    ("a rebound name", b"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    ("TLS to a port without", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40 + b"\r\n\r\n", 400),
    ("a giant header", request(headers=["X: " + "x" * 9000]), 431),
    ("many headers", request(headers=[f"X-{i}: y" for i in range(2000)]), 431),
    ("a giant target", request("/" + "x" * 20000), 431),
    ("a giant body", b"POST /a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n\r\n", 413),
    ("a giant chunk", b"POST /a HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n", 413),
    ("traversal", request("/../../etc/passwd"), 400),
    ("escaped traversal", request("/%2e%2e/%2e%2e/etc/passwd"), 400),
    ("an escaped slash", request("/api/v1/assets/..%2f..%2fsecret"), 400),
    ("bad UTF-8 in the path", request("/api/v1/assets/%ff%fe"), 400),
    ("an overlong slash", request("/api/v1/assets/%c0%af"), 400),
    ("raw bad UTF-8 in the path", b"GET /api/v1/\xff HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", 400),
    ("bad UTF-8 in the query", request("/api/v1/assets?filter=%ff"), 400),
    ("an escaped NUL", request("/api/v1/assets/%00"), 400),
    ("a broken escape", request("/api/v1/assets/%zz"), 400),
    ("deep JSON", request("/api/v1/analysis/impact", "POST", JSON, b"[" * 60000), 400),
    ("deep objects", request("/api/v1/analysis/impact", "POST", JSON, b'{"a":' * 10000), 400),
    ("100,000 brackets", request("/api/v1/analysis/impact", "POST", JSON, b"[" * 100000), 413),
    ("bad UTF-8 in JSON", request("/api/v1/analysis/impact", "POST", JSON, b'{"assets":["\xff"]}'), 400),
    ("JSON as text", request("/api/v1/analysis/impact", "POST", ["Content-Type: text/plain"], b"{}"), 415),
    ("an unknown method", request(method="BREW"), 405),
]


def test_requests():
    """Smuggling, giants, bad text: the right answer to each, and the next one is served."""
    with work_dir("hostile") as directory, running(directory) as daemon:
        for name, octets, want in BAD_REQUESTS:
            answer = talk(daemon, octets)
            got = status(answer)
            expect(got == want, f"{name}: {got}, not {want}: {answer[:200]!r}")
            expect(b"root:" not in answer, name)
            serves(daemon)
        before = resident(daemon)
        for _ in range(15):
            for _, octets, _ in BAD_REQUESTS:
                talk(daemon, octets)
        grown = resident(daemon) - before
        say(f"   {15 * len(BAD_REQUESTS)} more of them: memory grew by {grown >> 20} MiB")
        expect(grown < MOST_GROWTH, f"memory grew by {grown} octets")
        serves(daemon)
        daemon.stop()


def test_slow():
    """Whoever drips headers or bodies holds up nobody: there is room for others all the time."""
    with work_dir("slow") as directory, running(directory) as daemon:
        def hold(octets):
            client = connect(daemon)
            client.sendall(octets)
            return client
        drips = [b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-", b"G", b"",
                 b"POST /api/v1/analysis/impact HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                 b"Content-Length: 100\r\n\r\n{"]
        held = [hold(drips[i % len(drips)]) for i in range(520)]  # more than the 512 that there is room for
        began = time.monotonic()

        def is_served():
            try:
                with connect(daemon, 5) as client:
                    client.sendall(request("/admin/health/live"))
                    return client.recv(100).startswith(b"HTTP/1.1 200")
            except OSError:
                return False
        wait_for("a place among the slow ones", is_served, 15)
        say(f"   served {time.monotonic() - began:.1f} s after 520 slow ones came")
        time.sleep(1)  # now each of them has been silent long enough to make room
        for _ in range(20):
            expect(is_served(), "the slow ones keep others out")
        text = daemon.get_raw("/metrics")[1].decode()
        made = [line for line in text.splitlines() if line.startswith("flowlens_api_connections_made_room_total ")]
        expect(float(made[0].split()[1]) > 0, made)
        for client in held:
            client.close()
        serves(daemon)
        daemon.stop()


def test_pipeline():
    """A flood of requests sent ahead by one who reads nothing costs that one alone."""
    with work_dir("pipeline") as directory, running(directory) as daemon:
        before = resident(daemon)
        one = b"GET /api/v1/ledgers HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        with connect(daemon) as flood:
            flood.settimeout(3)
            try:
                for _ in range(100):
                    flood.sendall(one * 1000)
            except TimeoutError:
                pass  # the server reads no further than it answers
            serves(daemon)
        expect(resident(daemon) - before < MOST_GROWTH, "memory grew")
        serves(daemon)
        daemon.stop()


def expelled(daemon, name, octets, want, ready=True):
    """What WebSocket frames lead to: a close with that code."""
    client = WebSocket(daemon.ports["api"])
    if ready:
        client.receive("hello")
    try:
        client.send_raw(octets)
    except ConnectionError:
        pass
    while client.receive() is not None:
        pass
    expect(client.close_code == want, f"{name}: closed with {client.close_code} {client.close_reason}, not {want}")
    client.close()


def test_frames():
    """WebSocket frames that no client sends: closed with the code of the standard."""
    with work_dir("frames") as directory, running(directory) as daemon:
        huge = frame(TEXT, b"", length=1 << 40)
        cases = [
            ("a message over the limit", frame(TEXT, b"x" * 20000), 1009),
            ("a frame that claims 1 TiB", huge, 1009),
            ("fragments over the limit", frame(TEXT, b"x" * 9000, fin=False) + frame(0, b"x" * 9000), 1009),
            ("bad UTF-8", frame(TEXT, b"\xff\xfe"), 1007),
            ("no JSON", frame(TEXT, b"hello"), 1008),
            ("deep JSON", frame(TEXT, b"[" * 10000), 1008),
            ("an unknown type", frame(TEXT, b'{"type": "shutdown"}'), 1008),
            ("binary", frame(BINARY, b"\1\2"), 1003),
            ("no mask", frame(TEXT, b"{}", masked=False), 1002),
            ("an unknown opcode", frame(5, b"x"), 1002),
            ("a long ping", frame(PING, b"x" * 126), 1002),
            ("a fragmented ping", frame(PING, b"x", fin=False), 1002),
            ("a flood of pings", frame(PING, b"") * 200, 1008),
            ("a flood of messages", frame(TEXT, b'{"type": "ping"}') * 200, 1008),
        ]
        for name, octets, want in cases:
            expelled(daemon, name, octets, want)
            serves(daemon)
        text = daemon.get_raw("/metrics")[1].decode()
        expect('flowlens_websocket_dropped_total{reason="hostile"} ' in text, "counted")
        dropped = [line for line in text.splitlines() if 'dropped_total{reason="hostile"}' in line]
        expect(float(dropped[0].split()[1]) == len(cases), dropped)

        before = resident(daemon)
        bombs = [WebSocket(daemon.ports["api"]) for _ in range(20)]
        for bomb in bombs:
            bomb.receive("hello")
            bomb.stream.settimeout(1)
        began = time.monotonic()
        while time.monotonic() < began + 4:  # fragments without end and without content
            for bomb in bombs:
                try:
                    bomb.send_raw(frame(TEXT, b"", fin=False) + frame(0, b"", fin=False) * 500)
                except (TimeoutError, OSError):
                    pass
            serves(daemon)
        expect(resident(daemon) - before < MOST_GROWTH, "fragments cost memory")
        for bomb in bombs:
            bomb.close()
        bad = WebSocket(daemon.ports["api"])
        bad.receive("hello")
        bad.send({"type": "subscribe", "topics": ["assets"], "filters": {"assets": "((("}})
        expect("(" in bad.receive("error")["detail"], "what is wrong with a filter")
        daemon.stop()


def test_greedy():
    """A WebSocket that takes nothing costs no queue."""
    with work_dir("greedy") as directory, running(directory) as daemon:
        before = resident(daemon)
        greedy = []
        for i in range(50):
            client = WebSocket(daemon.ports["api"], f"/api/v1/ws?topics=assets&filter_assets=name+!=+c{i}")
            client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            greedy.append(client)
        record = struct.Struct("!4s4s4sHHIIIIHHBBBBHHBBH")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for round_ in range(20):
                for base in range(0, 240, 24):
                    rows = b"".join(record.pack(
                        bytes([10, 1, round_, base + i]), bytes([10, 9, 0, 1]), b"\0" * 4, 1, 2, 10, 1000, 1000, 2000,
                        40000, 443, 0, 0x1b, 6, 0, 0, 0, 24, 24, 0) for i in range(24))
                    sender.sendto(struct.pack("!HHIIIIBBH", 5, 24, 3000, int(time.time()), 0, 0, 0, 0, 0) + rows,
                                  ("127.0.0.1", daemon.ports["netflow"]))
                time.sleep(0.3)
                serves(daemon)
        grown = resident(daemon) - before
        say(f"   50 clients took nothing of 20 revisions: memory grew by {grown >> 20} MiB")
        expect(grown < 2 * MOST_GROWTH, f"memory grew by {grown} octets")
        for client in greedy:
            client.close()
        daemon.stop()


if __name__ == "__main__":
    main(test_requests, test_slow, test_pipeline, test_frames, test_greedy)
