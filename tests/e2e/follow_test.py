#!/usr/bin/env python3
"""Several processes on one PostgreSQL: one writes the map, one serves a copy of it, one stands by."""

import contextlib
import json
import os
import re
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
import uuid

import postgres

from access_test import Client, first_password
from crash_test import check_books
from harness import Daemon, LiveSimnet, Process, expect, free_port, main, program, say, wait_for, work_dir
from websocket import WebSocket

INTERVAL = 0.5  # seconds between two flushes
TRAFFIC = ("--exporters", "v5,v9,ipfix", "--rate", 200, "--template-every", 1)
KEY = "0123456789abcdef" * 3


def metric(daemon, name):
    text = daemon.get_raw("/metrics")[1].decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    expect(found, f"no metric {name}")
    return float(found.group(1))


def ask(daemon, method, path, body=None, headers=None):
    """(status, answer, headers, seconds)."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{daemon.ports['api']}{path}", method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **(headers or {})})
    begun = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            status, text, found = reply.status, reply.read(), reply.headers
    except urllib.error.HTTPError as error:
        status, text, found = error.code, error.read(), error.headers
    return status, json.loads(text) if text else None, found, time.monotonic() - begun


def process(stack, directory, name, roles, server, like=None, **options):
    """One flowlensd of several. `like`: it listens where that one does, but for its API."""
    ports = like.ports | {"api": free_port(socket.SOCK_STREAM)} if like else None
    given = {"AUTH_ENABLED": "false", "METRICS_PORT": "0"} | options.pop("variables", {})
    made = Daemon(directory / name, "--roles", roles, flush_interval=INTERVAL, database=server.url, ports=ports,
                  variables=given, **options)
    return stack.enter_context(made)


def resolver(stack, directory, name, server, like=None):
    """A process that writes and serves no API: health and metrics are on its own port."""
    port = free_port(socket.SOCK_STREAM)
    made = process(stack, directory, name, "ingest,resolve", server, like, variables={"METRICS_PORT": str(port)})
    made.ports = made.ports | {"api": port}
    return made


def level(writer, copy):
    """Waits until the copy has what the writer has."""
    def is_level():
        return metric(copy, "flowlens_follower_revision") == metric(copy, "flowlens_follower_store_revision") \
            == writer.ledgers()["revision"]
    wait_for("the copy to have all", is_level, 30, 0.2)


def by_id(daemon, path):
    return {item["id"]: item for item in daemon.items(path)}


def without_ages(topology):
    return {kind: sorted(json.dumps(item, sort_keys=True) for item in topology[kind]) for kind in ("nodes", "edges")}


def expect_same(writer, copy):
    for path in ("/api/v1/assets", "/api/v1/dependencies"):
        truth, found = by_id(writer, path), by_id(copy, path)
        strange = [key for key in truth.keys() | found.keys() if truth.get(key) != found.get(key)]
        expect(not strange, f"{path}: {len(strange)} differ, as {strange[:1]}: "
               f"{[(truth.get(k), found.get(k)) for k in strange[:1]]}")
        expect(truth, f"{path}: empty")
    asset = next(iter(by_id(writer, "/api/v1/assets").values()))
    address = asset["endpoints"][0]["address"]
    for path in (f"/api/v1/search?q={address}", "/api/v1/changes?page_size=100",
                 f"/api/v1/assets/{asset['id']}/dependencies"):
        truth, found = writer.get(path), copy.get(path)
        if "items" in truth:
            truth, found = (sorted(map(str, answer["items"])) for answer in (truth, found))
        expect(truth == found, f"{path}: {truth} {found}")
    truth, found = writer.get("/api/v1/topology"), copy.get("/api/v1/topology")
    expect(without_ages(truth) == without_ages(found), f"topology: {truth} {found}")


def measure_lag(writer, copy, seconds):
    """How much later a client of the copy hears of each revision: the worst, in seconds."""
    heard = {}

    def listen(daemon):
        client = WebSocket(daemon.ports["api"])
        client.receive("hello")
        client.send({"type": "subscribe", "topics": ["dependencies"]})
        until = time.monotonic() + seconds
        times = heard.setdefault(daemon, {})
        while time.monotonic() < until:
            message = client.receive()
            if message and "revision" in message:
                times.setdefault(message["revision"], time.monotonic())
    threads = [threading.Thread(target=listen, args=(daemon,)) for daemon in (writer, copy)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    both = heard[writer].keys() & heard[copy].keys()
    expect(len(both) >= 5, f"{len(both)} revisions were heard at both")
    return len(both), max(heard[copy][number] - heard[writer][number] for number in both)


def test_copy_is_the_map():
    """An API process shows what the Resolver's shows, and hears of revisions under the same numbers."""
    with work_dir("follow") as directory, contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        writer = process(stack, directory, "writer", "all", server).wait_ready()
        copy = process(stack, directory, "copy", "api", server).wait_ready()
        traffic = stack.enter_context(LiveSimnet(writer, directory, *TRAFFIC, "--duration", 10))
        wait_for("traffic in the map", lambda: len(writer.dependencies()) > 10)
        number, lag = measure_lag(writer, copy, 6)
        traffic.truth()
        writer.settled(quiet=2)
        level(writer, copy)
        say(f"   {number} revisions heard of at both; the copy behind by at most {lag:.2f} s, "
            f"by its own account {metric(copy, 'flowlens_follower_lag_seconds'):.2f} s")
        expect(lag < 10, f"the copy is {lag} s behind")
        expect_same(writer, copy)
        expect(metric(copy, "flowlens_follower_reloads_total") <= 1, "the map was read anew")
        health = copy.get("/health")
        expect(health["status"] == "healthy" and health["checks"]["follower"] == "ok", health)
        expect(health["checks"]["resolver"] == "ok", health)
        for path in ("/api/v1/exporters", "/api/v1/ledgers", "/api/v1/alerts", "/api/v1/applications"):
            expect(copy.get(path) == writer.get(path), path)
        first = writer.get("/api/v1/exporters")["items"][0]["address"]
        explained = copy.get(f"/api/v1/exporters/{first}/explain")
        expect(explained.keys() == writer.get(f"/api/v1/exporters/{first}/explain").keys(), explained)
        dependency = next(iter(by_id(copy, "/api/v1/dependencies")))
        path = f"/api/v1/dependencies/{dependency}/traffic"
        expect(copy.get(path)["items"] == writer.get(path)["items"] != [], path)
        copy.stop()
        writer.stop()


def test_edits_come_back():
    """Who changes something at a copy sees it there at once; it is done once, and refused as at the Resolver."""
    with work_dir("follow") as directory, contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        writer = resolver(stack, directory, "writer", server).wait_ready()
        copy = process(stack, directory, "copy", "api", server).wait_ready()
        client = WebSocket(copy.ports["api"])
        client.receive("hello")
        client.send({"type": "subscribe", "topics": ["assets"]})
        client.receive("subscribed")
        status, asset, headers, _ = ask(copy, "POST", "/api/v1/assets",
                                        {"endpoints": [{"address": "10.7.0.1"}], "name": "printer"})
        expect(status == 201 and headers["Location"] == f"/api/v1/assets/{asset['id']}", (status, asset))
        path = f"/api/v1/assets/{asset['id']}"
        expect(copy.get(path)["name"] == "printer", "the new asset is not in the copy")
        slowest = 0
        for turn in range(20):
            tags = [f"turn-{turn}"]
            status, answer, _, seconds = ask(copy, "PATCH", path, {"tags": tags})
            slowest = max(slowest, seconds)
            expect(status == 200 and answer["tags"] == tags, (status, answer))
            expect(copy.get(path)["tags"] == tags, f"tags after turn {turn}: {copy.get(path)}")
        say(f"   20 edits at the copy, the slowest seen after {slowest:.2f} s")
        deadline, seen = time.monotonic() + 20, []
        while ["turn-19"] not in seen and time.monotonic() < deadline:
            message = client.receive()
            seen += [row.get("tags") for row in message.get("assets", {}).get("changed", [])]
        expect(["turn-19"] in seen, f"a client of the copy heard of {seen}")
        status, answer, *_ = ask(copy, "PATCH", f"/api/v1/assets/{str(uuid.UUID(int=7))}", {"tags": []})
        expect(status == 404, (status, answer))
        status, answer, headers, _ = ask(copy, "PATCH", path, {"tags": "none"})
        expect(status == 400 and headers["Content-Type"] == "application/problem+json", (status, answer))
        rule = {"events": ["new_dependency"], "severity": "critical", "title": "{asset}"}
        expect(ask(copy, "PUT", "/api/v1/alerts/rules/of-the-copy", rule)[0] in (200, 201), "a rule")
        expect(copy.get("/api/v1/alerts/rules/of-the-copy")["severity"] == "critical", "the rule is not there")
        status, application, *_ = ask(copy, "POST", "/api/v1/applications",
                                      {"name": "print", "asset_ids": [asset["id"]], "by": "anna"})
        expect(status == 201, (status, application))
        expect(copy.get(f"/api/v1/applications/{application['id']}")["name"] == "print", "the application")
        expect(ask(copy, "DELETE", path)[0] == 204, "delete")
        expect(copy.get_raw(path)[0] == 404, "the asset is still in the copy")
        expect(server.sql("SELECT count(*) FROM flowlens_store.fact_answers f WHERE NOT EXISTS (SELECT FROM "
                          "flowlens_store.fact_answers a WHERE a.position = f.position AND answered_at IS NOT NULL)")
               == "0", "requests without an answer")
        done = server.sql("SELECT count(*) FROM flowlens_store.fact_answers")
        expect(f'flowlens_followers_requests_total{{result="answered"}} {done}'
               in writer.get_raw("/metrics")[1].decode(), f"{done} requests in the database")
        copy.stop()
        writer.stop()


def test_log_in_is_shared():
    """A token of one process is good at the other; what may not be done is refused by the copy, and noted once."""
    with work_dir("follow") as directory, contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        shared = {"AUTH_ENABLED": "true", "AUTH_SECRET_KEY": KEY}
        writer = process(stack, directory, "writer", "all", server, variables=shared).wait_ready()
        keyless = process(stack, directory, "keyless", "api", server, variables={"AUTH_ENABLED": "true"})
        expect(keyless.wait(30) != 0 and "AUTH_SECRET_KEY" in keyless.output(), keyless.output())
        copy = process(stack, directory, "copy", "api", server, variables=shared).wait_ready()
        # Requests leave the database as they are taken: these stay for a look.
        server.sql("CREATE TABLE public.asked (body bytea); CREATE RULE keep AS ON INSERT TO flowlens_store.facts "
                   "DO ALSO INSERT INTO public.asked VALUES (NEW.body)")
        token = Client(writer).log_in("admin", first_password(writer))["access_token"]
        admin = Client(copy, token)
        status, asset, _ = admin.ask("POST", "/api/v1/assets", {"endpoints": [{"address": "10.7.0.1"}]})
        expect(status == 201 and asset["updated_by"] == "admin", (status, asset))
        expect(Client(copy).status("PATCH", f"/api/v1/assets/{asset['id']}", {"tags": []}) == 401, "anonymous")
        status, _, _ = admin.ask("POST", "/api/v1/users", {"name": "vera", "password": "a long enough one",
                                                          "permission": "viewer"})
        expect(status == 201, status)
        viewer = Client(writer, Client(copy).log_in("vera", "a long enough one")["access_token"])
        expect(viewer.status("GET", "/api/v1/assets") == 200, "the viewer at the other process")
        viewer.base = admin.base
        expect(viewer.status("PATCH", f"/api/v1/assets/{asset['id']}", {"tags": []}) == 403, "the viewer")

        def noted():
            items = admin.ask("GET", "/api/v1/audit?page_size=100")[1]["items"]
            return [item for item in items if item["action"] == "POST /api/v1/assets"]
        wait_for("the audit", noted)
        expect(len(noted()) == 1 and noted()[0]["user"] == "admin", noted())
        secrets = server.sql("SELECT count(*) > 0, count(*) FILTER (WHERE position(convert_to('Bearer', 'UTF8') in body) > 0 "
                             "OR position(convert_to('enough', 'UTF8') in body) > 0) FROM public.asked")
        expect(secrets == "t|0", f"a secret stands among the requests, or there are none: {secrets}")
        expect(server.sql("SELECT count(*) FROM flowlens_store.facts") == "0", "a request that was taken is still there")
        copy.stop()
        writer.stop()


def epochs(server):
    return [int(row) for row in server.sql("SELECT epoch FROM flowlens_store.epochs ORDER BY epoch").split()]


def test_standby_takes_over():
    """The Resolver is killed under traffic: the standby serves within seconds; the copy goes on, and says so."""
    with work_dir("follow") as directory, contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        first = resolver(stack, directory, "first", server).wait_ready()
        copy = process(stack, directory, "copy", "api", server).wait_ready()
        second = resolver(stack, directory, "second", server, like=first)
        wait_for("the second to stand by", lambda: "standing by" in second.output())
        status, ready = second.get_raw("/admin/health/ready")
        expect(status == 503 and b"standby" in ready, ready)
        health = second.get("/health")
        expect(health["status"] == "healthy" and "is active" in health["checks"]["standby"], health)
        expect(second.get_raw("/api/v1/assets")[0] == 503, "a standby shows a map")
        expect(len(epochs(server)) == 1, "a standby takes no epoch")
        traffic = stack.enter_context(LiveSimnet(first, directory, *TRAFFIC, "--duration", 20))
        wait_for("traffic in the copy", lambda: len(copy.dependencies()) > 10)
        wait_for("and in the database", lambda: int(server.sql("SELECT count(*) FROM flowlens_store.dependencies")) > 10)
        before = int(server.sql("SELECT max(last_revision) FROM flowlens_store.epochs"))
        first.stop(signal.SIGKILL)
        killed = time.monotonic()
        # The copy may show more: what was announced, and never written.
        written = set(server.sql("SELECT id FROM flowlens_store.dependencies").split())
        asset = server.sql("SELECT id FROM flowlens_store.assets LIMIT 1")
        status, answer, headers, seconds = ask(copy, "PATCH", f"/api/v1/assets/{asset}", {"tags": ["a"]})
        if status != 200:  # the standby may have been quick
            expect(status == 503 and "Retry-After" in headers and answer["title"] == "Not done", (status, answer))
        say(f"   an edit meanwhile: {status} after {seconds:.1f} s")
        second.wait_ready(30)
        say(f"   the standby serves {time.monotonic() - killed:.1f} s after the kill")
        expect(epochs(server) == [1, 2], f"epochs {epochs(server)}")
        expect(written <= set(by_id(copy, "/api/v1/dependencies")), "the copy has lost something")
        wait_for("an edit after it", lambda: ask(copy, "PATCH", f"/api/v1/assets/{asset}", {"tags": ["b"]})[0] == 200)
        expect(copy.get(f"/api/v1/assets/{asset}")["tags"] == ["b"], "the edit is not in the copy")
        traffic.truth()
        time.sleep(2 * INTERVAL + 1)
        flows, last = check_books(second, server)
        expect(last >= before, f"revision {before} was acknowledged, the database ends with {last}")
        wait_for("the copy to have all", lambda: metric(copy, "flowlens_follower_revision") ==
                 int(server.sql("SELECT max(last_revision) FROM flowlens_store.epochs")))
        found = sum(item["flows"] for item in copy.dependencies().values())
        expect(found == flows, f"{found} flows in the copy, {flows} in the books")
        expect(copy.get("/health")["checks"]["resolver"] == "ok", copy.get("/health"))
        # Graceful: nobody waits.
        third = resolver(stack, directory, "third", server, like=first)
        wait_for("the third to stand by", lambda: "standing by" in third.output())
        stopped = time.monotonic()
        second.stop()
        third.wait_ready(30)
        say(f"   after a good end, the next one serves {time.monotonic() - stopped:.1f} s after SIGTERM was sent")
        # Killed and started again with its data folder: nobody waits either.
        third.stop(signal.SIGKILL)
        begun = time.monotonic()
        again = Daemon(third.directory, "--roles", "ingest,resolve", flush_interval=INTERVAL, database=server.url,
                       ports=third.ports, variables={"METRICS_PORT": str(third.ports["api"])})
        stack.enter_context(again).wait_ready()
        say(f"   killed and started again, it serves after {time.monotonic() - begun:.1f} s")
        expect(again.output().count("standing by") == 1, "it waited for itself")  # the log goes on with its own
        again.stop()
        copy.stop()


def test_who_was_asleep_stops():
    """A Resolver that slept while another took over writes no more, and says why."""
    with work_dir("follow") as directory, contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        first = resolver(stack, directory, "first", server).wait_ready()
        copy = process(stack, directory, "copy", "api", server).wait_ready()
        asset = ask(copy, "POST", "/api/v1/assets", {"endpoints": [{"address": "10.7.0.1"}]})[1]["id"]
        first.popen.send_signal(signal.SIGSTOP)
        # Nobody takes it, so it is withdrawn, and not done when somebody could.
        status, answer, headers, _ = ask(copy, "PATCH", f"/api/v1/assets/{asset}", {"tags": ["late"]})
        expect(status == 503 and answer["title"] == "Not done" and headers["Retry-After"], (status, answer))
        wait_for("a word on the Resolver", lambda: "silent" in copy.get("/health")["checks"]["resolver"])
        expect(copy.get("/health")["status"] == "degraded", copy.get("/health"))
        expect(copy.get(f"/api/v1/assets/{asset}")["id"] == asset, "the copy is still readable")
        second = resolver(stack, directory, "second", server).wait_ready()
        expect("this one takes over" in second.output(), second.output()[-2000:])
        first.popen.send_signal(signal.SIGCONT)
        expect(first.wait(30) not in (0, None), "it ended as if nothing had been")
        expect("another flowlensd" in first.output(), first.output()[-2000:])
        expect(epochs(server) == [1, 2], f"epochs {epochs(server)}")
        time.sleep(2 * INTERVAL)
        expect(not copy.get(f"/api/v1/assets/{asset}").get("tags"), "what was withdrawn was done")
        second.stop()
        copy.stop()


def test_gap():
    """A copy that slept for too long reads the map anew; its clients are told to do so."""
    with work_dir("follow") as directory, contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        writer = process(stack, directory, "writer", "all", server).wait_ready()
        copy = process(stack, directory, "copy", "api", server).wait_ready()
        ids = [ask(copy, "POST", "/api/v1/assets", {"endpoints": [{"address": f"10.7.0.{n}"}], "tags": ["old"]})[1]["id"]
               for n in range(1, 5)]
        reloads = metric(copy, "flowlens_follower_reloads_total")
        client = WebSocket(copy.ports["api"])
        client.receive("hello")
        client.send({"type": "subscribe", "topics": ["assets"]})
        client.receive("subscribed")
        copy.popen.send_signal(signal.SIGSTOP)
        expect(ask(writer, "DELETE", f"/api/v1/assets/{ids[0]}")[0] == 204, "delete")
        expect(ask(writer, "PATCH", f"/api/v1/assets/{ids[1]}", {"tags": []})[0] == 200, "patch")
        expect(ask(writer, "POST", "/api/v1/dependencies", {"client": {"asset_id": ids[2]}, "port": 443,
                                                           "server": {"asset_id": ids[3]}})[0] == 201, "dependency")
        wait_for("revisions", lambda: int(server.sql("SELECT max(last_revision) FROM flowlens_store.epochs")) >= 5)
        time.sleep(2 * INTERVAL)
        server.sql("DELETE FROM flowlens_store.revisions")
        copy.popen.send_signal(signal.SIGCONT)
        wait_for("the map to be read anew", lambda: metric(copy, "flowlens_follower_reloads_total") == reloads + 1)
        level(writer, copy)
        expect_same(writer, copy)
        expect(copy.get_raw(f"/api/v1/assets/{ids[0]}")[0] == 404, "what was removed is still there")
        expect(client.receive("snapshot_required"), "no word to clients")
        copy.stop()
        writer.stop()


def test_database_away():
    """PostgreSQL ends for a while: the copy is served, degraded, and goes on by itself."""
    with work_dir("follow") as directory, contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        writer = resolver(stack, directory, "writer", server).wait_ready()
        other = resolver(stack, directory, "other", server)
        wait_for("the other to stand by", lambda: "standing by" in other.output())
        copy = process(stack, directory, "copy", "api", server).wait_ready()
        asset = ask(copy, "POST", "/api/v1/assets", {"endpoints": [{"address": "10.7.0.1"}]})[1]["id"]
        server.kill()
        wait_for("a word on it", lambda: "retrying" in copy.get("/health")["checks"]["follower"])
        expect(copy.get("/health")["status"] == "degraded", copy.get("/health"))
        expect(copy.get(f"/api/v1/assets/{asset}")["id"] == asset, "the copy is not readable")
        status, answer, *_ = ask(copy, "PATCH", f"/api/v1/assets/{asset}", {"tags": ["x"]})
        expect(status == 503, (status, answer))
        time.sleep(6)  # longer than a lease
        server.start()
        wait_for("an edit", lambda: ask(copy, "PATCH", f"/api/v1/assets/{asset}", {"tags": ["y"]})[0] == 200, 60, 1)
        expect(copy.get(f"/api/v1/assets/{asset}")["tags"] == ["y"], "the edit")
        expect(epochs(server) == [1], "the standby took over, though only the database was away")
        expect(writer.is_running(), writer.output()[-2000:])
        for one in (copy, other, writer):
            one.stop()


if __name__ == "__main__":
    program("FLOWLENSD")
    main(test_copy_is_the_map, test_edits_come_back, test_log_in_is_shared, test_standby_takes_over,
         test_who_was_asleep_stops, test_gap, test_database_away)
