#!/usr/bin/env python3
"""The same input gives the same map, byte for byte: run twice, and with other numbers of workers."""

import hashlib
import re

from harness import expect, main, program, run, say, simnet, work_dir

FORMATS = ("json", "graphml", "dot", "mermaid", "csv")


def export(directory, capture, name, workers, form="json"):
    """One run over the capture with a fresh store; returns what it exported."""
    out = directory / f"{name}.{form}"
    run([program("FLOWLENSD"), "--data-dir", directory / f"{name}-{form}-data", "--input", capture,
         "--workers", workers, "--export", out, "--export-format", form], cwd=directory, timeout=300)
    return out.read_bytes()


def expect_all_same(exports):
    digests = {name: hashlib.sha256(data).hexdigest()[:16] for name, data in exports.items()}
    expect(len(set(digests.values())) == 1, f"not the same: {digests}")
    size = len(next(iter(exports.values())))
    expect(size > 1000, f"an export of {size} octets holds no map")
    say(f"   {len(exports)} exports of {size} octets are the same")


def test_workers_and_runs():
    """Two runs each with 1, 2 and 4 workers export the same bytes."""
    with work_dir("determinism") as directory:
        capture = directory / "flows.pcap"
        simnet("--pcap", capture, "--duration", 60, "--rate", 400, "--overlap", 30, "--clients", 60,
               "--exporters", "v5,v9,ipfix,sflow,v5,v9,ipfix,sflow")
        expect_all_same({f"workers {workers}, run {turn}": export(directory, capture, f"w{workers}r{turn}", workers)
                         for workers in (1, 2, 4) for turn in (1, 2)})


def test_every_format():
    """Each export format is the same in a second run with more workers."""
    with work_dir("determinism") as directory:
        capture = directory / "flows.pcap"
        simnet("--pcap", capture, "--duration", 20)
        for form in FORMATS:
            expect_all_same({f"{form}, workers {workers}": export(directory, capture, f"w{workers}", workers, form)
                             for workers in (1, 4)})


def test_quiet_network():
    """A capture in which hours pass between a few datagrams: every flow falls into its own window."""
    with work_dir("determinism") as directory:
        capture, scenario = directory / "flows.pcap", directory / "quiet.yaml"
        scenario.write_text("duration: 200000\nrate: 0.1\nclients: 4\nexporters: [{protocol: v9}]\n")
        simnet("--pcap", capture, "--scenario", scenario)
        done = run([program("FLOWLENSD"), "--data-dir", directory / "data", "--input", capture], cwd=directory)
        flows = re.search(r"flows +([\d,]+): .* late ([\d,]+)", done.stdout + done.stderr)
        expect(flows, f"no ledger of flows in the summary:\n{done.stdout}{done.stderr}")
        expect(int(flows[1].replace(",", "")) > 10_000, f"flows: {flows[0]}")
        expect(flows[2] == "0", f"late although in order: {flows[0]}")
        say(f"   {flows[0]}")


if __name__ == "__main__":
    main(test_workers_and_runs, test_every_format, test_quiet_network)
