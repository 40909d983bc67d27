#!/usr/bin/env python3
"""What Prometheus says of flowlensd's metrics, and of the alert rules that come with it (promtool)."""

import pathlib
import re
import shutil
import subprocess

from harness import Daemon, expect, main, say, simnet, skip, wait_for, work_dir

RULES = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "prometheus"


def promtool(*arguments, **options):
    program = shutil.which("promtool")
    if program is None:
        skip("promtool is not there (Debian's prometheus)")
    run = subprocess.run([program, *map(str, arguments)], capture_output=True, cwd=RULES, **options)
    said = (run.stdout + run.stderr).decode()
    expect(run.returncode == 0, f"promtool {' '.join(map(str, arguments))}: {said}")
    return said


def samples(text):
    """Name to sets of label names."""
    found = {}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.M):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def used_in_rules():
    """(metric, label names) of each selector of the rules."""
    text = (RULES / "flowlens.rules.yml").read_text()
    text = "\n".join(line for line in text.splitlines() if not re.match(r"\s*(#|description:|summary:)", line))
    return [(name, re.findall(r"(\w+)=", labels)) for name, labels in re.findall(r"(flowlens_\w+)(?:\{(.*?)\})?", text)]


def test_metrics():
    """/metrics is what promtool wants, and has what the rules speak of."""
    with work_dir("metrics") as directory:
        capture, alerts = directory / "flows.pcap", directory / "alerts.jsonl"
        simnet("--pcap", capture, "--duration", 10)
        config = directory / "flowlensd.yaml"
        config.write_text(f"alerts:\n  file: {alerts}\n")
        with Daemon(directory / "daemon", "--config", config, "--input", capture, "--serve") as daemon:
            daemon.wait_ready()
            daemon.get("/api/v1/assets")
            wait_for("a revision in the store",
                     lambda: b'flowlens_store_write_latency_seconds{quantile="0.99"}' in daemon.get_raw("/metrics")[1])
            status, body = daemon.get_raw("/metrics")
            expect(status == 200, status)
            promtool("check", "metrics", input=body)
            found = samples(body.decode())
            used = used_in_rules()
            expect(len(used) > 10, used)
            for name, labels in used:
                expect(name in found, f"a rule speaks of {name}, which flowlensd does not have")
                expect(set(labels) <= found[name], f"a rule wants {labels} of {name}, which has {found[name]}")
            say(f"   {len(found)} metrics, {len(used)} of the rules among them")


def test_rules():
    """Each rule is raised by what it is for and not by what is usual."""
    promtool("check", "rules", "flowlens.rules.yml")
    promtool("test", "rules", "flowlens.rules.test.yml")
    names = re.findall(r"- alert: (\w+)", (RULES / "flowlens.rules.yml").read_text())
    tests = (RULES / "flowlens.rules.test.yml").read_text()
    for name in names:
        told = re.findall(rf"alertname: {name}\b", tests)
        expect(len(told) == 2, f"{name} is to be shown raised and not raised; the tests have it {len(told)} times")


if __name__ == "__main__":
    main(test_metrics, test_rules)
