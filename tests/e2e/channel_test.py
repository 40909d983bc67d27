#!/usr/bin/env python3
"""Two processes, ingest and resolve, that hand flows on by PostgreSQL: the map is that of one process.

Traffic of known truth runs, one of the three (ingest, resolve, the database) ends or is killed and comes
back, and then the books are looked at: what one process says to have handed over, what the other says to
have taken, the database's rows and the truth.
"""

import contextlib
import re
import signal
import socket
import threading
import time

import postgres

from harness import (Daemon, LiveSimnet, check_ledgers, expect, free_port, main, say, wait_for, work_dir)

RATE = 200  # flows a second
INTERVAL = 0.5  # seconds between two flushes
# Unsampled exporters only, so that every flow sent is one flow of the truth.
TRAFFIC = ("--exporters", "v5,v9,ipfix", "--rate", RATE, "--template-every", 1)
COUNTS = ("flows", "octets_to_server", "octets_to_client", "packets_to_server", "packets_to_client")
IDENTITY = ("id", "service", "direction", "first_seen", "last_seen", *COUNTS)
BOOKS = ("SELECT (SELECT coalesce(sum(flows), 0) FROM flowlens_store.dependencies), "
         "(SELECT coalesce(sum(flows), 0) FROM flowlens_store.dependency_windows), "
         "(SELECT sum(flows_applied) FROM flowlens_store.epochs), "
         "(SELECT sum(flows_normalized) FROM flowlens_store.epochs), "
         "(SELECT flows FROM flowlens_store.flow_channel), "
         "(SELECT last_position FROM flowlens_store.flow_channel), "
         "(SELECT max(input_position) FROM flowlens_store.epochs)")


def start_ingest(directory, server, ports=None, variables=None):
    ports = ports or {"api": free_port(socket.SOCK_STREAM), "netflow": free_port(), "ipfix": free_port(),
                      "sflow": free_port()}
    return Daemon(directory / "ingest", "--roles", "ingest", "--metrics-port", ports["api"], ports=ports,
                  flush_interval=INTERVAL, database=server.url, variables=variables)


def start_resolve(directory, server, ports=None):
    return Daemon(directory / "resolve", "--roles", "resolve,api", ports=ports, flush_interval=INTERVAL,
                  database=server.url)


@contextlib.contextmanager
def both(variables=None):
    """A database and the two processes on it: (directory, server, ingest, resolve, the stack they are on)."""
    with work_dir("channel") as directory, contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        # Whoever comes first makes the tables.
        ingest = stack.enter_context(start_ingest(directory, server, variables=variables))
        resolve = stack.enter_context(start_resolve(directory, server))
        ingest.wait_ready()
        resolve.wait_ready()
        yield directory, server, ingest, resolve, stack


def metric(daemon, name):
    status, text = daemon.get_raw("/metrics")
    expect(status == 200, f"/metrics: {status}")
    found = re.search(rf"^{name} (\S+)$", text.decode(), re.M)
    expect(found, f"no metric {name}")
    return int(float(found.group(1)))


def decoded(ingest):
    """All flows, those that become no dependency too."""
    _, text = ingest.get_raw("/metrics")
    return sum(int(float(n)) for n in re.findall(r"^flowlens_flows_received_total\{.*\} (\S+)$", text.decode(), re.M))


def flows_in(dependencies):
    return sum(item["flows"] for item in dependencies.values())


def is_busy(daemon):
    return lambda: len(daemon.dependencies()) > 10


def true_flows(truth):
    return sum(row["flows"] for row in truth.values())


def check_books(server):
    """Of the database alone. Returns the flows in it."""
    flows, windows, applied, normalized, handed, last, taken = (int(n) for n in server.sql(BOOKS).split("|"))
    expect(flows == windows == applied > 0,
           f"dependencies have {flows} flows, their windows {windows}, the ledgers {applied}")
    expect(normalized == handed, f"{handed} flows were handed over, {normalized} taken")
    expect(last == taken, f"parcel {last} was written last, {taken} taken")
    return flows


def check_truth(daemon, truth, missing_at_most=0):
    """Nothing there that is not true, nothing more often than it was."""
    check_ledgers(daemon.settled(quiet=3))
    found = daemon.dependencies()
    strange = sorted(set(found) - set(truth), key=str)
    expect(not strange, f"in the map, but not true: {strange[:5]}")
    twice = [f"{key} {name}: {found[key][name]}, true {truth[key][name]}" for key in found for name in COUNTS
             if found[key][name] > truth[key][name]]
    expect(not twice, f"counted more than once: {twice[:5]}")
    missing = true_flows(truth) - flows_in(found)
    expect(missing <= missing_at_most, f"{missing} flows are missing, {missing_at_most} may be")
    return missing


class Fork(threading.Thread):
    """Passes datagrams on to several daemons, each from the address that it came from."""

    def __init__(self, daemons):
        super().__init__(daemon=True)
        self.ports = {name: free_port() for name in ("netflow", "ipfix", "sflow")}
        self._targets, self._from, self._over = daemons, {}, threading.Event()
        self._sockets = {}
        for name, port in self.ports.items():
            taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            taken.bind(("127.0.0.1", port))
            taken.settimeout(0.1)
            self._sockets[name] = taken

    def run(self):
        while not self._over.is_set():
            for name, taken in self._sockets.items():
                taken.settimeout(0.02)
                with contextlib.suppress(TimeoutError):
                    while True:
                        octets, sender = taken.recvfrom(65536)
                        self._pass_on(name, octets, sender)

    def _pass_on(self, name, octets, sender):
        if sender not in self._from:
            self._from[sender] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._from[sender].bind((sender[0], 0))
        for daemon in self._targets:
            self._from[sender].sendto(octets, ("127.0.0.1", daemon.ports[name]))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()
        for opened in [*self._sockets.values(), *self._from.values()]:
            opened.close()


def test_same_map():
    """The map of the two is that of one process which gets the same datagrams; each process has its port."""
    with both() as (directory, server, ingest, resolve, stack):
        one = stack.enter_context(Daemon(directory / "one", flush_interval=INTERVAL)).wait_ready()
        with Fork([ingest, one]) as fork:
            traffic = stack.enter_context(LiveSimnet(fork, directory, *TRAFFIC, "--duration", 8))
            truth = traffic.truth()
            time.sleep(1)
        check_ledgers(one.settled(quiet=2))
        missing = check_truth(resolve, truth)
        expect(missing == 0, f"{missing} flows are missing")
        mine, theirs = resolve.dependencies(), one.dependencies()
        other = [f"{key}: {mine.get(key)} and {theirs.get(key)}" for key in set(mine) | set(theirs)
                 if any(mine.get(key, {}).get(name) != theirs.get(key, {}).get(name) for name in IDENTITY)]
        expect(not other, f"{len(other)} of {len(truth)} dependencies differ: {other[:3]}")
        sent, taken = metric(ingest, "flowlens_channel_flows_sent_total"), resolve.ledgers()["flows"]["normalized"]
        expect(sent == taken == decoded(ingest), f"{decoded(ingest)} flows decoded, {sent} handed over, {taken} taken")
        expect(check_books(server) == true_flows(truth), "flows in the books")
        wait_for("parcels to be removed",
                 lambda: server.sql("SELECT count(*) FROM flowlens_store.flow_parcels") == "0")
        expect(server.sql("SELECT octets FROM flowlens_store.flow_channel") == "0", "octets that wait")
        check_ports(ingest, resolve)


def check_ports(ingest, resolve):
    health = ingest.get("/health")
    expect(health["status"] == "healthy" and health["checks"]["receiver"] == "ok", health)
    expect(ingest.get_raw("/admin/health/live")[0] == 200, "live")
    for path in ("/", "/api/v1/assets", "/openapi.json", "/docs"):
        expect(ingest.get_raw(path)[0] == 404, f"{path} of ingest: {ingest.get_raw(path)[0]}")
    health = resolve.get("/health")
    expect(health["checks"]["channel"] == "ok" and health["checks"]["receiver"] == "not_configured", health)


def test_resolve_killed():
    """kill -9 of the process that keeps the map, twice: its flows come again, and nothing is there twice."""
    with both() as (directory, server, ingest, resolve, stack):
        traffic = stack.enter_context(LiveSimnet(ingest, directory, *TRAFFIC, "--duration", 14))
        for _ in range(2):
            wait_for("traffic in the map", is_busy(resolve))
            time.sleep(1.3 * INTERVAL)  # in the middle between two flushes
            resolve.stop(signal.SIGKILL)
            time.sleep(1.5)
            resolve = stack.enter_context(start_resolve(directory, server, resolve.ports)).wait_ready()
        truth = traffic.truth()
        missing = check_truth(resolve, truth)
        expect(missing == 0, f"{missing} flows are missing")
        resolve.stop()
        flows = check_books(server)
        expect(flows == true_flows(truth), f"{flows} flows in the books, true {true_flows(truth)}")
        say(f"   {flows} flows in the books over 3 epochs")


def test_ingest_killed():
    """kill -9 of the process that receives: what it had not handed over is missing, and no more."""
    with both() as (directory, server, ingest, resolve, stack):
        traffic = stack.enter_context(LiveSimnet(ingest, directory, *TRAFFIC, "--duration", 10))
        wait_for("traffic in the map", is_busy(resolve))
        time.sleep(0.7)
        ingest.popen.kill()
        traffic.pause()
        ingest.wait()
        ingest = stack.enter_context(start_ingest(directory, server, ingest.ports)).wait_ready()
        traffic.resume()
        # A parcel is handed on after a second at the latest.
        missing = check_truth(resolve, traffic.truth(), RATE * 1.5)
        resolve.stop()
        flows = check_books(server)
        say(f"   {flows} flows in the books, {missing} missing")


def test_ingest_stopped():
    """SIGTERM to the process that receives: everything received is handed over."""
    with both(variables={"INGESTION_BATCH_TIMEOUT_MS": "30000"}) as (directory, server, ingest, resolve, stack):
        traffic = stack.enter_context(LiveSimnet(ingest, directory, *TRAFFIC, "--duration", 4))
        truth = traffic.truth()
        ingest.stop()
        missing = check_truth(resolve, truth)
        resolve.stop()
        expect(missing == 0 and check_books(server) == true_flows(truth), f"{missing} flows are missing")


def test_database_restarts():
    """PostgreSQL ends without a word and comes back: flows wait in ingest, and none is missing."""
    with both() as (directory, server, ingest, resolve, stack):
        traffic = stack.enter_context(LiveSimnet(ingest, directory, *TRAFFIC, "--duration", 12))
        wait_for("traffic in the map", is_busy(resolve))
        server.kill()
        wait_for("words on it", lambda: "flows could not be handed on" in ingest.output() and
                 "flows cannot be taken" in resolve.output())
        health = ingest.get("/health")
        expect(health["status"] == "degraded" and "retrying" in health["checks"]["postgresql"], health)
        expect(resolve.get("/health")["checks"]["channel"].startswith("retrying"), "health of resolve")
        time.sleep(2)
        server.start()
        wait_for("the database to be used again", lambda: "the database takes flows again" in ingest.output())
        truth = traffic.truth()
        missing = check_truth(resolve, truth)
        expect(missing == 0, f"{missing} flows are missing")
        wait_for("both to be well", lambda: ingest.get("/health")["status"] == "healthy" and
                 resolve.get("/health")["status"] == "healthy")
        ingest.stop()
        resolve.stop()
        expect(check_books(server) == true_flows(truth), "flows in the books")


def test_nobody_takes():
    """Without resolve, flows wait in the database up to a bound, then in ingest; and come when there is one."""
    variables = {"FLOWLENS_CHANNEL_MAX_OCTETS": str(1 << 20), "INGESTION_BATCH_SIZE": "100"}
    with work_dir("channel") as directory, contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        ingest = stack.enter_context(start_ingest(directory, server, variables=variables)).wait_ready()
        wait_for("the tables",
                 lambda: server.sql("SELECT to_regclass('flowlens_store.flow_channel') IS NOT NULL") == "t")
        # The bound is reached at once.
        server.sql("UPDATE flowlens_store.flow_channel SET octets = 1 << 20")
        traffic = stack.enter_context(LiveSimnet(ingest, directory, *TRAFFIC, "--duration", 4))
        truth = traffic.truth()
        wait_for("a word on it", lambda: "nobody takes them" in ingest.output())
        health = ingest.get("/health")
        expect(health["status"] == "degraded" and health["checks"]["channel"].startswith("full"), health)
        wait_for("all flows to wait in ingest", lambda: decoded(ingest) >= true_flows(truth) and decoded(ingest) == (
            metric(ingest, "flowlens_ingestion_queue_depth") + metric(ingest, "flowlens_channel_flows_in_hand")))
        server.sql("UPDATE flowlens_store.flow_channel SET octets = 0")
        resolve = stack.enter_context(start_resolve(directory, server)).wait_ready()
        missing = check_truth(resolve, truth)
        expect(missing == 0, f"{missing} flows are missing")
        ingest.stop()
        resolve.stop()
        check_books(server)


if __name__ == "__main__":
    main(test_same_map, test_resolve_killed, test_ingest_killed, test_ingest_stopped, test_database_restarts,
         test_nobody_takes)
