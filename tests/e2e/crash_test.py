#!/usr/bin/env python3
"""What ends without a word, or finds no room, costs no revision that was acknowledged.

A revision is acknowledged once the database has it, or the spool on disk. In every round traffic of known
truth runs, something breaks, comes back, and then the books are looked at: totals of the dependencies, of
their windows and of the ledgers are the same in the database, and equal the truth where nothing was killed;
where flowlensd was, at most what came in the last flush interval is missing, and nothing is there twice.
"""

import contextlib
import functools
import os
import random
import re
import signal
import sqlite3
import time

import postgres

from harness import (Daemon, LiveSimnet, Process, check_ledgers, environment, expect, main, program, run, say, skip,
                     wait_for, work_dir)

RATE = 200  # flows a second
INTERVAL = 0.5  # seconds between two flushes
# Templates come again and again: those learned in the seconds before a kill are not saved yet.
TRAFFIC = ("--exporters", "v5,v9,ipfix", "--rate", RATE, "--template-every", 1)
COUNTS = ("flows", "octets_to_server", "octets_to_client", "packets_to_server", "packets_to_client")
BOOKS = ("SELECT (SELECT sum(flows) FROM {0}dependencies), (SELECT sum(flows) FROM {0}dependency_windows), "
         "(SELECT sum(flows_applied) FROM {0}epochs), (SELECT max(last_revision) FROM {0}epochs)")

DICE = random.Random(int(os.environ.get("FLOWLENS_CRASH_SEED", "1")))


def with_folder(test):
    """Runs it in a folder of its own."""
    @functools.wraps(test)
    def with_one():
        with work_dir("crash") as directory:
            test(directory)
    return with_one


def metric(daemon, name):
    status, text = daemon.get_raw("/metrics")
    expect(status == 200, f"/metrics: {status}")
    found = re.search(rf"^{name} (\S+)$", text.decode(), re.M)
    expect(found, f"no metric {name}")
    return int(float(found.group(1)))


def acknowledged(daemon, before):
    """The last revision that the database or the disk has; `before`: that of the start."""
    return before + metric(daemon, "flowlens_store_revisions_total") + metric(
        daemon, "flowlens_store_spool_revisions")


def books(daemon, server=None):
    """(flows of dependencies, of windows, of ledgers, last revision), from the database itself."""
    if server:
        row = server.sql(BOOKS.format("flowlens_store.")).split("|")
    else:
        with contextlib.closing(sqlite3.connect(daemon.data / "flowlens.sqlite")) as file:
            row = file.execute(BOOKS.format("")).fetchone()
    return tuple(int(value or 0) for value in row)


def check_books(daemon, server=None):
    flows, windows, ledger, last = books(daemon, server)
    expect(flows == windows == ledger > 0,
           f"dependencies have {flows} flows, their windows {windows}, the ledgers {ledger}")
    return flows, last


def flushed_at(daemon, server=None):
    """Seconds since 1970 of the last revision in the database: what came later, a kill may cost."""
    question = "SELECT max(revision_at) FROM {0}epochs"
    if server:
        return int(server.sql(question.format("flowlens_store."))) / 1e9
    with contextlib.closing(sqlite3.connect(daemon.data / "flowlens.sqlite")) as file:
        return file.execute(question.format("")).fetchone()[0] / 1e9


def lost_at_most(seconds):
    """Flows that came within so long before a kill, and of the second that ingest collects before it hands on: of more
    where the processors have more to do than they can."""
    return RATE * (seconds + 1.5 * max(1, os.getloadavg()[0] / os.cpu_count()))


def again(daemon, *arguments):
    return Daemon(daemon.directory, *arguments, ports=daemon.ports, flush_interval=daemon.flush_interval,
                  database=daemon.database)


def has_word(daemon, word, times=1):
    return lambda: daemon.output().count(word) >= times


def is_busy(daemon):
    return lambda: len(daemon.dependencies()) > 10


def flows_in(dependencies):
    return sum(item["flows"] for item in dependencies.values())


def check_truth(daemon, truth, missing_at_most=0):
    """\"Exactly once\": no dependency has more than the truth, and together they have all but so many flows."""
    ledgers = daemon.settled(quiet=2)
    check_ledgers(ledgers)
    found = daemon.dependencies()
    strange = sorted(set(found) - set(truth), key=str)
    expect(not strange, f"in the map, but not true: {strange[:5]}")
    twice = [f"{key} {name}: {found[key][name]}, true {truth[key][name]}" for key in found for name in COUNTS
             if found[key][name] > truth[key][name]]
    expect(not twice, f"counted more than once: {twice[:5]}")
    missing = sum(row["flows"] for row in truth.values()) - flows_in(found)
    expect(missing <= missing_at_most, f"{missing} flows are missing, {missing_at_most} may be")
    return missing


@with_folder
def test_killed_while_the_database_is_away(directory):
    """PostgreSQL ends, flowlensd is killed, both come back: what was on disk is written, in order, once."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        daemon = stack.enter_context(Daemon(directory / "daemon", flush_interval=INTERVAL, database=server.url))
        daemon.wait_ready()
        traffic = stack.enter_context(LiveSimnet(daemon, directory, *TRAFFIC, "--duration", 9))
        wait_for("traffic in the map", is_busy(daemon))
        server.kill()
        wait_for("revisions on disk",
                 lambda: metric(daemon, "flowlens_store_spool_revisions") >= 3 + DICE.randrange(4), every=0.2)
        health = daemon.get("/health")
        expect(health["status"] == "degraded" and "wait on disk" in health["checks"]["store"], health)
        shown, kept = daemon.dependencies(), acknowledged(daemon, 0)
        time.sleep(DICE.uniform(INTERVAL + 0.6, 2 * INTERVAL + 0.6))  # what was shown has been flushed by then
        killed_at = time.time()
        daemon.stop(signal.SIGKILL)
        traffic.pause()
        waited = time.monotonic()
        server.start()
        daemon = stack.enter_context(again(daemon))
        daemon.wait_ready()
        expect("revisions kept on disk are written" in daemon.output(), daemon.output()[-2000:])
        _, last = check_books(daemon, server)
        may_miss = lost_at_most(killed_at - flushed_at(daemon, server))
        expect(last >= kept, f"revision {kept} was acknowledged, the database ends with {last}")
        loaded = daemon.dependencies()
        gone = [key for key, item in shown.items()
                if key not in loaded or any(loaded[key][name] < item[name] for name in COUNTS)]
        expect(not gone, f"shown before the end, and gone: {gone[:5]}")
        traffic.resume()
        say(f"   revision {kept} acknowledged, {last} found; back after {time.monotonic() - waited:.1f} s")
        missing = check_truth(daemon, traffic.truth(), may_miss)
        daemon.stop()
        flows, _ = check_books(daemon, server)
        say(f"   {flows} flows in the books, {missing} missing")


@with_folder
def test_database_restarts(directory):
    """PostgreSQL restarts and refuses writes for a while during traffic: nothing is missing at all."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        daemon = stack.enter_context(Daemon(directory / "daemon", flush_interval=INTERVAL, database=server.url))
        daemon.wait_ready()
        traffic = stack.enter_context(LiveSimnet(daemon, directory, *TRAFFIC, "--duration", 10))
        wait_for("traffic in the map", is_busy(daemon))
        server.kill()
        wait_for("a word on it", has_word(daemon, "a revision could not be written"))
        server.start()
        wait_for("revisions written again", has_word(daemon, "the store takes revisions again"), 30)
        # As a primary that has become a standby.
        server.sql("ALTER SYSTEM SET default_transaction_read_only = on")
        server.sql("SELECT pg_reload_conf()")
        wait_for("a word on a database that cannot be written",
                 lambda: "read-only" in daemon.output() and metric(daemon, "flowlens_store_spool_revisions") > 0)
        time.sleep(DICE.uniform(0, 1.5))
        server.sql("ALTER SYSTEM RESET default_transaction_read_only")
        server.sql("SELECT pg_reload_conf()")
        truth = traffic.truth()
        wait_for("the disk to be empty", lambda: metric(daemon, "flowlens_store_spool_revisions") == 0)
        check_truth(daemon, truth)
        daemon.stop()
        flows, _ = check_books(daemon, server)
        expect(flows == sum(row["flows"] for row in truth.values()), f"{flows} flows in the books")
        expect(not list((daemon.data / "spool").glob("*.spool")), "the spool is not empty")


@with_folder
def test_stopped_while_the_database_is_away(directory):
    """SIGTERM while PostgreSQL is away: flowlensd ends soon and well, and its next start writes the rest."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        daemon = stack.enter_context(Daemon(directory / "daemon", flush_interval=INTERVAL, database=server.url))
        daemon.wait_ready()
        traffic = stack.enter_context(LiveSimnet(daemon, directory, *TRAFFIC, "--duration", 4))
        wait_for("traffic in the map", is_busy(daemon))
        server.kill()
        truth = traffic.truth()
        ledgers = daemon.settled(quiet=2)
        begun = time.monotonic()
        daemon.stop()
        say(f"   ended after {time.monotonic() - begun:.1f} s")
        expect("the next start writes them" in daemon.output(), daemon.output()[-2000:])
        # Damage behind the last revision, as a disk that was pulled leaves it.
        last = sorted((daemon.data / "spool").glob("*.spool"))[-1]
        with open(last, "ab") as file:
            file.write(os.urandom(DICE.randrange(1, 100)))
        server.start()
        with again(daemon) as next_one:
            next_one.wait_ready()
            expect("are damaged; those before the damage are used" in next_one.output(), next_one.output()[-2000:])
            check_truth(next_one, truth)
            next_one.stop()
        flows, _ = check_books(daemon, server)
        expect(flows == ledgers["flows"]["applied"], f"{flows} flows in the books, applied {ledgers['flows']}")


@with_folder
def test_killed_in_a_row(directory):
    """flowlensd on SQLite is killed at any moment, again and again: the books agree each time."""
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(Daemon(directory / "daemon", flush_interval=INTERVAL))
        daemon.wait_ready()
        traffic = stack.enter_context(LiveSimnet(daemon, directory, *TRAFFIC, "--duration", 8))
        kept, kills, may_miss = 0, 2, 0
        for _ in range(kills):
            start = kept
            time.sleep(DICE.uniform(1.2, 2.5))
            kept = acknowledged(daemon, start)
            killed_at = time.time()
            daemon.stop(signal.SIGKILL)
            traffic.pause()
            may_miss += lost_at_most(killed_at - flushed_at(daemon))
            daemon = stack.enter_context(again(daemon))
            daemon.wait_ready()
            _, last = check_books(daemon)
            expect(last >= kept, f"revision {kept} was acknowledged, the database ends with {last}")
            kept = last
            traffic.resume()
        missing = check_truth(daemon, traffic.truth(), may_miss)
        daemon.stop()
        flows, _ = check_books(daemon)
        say(f"   {flows} flows in the books, {missing} missing after {kills} kills")


@contextlib.contextmanager
def small_disk(directory):
    """A folder that is a small file system of its own."""
    folder = directory / "daemon"
    folder.mkdir()
    if os.geteuid() != 0:
        skip("a small file system of its own takes root")
    try:
        run(["mount", "-t", "tmpfs", "-o", "size=48m,mode=0700", "tmpfs", folder])
    except AssertionError as why:
        skip(f"no file system may be mounted here: {why}")
    try:
        yield folder
    finally:
        run(["umount", "-l", folder])


def fill(folder):
    """To the last octet."""
    with open(folder / "ballast", "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass


@with_folder
def test_full_disk(directory):
    """The disk is full for a while: the map goes on in memory, and nothing is missing once there is room."""
    with small_disk(directory) as folder, Daemon(folder, flush_interval=INTERVAL) as daemon:
        daemon.wait_ready()
        with LiveSimnet(daemon, directory, *TRAFFIC, "--duration", 8) as traffic:
            wait_for("traffic in the map", is_busy(daemon))
            fill(folder)
            wait_for("a word on it in /health", lambda: "full" in daemon.get("/health")["checks"]["store"])
            expect(daemon.get("/health")["status"] == "degraded", "not degraded on a full disk")
            time.sleep(DICE.uniform(0, 2))
            (folder / "ballast").unlink()
            wait_for("revisions written again",
                     lambda: daemon.get("/health")["checks"]["store"] == "ok", 30)
            truth = traffic.truth()
        check_truth(daemon, truth)
        daemon.stop()
        flows, _ = check_books(daemon)
        expect(flows == sum(row["flows"] for row in truth.values()), f"{flows} flows in the books")


@with_folder
def test_read_only_disk(directory):
    """A data folder that cannot be written is refused with a reason; once it can, all is as it was."""
    with small_disk(directory) as folder:
        with Daemon(folder, flush_interval=INTERVAL) as daemon:
            daemon.wait_ready()
            with LiveSimnet(daemon, directory, *TRAFFIC, "--duration", 2) as traffic:
                traffic.truth()
            daemon.settled(quiet=1)
            before = daemon.dependencies()
            daemon.stop()
        books_before = check_books(daemon)
        run(["mount", "-o", "remount,ro", folder])
        refused = Process(daemon.command, directory / "refused.log", cwd=directory,
                          env=environment())
        expect(refused.wait(30) != 0, "flowlensd started on a read-only disk")
        expect("ead-only" in refused.output(), refused.output())
        run(["mount", "-o", "remount,rw", folder])
        with again(daemon) as next_one:
            next_one.wait_ready()
            expect(set(next_one.dependencies()) == set(before), "another map after the disk was read-only")
            next_one.stop()
        expect(check_books(daemon) == books_before, "other books after the disk was read-only")


@with_folder
def test_two_starters(directory):
    """Of two on one data folder the second is refused; of two on one database it stands by, and the first ends once
    it has slept for too long, and says why."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory))
        first = stack.enter_context(Daemon(directory / "first", flush_interval=INTERVAL, database=server.url))
        first.wait_ready()
        same = Process(first.command, directory / "same.log", cwd=directory, env=environment())
        expect(same.wait(30) != 0 and "another" in same.output(), f"a second one on its folder:\n{same.output()}")
        traffic = stack.enter_context(LiveSimnet(first, directory, *TRAFFIC, "--duration", 8))
        wait_for("traffic in the books", lambda: books(first, server)[0] > 0)
        second = stack.enter_context(Daemon(directory / "second", flush_interval=INTERVAL, database=server.url))
        wait_for("the second to stand by", has_word(second, "standing by"))
        first.popen.send_signal(signal.SIGSTOP)
        second.wait_ready()
        first.popen.send_signal(signal.SIGCONT)
        expect(first.wait(30) != 0, "the first one ended as if nothing had been")
        expect("another flowlensd has taken over this" in first.output(), first.output()[-2000:])
        expect(second.is_running(), second.output()[-2000:])
        traffic.truth()
        check_books(second, server)
        second.stop()
        # What the first could not write any more is of a map that went on without it.
        late = stack.enter_context(again(first))
        late.wait_ready()
        expect(not list((late.data / "spool").glob("*.spool")), "the spool of the first is still there")
        late.stop()
        check_books(late, server)


if __name__ == "__main__":
    program("FLOWLENSD")
    main(test_killed_while_the_database_is_away, test_database_restarts, test_stopped_while_the_database_is_away,
         test_killed_in_a_row, test_full_disk, test_read_only_disk, test_two_starters)
