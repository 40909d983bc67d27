#!/usr/bin/env python3
"""Live updates over WebSocket and server-sent events, against a running flowlensd."""

import contextlib
import json
import os
import select
import socket
import struct
import time

from harness import Daemon, expect, main, say, wait_for, work_dir
from websocket import CLOSE, PING, PONG, Refused, WebSocket, frame

CLIENTS = int(os.environ.get("FLOWLENS_E2E_CLIENTS", 200))  # flowlensd takes 1,000


def tell_flow(daemon, client, server="10.9.0.1", port=5432):
    """Both halves of one connection, as a NetFlow v5 exporter tells them."""
    now = time.time()
    records = b""
    for source, destination, ports in ((client, server, (40000, port)), (server, client, (port, 40000))):
        records += struct.pack("!4s4s4sHHIIIIHHBBBBHHBBH", socket.inet_aton(source), socket.inet_aton(destination),
                               b"\0" * 4, 1, 2, 10, 1000, 1000, 2000, *ports, 0, 0x1b, 6, 0, 0, 0, 24, 24, 0)
    header = struct.pack("!HHIIIIBBH", 5, 2, 3000, int(now), 0, tell_flow.sequence, 0, 0, 0)
    tell_flow.sequence += 2
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(header + records, ("127.0.0.1", daemon.ports["netflow"]))


tell_flow.sequence = 0


@contextlib.contextmanager
def running(name, config="", flush_interval=0.3):
    with work_dir(name) as directory:
        path = directory / "flowlensd.yaml"
        path.write_text(config or "log:\n  level: info\n")
        with Daemon(directory / "daemon", "--config", path, flush_interval=flush_interval) as daemon:
            yield daemon.wait_ready()
            daemon.stop()


def metric(daemon, name):
    for line in daemon.get_raw("/metrics")[1].decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[-1])
    raise AssertionError(f"no metric {name}")


def addresses(message):
    return {e["address"] for asset in message.get("assets", {"changed": []})["changed"] for e in asset["endpoints"]}


def hear_of(client, address, seconds=20):
    """The message that tells of an asset with that address."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        message = client.receive()
        expect(message is not None, f"closed: {client.close_code} {client.close_reason}")
        if address in addresses(message):
            return message
    raise AssertionError(f"nothing was heard of {address}")


def test_follow():
    """A client hears what changes, in both paths; what REST shows is what it was told."""
    with running("follow") as daemon:
        port = daemon.ports["api"]
        for path in ("/api/v1/ws", "/api/v1/topology/ws"):
            client = WebSocket(port, path)
            hello = client.receive()
            expect(hello["type"] == "hello" and "assets" in hello["topics"], hello)
            client.send({"type": "subscribe", "topics": ["assets", "dependencies", "changes"]})
            said = client.receive("subscribed")
            expect(said["topics"] == ["assets", "dependencies", "changes"], said)
            address = f"10.1.0.{len(path)}"
            tell_flow(daemon, address)
            message = hear_of(client, address)
            told = {row["id"]: row for row in message["assets"]["changed"]}
            shown = {row["id"]: row for row in daemon.items("/api/v1/assets")}
            for key, row in told.items():
                expect(set(row) | {"stale"} == set(shown[key]) and row["endpoints"] == shown[key]["endpoints"], (row, shown[key]))
            expect(message["revision"] <= daemon.ledgers()["revision"], message["revision"])
            client.send({"type": "ping"})
            expect(client.receive("pong")["revision"] >= message["revision"], "pong")
            client.send({"type": "unsubscribe"})
            expect(client.receive("unsubscribed")["topics"] == [], "unsubscribed")
            client.close()


def test_by_hand():
    """What people say is heard at once, and not at the next flush, an hour later."""
    with running("by-hand", flush_interval=3600) as daemon:
        client = WebSocket(daemon.ports["api"], "/api/v1/ws?topics=assets")
        client.receive()
        asset = daemon.send("POST", "/api/v1/assets", {"endpoints": [{"address": "10.1.0.1"}]})
        message = hear_of(client, "10.1.0.1")
        daemon.send("PATCH", f"/api/v1/assets/{asset['id']}", {"tags": ["told"]})
        later = hear_of(client, "10.1.0.1")
        expect(later["revision"] > message["revision"], (message["revision"], later["revision"]))
        expect(later["assets"]["changed"][0]["tags"] == ["told"], later)


def test_resume():
    """Who comes back with a revision misses nothing; of another run, or too old, it is told so."""
    with running("resume") as daemon:
        port = daemon.ports["api"]
        client = WebSocket(port, "/api/v1/ws?topics=assets")
        instance = client.receive("hello")["instance"]
        tell_flow(daemon, "10.1.0.1")
        seen = hear_of(client, "10.1.0.1")["revision"]
        client.close()
        tell_flow(daemon, "10.1.0.2")
        wait_for("the second", lambda: any("10.1.0.2" in json.dumps(a) for a in daemon.items("/api/v1/assets")))
        tell_flow(daemon, "10.1.0.3")
        back = WebSocket(port, f"/api/v1/ws?topics=assets&resume_from={seen}&instance={instance}")
        first = back.receive("revision")
        expect(first["revision"] == seen + 1, (first, seen))
        expect("10.1.0.2" in addresses(first) or "10.1.0.2" in addresses(hear_of(back, "10.1.0.2")), first)
        hear_of(back, "10.1.0.3")
        for query in (f"resume_from={seen}&instance=1", f"resume_from={seen + 1000}&instance={instance}"):
            lost = WebSocket(port, f"/api/v1/ws?topics=assets&{query}")
            lost.receive("hello")
            expect(lost.receive()["type"] == "snapshot_required", query)


def test_many():
    """200 clients hear of a change within a second of each other."""
    with running("many") as daemon:
        port = daemon.ports["api"]
        clients = [WebSocket(port, "/api/v1/ws?topics=assets,dependencies") for _ in range(CLIENTS)]
        for client in clients:
            client.receive("hello")
        expect(metric(daemon, "flowlens_websocket_connections_active") == CLIENTS, "clients counted")
        tell_flow(daemon, "10.1.0.7")
        heard, waiting = [], {client.stream.fileno(): client for client in clients}
        ready, deadline = select.poll(), time.monotonic() + 30
        for number in waiting:
            ready.register(number, select.POLLIN)
        while waiting and time.monotonic() < deadline:
            for number, _ in ready.poll(1000):
                message = waiting[number].receive()
                while "10.1.0.7" not in addresses(message) and waiting[number].buffer:
                    message = waiting[number].receive()
                if "10.1.0.7" in addresses(message):
                    heard.append(time.monotonic())
                    ready.unregister(number)
                    del waiting[number]
        expect(not waiting, f"{len(waiting)} of {CLIENTS} heard nothing")
        spread = max(heard) - min(heard)
        say(f"   {CLIENTS} clients heard within {spread * 1000:.0f} ms of the first")
        expect(spread < 1, f"the last heard {spread:.2f} s after the first")
        expect(metric(daemon, "flowlens_websocket_messages_sent_total") >= CLIENTS, "messages counted")
        for client in clients:
            client.close()
        wait_for("all to be counted out", lambda: metric(daemon, "flowlens_websocket_connections_active") == 0)


def test_limits():
    """One client too many is answered 503; off means 404; what is no upgrade 426."""
    with running("limits", "api:\n  websocket:\n    max_connections: 2\n") as daemon:
        port = daemon.ports["api"]
        clients = [WebSocket(port), WebSocket(port)]
        try:
            WebSocket(port)
            raise AssertionError("a third was let in")
        except Refused as refusal:
            expect(refusal.status == 503 and "Retry-After" in refusal.head, refusal.head)
        expect(metric(daemon, "flowlens_websocket_refused_total") == 1, "refusals counted")
        clients[0].close()
        wait_for("room", lambda: metric(daemon, "flowlens_websocket_connections_active") == 1)
        WebSocket(port).receive("hello")
        expect(daemon.get_raw("/api/v1/ws")[0] == 426, "no upgrade")
        expect(daemon.get_raw("/api/v1/events/stream?topics=moon")[0] == 400, "a bad topic")
    with running("off", "api:\n  websocket:\n    enabled: false\n") as daemon:
        try:
            WebSocket(daemon.ports["api"])
            raise AssertionError("a WebSocket where they are off")
        except Refused as refusal:
            expect(refusal.status == 404, refusal)


def test_pings():
    """A client that answers no ping is dropped; one that does stays."""
    with running("pings", "api:\n  websocket:\n    ping_interval_seconds: 1\n") as daemon:
        port = daemon.ports["api"]
        dead, alive = WebSocket(port), WebSocket(port)
        pings, deadline = 0, time.monotonic() + 5
        while time.monotonic() < deadline:
            opcode, payload = alive.receive_frame()
            expect(opcode != CLOSE, "the live one was closed")
            if opcode == PING:
                pings += 1
                alive.send_raw(frame(PONG, payload))
        expect(pings >= 2, f"{pings} pings")
        wait_for("the dead one to be dropped",
                 lambda: metric(daemon, "flowlens_websocket_connections_active") == 1)
        dead.close()


def test_event_stream():
    """The same as server-sent events, with their own way to come back."""
    with running("stream") as daemon:
        port = daemon.ports["api"]

        def stream(*headers):
            client = socket.create_connection(("127.0.0.1", port), 20)
            client.sendall("\r\n".join(["GET /api/v1/events/stream?topics=assets HTTP/1.1",
                                        f"Host: 127.0.0.1:{port}", *headers, "", ""]).encode())
            return client, client.makefile("rb")

        def event(lines):
            """(id, data) of the next event that has data."""
            found = {}
            for line in lines:
                text = line.decode().rstrip("\r\n")
                if not text and "data" in found:
                    return found["id"], json.loads(found["data"])
                name, _, value = text.partition(": ")
                found[name] = value
            raise AssertionError("the stream has ended")

        first, lines = stream()
        expect(b"200" in lines.readline(), "200")
        expect(metric(daemon, "flowlens_event_streams_active") == 1, "streams counted")
        tell_flow(daemon, "10.1.0.1")
        name, message = event(lines)
        while "10.1.0.1" not in addresses(message):
            name, message = event(lines)
        first.close()
        tell_flow(daemon, "10.1.0.2")
        wait_for("the second", lambda: any("10.1.0.2" in json.dumps(a) for a in daemon.items("/api/v1/assets")))
        _, lines = stream(f"Last-Event-ID: {name}")
        name, back = event(lines)
        expect(back["revision"] == message["revision"] + 1, (back["revision"], message["revision"]))


if __name__ == "__main__":
    main(test_follow, test_by_hand, test_resume, test_many, test_limits, test_pings, test_event_stream)
