#!/usr/bin/env python3
"""The programs of examples/cpp, on a simulated network whose truth is known."""

import collections
import ipaddress
import json
import os
import re
import signal
import subprocess
from pathlib import Path

from harness import Process, expect, free_port, main, read_truth, replay, run, simnet, wait_for, work_dir

EXAMPLES = Path(os.environ.get("EXAMPLES", "build/asan-ubsan/examples/cpp"))
SCENARIO = Path(__file__).resolve().parents[2] / "examples/simnet/scenarios/plain.yaml"


def play(directory):
    """A minute of a network of which each packet is exported once; returns the capture and the truth."""
    simnet("--scenario", SCENARIO, "--duration", 60, "--pcap", directory / "flows.pcap", "--truth", directory / "truth.csv")
    return directory / "flows.pcap", read_truth(directory / "truth.csv")


def flow_log(capture, *filters):
    return [json.loads(line) for line in run([EXAMPLES / "flow_log", capture, *filters]).stdout.splitlines()]


def octets_by_use(rows, truth):
    """Octets of the uses of the truth; attempts that nobody answered are none of them."""
    sums = collections.Counter()
    names = {6: "tcp", 17: "udp"}
    for row in rows:
        ends, protocol = (row["source"], row["destination"]), names.get(row["protocol"])
        for key in ((*ends, protocol, row["destination_port"]), (*reversed(ends), protocol, row["source_port"])):
            if key in truth:
                sums[key] += row["octets"]
    return sums


def true_octets(truth, of=lambda key: True):
    return {key: row["octets_to_server"] + row["octets_to_client"] for key, row in truth.items() if of(key)}


def test_flow_log():
    """All flows are in the log, and with a filter those that it lets through."""
    with work_dir("flow-log") as directory:
        capture, truth = play(directory)
        expect(octets_by_use(flow_log(capture), truth) == true_octets(truth), "the octets of all flows are not those of the truth")
        rows = flow_log(capture, "port 5432")
        expect(rows and octets_by_use(rows, truth) == true_octets(truth, lambda key: key[3] == 5432),
               "the octets of port 5432 are not those of the truth")
        refused = subprocess.run([EXAMPLES / "flow_log", capture, "dst port 70000"], capture_output=True, text=True)
        expect(refused.returncode == 1 and "         ^" in refused.stderr, refused.stderr)


def test_own_enricher():
    """Octets between teams are those of the truth, the most specific prefix wins, and the map has the facts."""
    with work_dir("own-enricher") as directory:
        capture, truth = play(directory)
        (directory / "teams.csv").write_text("prefix,team\n10.0.0.0/8,network\n10.20.0.0/16,shop\n")
        lines = run([EXAMPLES / "own_enricher", directory / "teams.csv", capture]).stdout.splitlines()
        want = octets_by_team(flow_log(capture))
        expect(team_octets(lines) == want, f"{team_octets(lines)} is not {want}")
        ends = {end for key in truth for end in key[:2] if team_of(end) != "nobody"}
        told = {line for line in lines if " team " in line}
        expect(told == {f"{end} team {team_of(end)}" for end in ends}, f"the facts are {sorted(told)}")
        (directory / "wrong.csv").write_text("prefix,team\n10.0.0.0/33,network\n")
        refused = subprocess.run([EXAMPLES / "own_enricher", directory / "wrong.csv", capture], capture_output=True, text=True)
        expect(refused.returncode == 1 and "wrong.csv:2: `10.0.0.0/33`" in refused.stderr, refused.stderr)


def team_of(address):
    address = ipaddress.ip_address(address)
    if address in ipaddress.ip_network("10.20.0.0/16"):
        return "shop"
    return "network" if address in ipaddress.ip_network("10.0.0.0/8") else "nobody"


def team_octets(lines):
    found = (re.fullmatch(r"(\w+) -> (\w+): (\d+) octets", line) for line in lines)
    return {(match[1], match[2]): int(match[3]) for match in found if match}


def octets_by_team(rows):
    sums = collections.Counter()
    for row in rows:
        sums[team_of(row["source"]), team_of(row["destination"])] += row["octets"] * row["sampling_rate"]
    return sums


def test_event_loop():
    """What is sent to its socket is in the map that it prints when it ends."""
    with work_dir("event-loop") as directory:
        capture, truth = play(directory)
        port = free_port()
        with Process([EXAMPLES / "event_loop", port], directory / "log") as loop:
            wait_for("the socket", lambda: f":{port:04X} " in Path("/proc/net/udp").read_text())
            replay(capture, lambda _: port)
            wait_for("the first revision", lambda: "revision 1: " in loop.output())
            expect(loop.stop(signal.SIGINT) == 0, loop.output())
            found = set(re.findall(r"^revision \d+: (\S+) uses (\S+) port (\d+),", loop.output(), re.M))
        want = {(client, server, str(port)) for client, server, _, port in truth}
        expect(want <= found, f"not in the map: {sorted(want - found)[:5]}")
        refused = subprocess.run([EXAMPLES / "event_loop", "70000"], capture_output=True)
        expect(refused.returncode == 2, "port 70000 was accepted")


if __name__ == "__main__":
    main(test_flow_log, test_own_enricher, test_event_loop)
