#!/usr/bin/env python3
"""backup and restore while the daemon runs, of damaged files, and over what is there; migrate."""

import os
import shutil
import sqlite3
import subprocess

import postgres

from harness import Daemon, LiveSimnet, environment, expect, main, program, simnet, wait_for, work_dir


def command(*arguments, code=0, variables=None):
    done = subprocess.run([program("FLOWLENSD"), *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          env=environment() | (variables or {}))
    expect(done.returncode == code, f"{arguments}: {done.returncode} instead of {code}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def totals(dependencies):
    return {key: item["flows"] for key, item in dependencies.items()}


def test_under_load():
    """A backup made while flows arrive is whole; restored, it is a map of that moment that goes on."""
    with work_dir("backup") as directory, Daemon(directory / "daemon") as daemon:
        daemon.wait_ready()
        file = directory / "map.tar.gz"
        with LiveSimnet(daemon, directory, "--exporters", "v5,v9,ipfix", "--rate", 400, "--duration", 8) as traffic:
            wait_for("some dependencies", daemon.dependencies)
            wait_for("a revision in the database", lambda: daemon.get("/api/v1/ledgers")["revision"] > 2)
            said = command("backup", file, "--data-dir", daemon.data)
            expect("found whole" in said, said)
            traffic.truth()
        daemon.settled(quiet=2)
        final = totals(daemon.dependencies())
        expect(os.stat(file).st_mode & 0o077 == 0, "others can read the backup")
        expect(not (daemon.data / "backup.partial").exists(), "something is left over")
        said = command("restore", file, "--data-dir", daemon.data, code=1)
        expect("another flowlensd" in said, said)
        daemon.stop()
        said = command("restore", file, "--data-dir", daemon.data, code=1)
        expect("--force" in said, said)

        with Daemon(directory / "second") as unused:
            unused.wait_ready()
            unused.stop()
        shutil.rmtree(unused.data)
        command("restore", file, "--data-dir", unused.data)
        with Daemon(unused.directory, ports=unused.ports) as again:
            again.wait_ready()
            restored = totals(again.dependencies())
            expect(restored and set(restored) <= set(final), f"{len(restored)} restored, {len(final)} at the end")
            expect(all(flows <= final[key] for key, flows in restored.items()), "more than there was")
            again.stop()
        # Over what is there, which is put aside.
        said = command("restore", file, "--force", "--data-dir", daemon.data)
        aside = list(daemon.data.glob("replaced-*"))
        expect(len(aside) == 1 and (aside[0] / "flowlens.sqlite").exists() and str(aside[0]) in said, said)
        with Daemon(daemon.directory, ports=daemon.ports) as again:
            again.wait_ready()
            expect(totals(again.dependencies()) == restored, "another map after restore --force")


def test_damage():
    """What is damaged, cut, or no backup at all changes nothing."""
    with work_dir("damage") as directory:
        data = directory / "data"
        capture = directory / "flows.pcap"
        simnet("--pcap", capture, "--duration", 5)
        command("--input", capture, "--data-dir", data)
        file = directory / "map.tar"
        command("backup", file, "--data-dir", data)
        said = command("backup", file, "--data-dir", data, code=1)
        expect("is there already" in said, said)
        whole = file.read_bytes()
        target = directory / "target"
        at = whole.index(b"SQLite format 3")
        for name, octets in (("flipped", whole[:at + 5000] + bytes([whole[at + 5000] ^ 1]) + whole[at + 5001:]),
                             ("cut", whole[:len(whole) // 2]), ("empty", b""), ("text", b"no backup\n" * 100)):
            file.write_bytes(octets)
            said = command("restore", file, "--data-dir", target, code=1)
            expect(name in ("flipped", "cut") or "no backup" in said, f"{name}: {said}")
            expect(sorted(p.name for p in target.iterdir()) == ["lock"], f"{name} left {list(target.iterdir())}")
        command("restore", directory / "nothing.tar", "--data-dir", target, code=1)
        # A damaged database is not backed up in silence.
        database = data / "flowlens.sqlite"
        octets = bytearray(database.read_bytes())
        octets[8192:12288] = os.urandom(4096)
        database.write_bytes(octets)
        command("backup", directory / "bad.tar", "--data-dir", data, code=1)
        expect(not list(directory.glob("bad.tar*")), "a backup of a damaged database is there")


def check_migrate(version, variables):
    """The same on both stores; `version` asks the database itself."""
    said = command("migrate", "--dry-run", variables=variables)
    expect("would be brought to version" in said and version() == 0, said)
    command("migrate", "--to", "2", variables=variables)
    expect(version() == 2, version())
    said = command("migrate", "--to", "1", code=2, variables=variables)
    expect("cannot go back" in said and version() == 2, said)
    said = command("migrate", "--to", "99", code=2, variables=variables)
    expect("knows up to" in said and version() == 2, said)
    said = command("migrate", variables=variables)
    newest = version()
    expect(newest > 2 and f"brought to version {newest}" in said, said)
    expect("nothing to do" in command("migrate", variables=variables), "it migrates twice")
    return newest


def test_migrate():
    """Up step by step, never down; a newer database is refused politely."""
    with work_dir("migrate") as directory:
        file = directory / "data" / "flowlens.sqlite"

        def version():
            if not file.exists():
                return 0
            with sqlite3.connect(file) as database:
                return database.execute("PRAGMA user_version").fetchone()[0]
        variables = {"FLOWLENS_DATA_DIR": str(file.parent)}
        newest = check_migrate(version, variables)
        with sqlite3.connect(file) as database:
            database.execute(f"PRAGMA user_version = {newest + 1}")
        database.close()
        said = command("migrate", code=1, variables=variables)
        expect(f"schema version {newest + 1}" in said and "newer release" in said, said)


def test_migrate_postgres():
    """The same in PostgreSQL."""
    with work_dir("migrate") as directory, postgres.Server(directory) as server:
        def version():
            if server.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'flowlens_store'") == "0":
                return 0
            return int(server.sql("SELECT max(version) FROM flowlens_store.migrations"))
        variables = {"DATABASE_URL": server.url, "FLOWLENS_DATA_DIR": str(directory / "data")}
        newest = check_migrate(version, variables)
        server.sql(f"INSERT INTO flowlens_store.migrations (version) VALUES ({newest + 1})")
        said = command("migrate", code=1, variables=variables)
        expect("newer release" in said, said)


if __name__ == "__main__":
    main(test_under_load, test_damage, test_migrate, test_migrate_postgres)
