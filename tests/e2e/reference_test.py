#!/usr/bin/env python3
"""Every name that administrators were promised is honoured, or listed in reference_names.csv with a reason.

The names stand in variables.csv, metrics.csv and endpoints.csv of FLOWLENS_SHARED/reference.
"""

import csv
import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import postgres

from harness import Daemon, LiveSimnet, environment, expect, main, program, say, skip, wait_for, work_dir

LIST = Path(__file__).resolve().parent / "reference_names.csv"
STATUSES = ("later", "not applicable", "another's")


def reference(name):
    beside = Path(__file__).resolve().parents[3] / "shared"
    path = Path(os.environ.get("FLOWLENS_SHARED", beside)) / "reference" / name
    if not path.exists():
        skip(f"{path} is not there")
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


class Reasons:
    """The list: exact names, and `KAFKA_*` for all that begin so; the longest that fits decides."""

    def __init__(self, kind):
        with open(LIST, newline="") as file:
            self.rows = [row for row in csv.DictReader(file) if row["kind"] == kind]
        for row in self.rows:
            expect(row["status"] in STATUSES and len(row["reason"]) > 5, row)
        self.used = set()

    def of(self, name):
        fitting = [row for row in self.rows if row["name"] == name
                   or row["name"].endswith("*") and name.startswith(row["name"][:-1])]
        if not fitting:
            return None
        best = max(fitting, key=lambda row: len(row["name"]))
        self.used.add(best["name"])
        return best

    def check(self, what, names, honoured):
        """Every name is honoured or has a reason; every reason has a name."""
        missing = [name for name in names if not honoured(name) and not self.of(name)]
        expect(not missing, f"neither honoured nor listed in {LIST.name}: {missing}")
        by_now = sorted(name for name in names if honoured(name) and self.of(name))
        idle = [row["name"] for row in self.rows if row["name"] not in self.used]
        expect(not idle, f"{LIST.name} speaks of what the reference does not have: {idle}")
        count = sum(1 for name in names if honoured(name))
        say(f"   {what}: {len(names)} names, {count} honoured, {len(names) - count} listed with a reason")
        if by_now:
            say(f"   listed, but honoured by now: {', '.join(by_now)}")


def config(*arguments, variables=None, code=0):
    done = subprocess.run([program("FLOWLENSD"), "config", *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, env=environment() | (variables or {}))
    expect(done.returncode == code, f"{done.returncode}\n{done.stdout}{done.stderr}")
    return done


def test_variables():
    """Variables and YAML keys: in the table of settings, or listed; all of them together are accepted."""
    rows = reference("variables.csv")
    page = config("--format", "markdown").stdout
    known = set(re.findall(r"`([A-Za-z_.]+)`", page))
    names = sorted({row["name"] for row in rows})
    Reasons("variable").check("variables", names, lambda name: name in known)

    # What is not honoured is accepted with a warning, so that a whole file of an administrator starts the daemon.
    with work_dir("reference") as directory:
        variables, tree = {}, {}
        for row in rows:
            if row["kind"] == "env":
                variables.setdefault(row["name"], row["default"] or row["recommended"] or "x")
            elif row["name"] not in known:
                at = tree
                *sections, last = row["name"].split(".")
                for section in sections:
                    at = at.setdefault(section, {})
                at[last] = row["default"]
        variables["ENVIRONMENT"] = "development"  # production refuses some of the defaults
        variables.pop("ENRICHMENT_GEOIP_DATABASE_PATH", None)
        file = directory / "flowlensd.yaml"
        file.write_text(json.dumps(tree))  # JSON is YAML
        done = config("--config", file, "--data-dir", directory, variables=variables)
        for name in ("KAFKA_ENABLED", "enrichment.dns.enabled"):
            expect(name in done.stderr or name in known, f"no warning about {name}: {done.stderr[:2000]}")


def families(text):
    """Name to label names."""
    found = {}
    for name, labels in re.findall(r"^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$", text, re.M):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    for name in re.findall(r"^# TYPE (\w+)", text, re.M):
        found.setdefault(name, set())
    return found


def test_metrics():
    """Metrics: on /metrics of a daemon with traffic and PostgreSQL, with their labels, or listed."""
    rows = reference("metrics.csv")
    with work_dir("reference") as directory, postgres.Server(directory) as server:
        with Daemon(directory / "daemon", database=server.url) as daemon:
            daemon.wait_ready()
            with LiveSimnet(daemon, directory, "--exporters", "v5,v9", "--rate", 100, "--duration", 4) as traffic:
                traffic.truth()
            daemon.get("/api/v1/assets")
            found = wait_for("rows in PostgreSQL", lambda: "flowlens_pg_writes_total" in (
                text := daemon.get_raw("/metrics")[1].decode()) and 'table="dependencies"' in text and families(text))
            daemon.stop()
    Reasons("metric").check("metrics", sorted({row["metric"] for row in rows}), lambda name: name in found)
    for row in rows:
        labels = set(filter(None, re.sub(r"\(.*\)", "", row["labels"]).replace(" ", "").split(";")))
        if row["metric"] in found:
            expect(labels <= found[row["metric"]], f"{row['metric']} has {found[row['metric']]}, promised: {labels}")


def is_there(daemon, method, path):
    """Whether a route takes it: what it says of the request itself does not matter."""
    request = urllib.request.Request(f"http://127.0.0.1:{daemon.ports['api']}{path}", method=method,
                                     data=b"{}" if method in ("POST", "PATCH") else None,
                                     headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20):
            return True
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return "there is nothing at this path" not in error.read().decode()
        return error.code != 405


def test_endpoints():
    """Endpoints: a route of the daemon, or listed."""
    names = sorted({(row["method"], row["path"]) for row in reference("endpoints.csv")})
    with work_dir("reference") as directory, Daemon(directory / "daemon") as daemon:
        daemon.wait_ready()
        expect(not is_there(daemon, "GET", "/api/v1/nonsense"), "a route that nobody made is there")
        expect(not is_there(daemon, "DELETE", "/health"), "a method that nobody made is there")
        there = {(method, path): is_there(daemon, "GET" if method == "WS" else method, path.replace("{id}", "0" * 32))
                 for method, path in names}
        daemon.stop()
    texts = {f"{method} {path}": found for (method, path), found in there.items()}
    Reasons("endpoint").check("endpoints", sorted(texts), lambda name: texts[name])


if __name__ == "__main__":
    main(test_variables, test_metrics, test_endpoints)
