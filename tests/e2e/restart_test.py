#!/usr/bin/env python3
"""After SIGTERM and after SIGKILL the map, its totals, the templates and applications are back.

FLOWLENS_E2E_STORE=postgres: on a PostgreSQL of the test's own, whose end the daemon must outlive too.
"""

import contextlib
import os
import signal
import time
import urllib.parse
from pathlib import Path

import postgres

from harness import Daemon, LiveSimnet, check_ledgers, expect, main, say, simnet, wait_for, work_dir

SCENARIOS = Path(__file__).resolve().parents[2] / "examples/simnet/scenarios"
RATE = 200  # flows a second
# Unsampled exporters only, so that every flow sent is one flow of the truth; templates come once.
TRAFFIC = ("--exporters", "v5,v9,ipfix", "--rate", RATE, "--template-every", 0)
COUNTS = ("flows", "octets_to_server", "octets_to_client", "packets_to_server", "packets_to_client")
IDENTITY = ("id", "service", "direction", "first_seen", "last_seen", *COUNTS)


def flows_in(dependencies):
    return sum(item["flows"] for item in dependencies.values())


def asset_ids(daemon):
    return {item["id"] for item in daemon.items("/api/v1/assets")}


def facts(dependencies):
    return {key: {name: item[name] for name in IDENTITY if name in item} for key, item in dependencies.items()}


def expect_equal_facts(before, after):
    wrong = [f"{key}: before {before.get(key)}, after {after.get(key)}"
             for key in sorted(set(before) | set(after), key=str) if before.get(key) != after.get(key)]
    expect(not wrong, f"{len(wrong)} of {len(before)} dependencies changed:\n" + "\n".join(wrong[:8]))


ON_POSTGRES = os.environ.get("FLOWLENS_E2E_STORE") == "postgres"


@contextlib.contextmanager
def first(directory, *arguments, **options):
    """A daemon with an empty store; its `server` is the PostgreSQL below, if there is one."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres.Server(directory)) if ON_POSTGRES else None
        daemon = stack.enter_context(
            Daemon(directory / "daemon", *arguments, database=server.url if server else None, **options))
        daemon.server = server
        yield daemon


def restarted(daemon):
    return Daemon(daemon.directory, ports=daemon.ports, flush_interval=daemon.flush_interval,
                  database=daemon.database)


def test_totals_survive():
    """When the traffic is over: totals equal `applied`, and a restart changes nothing at all."""
    with work_dir("restart") as directory, first(directory) as daemon:
        daemon.wait_ready()
        with LiveSimnet(daemon, directory, *TRAFFIC, "--duration", 6) as traffic:
            truth = traffic.truth()
        ledgers = daemon.settled(quiet=2)
        check_ledgers(ledgers)
        before, assets = daemon.dependencies(), asset_ids(daemon)
        expect(set(before) == set(truth), f"{len(before)} dependencies, true {len(truth)}")
        expect(flows_in(before) == ledgers["flows"]["applied"],
               f"the map holds {flows_in(before)} flows, the ledger {ledgers['flows']}")
        daemon.stop()
        with restarted(daemon) as again:
            again.wait_ready()
            expect_equal_facts(facts(before), facts(again.dependencies()))
            expect(asset_ids(again) == assets, "other assets after the restart")
            check_ledgers(again.ledgers())
            say(f"   {len(before)} dependencies and {len(assets)} assets are the same")
            again.stop()


def test_gateways_survive():
    """What next hops told, and the failover among them, is the same after SIGTERM, and told once."""
    with work_dir("restart") as directory:
        capture = directory / "gateways.pcap"
        simnet("--scenario", SCENARIOS / "gateways.yaml", "--pcap", capture)
        with Daemon(directory / "daemon", "--input", capture, "--serve") as daemon:
            daemon.wait_ready()
            wait_for("the capture to be read", lambda: len(gateway_changes(daemon)) > 0, 120, 0.5)
            daemon.settled()
            gateways, changes = daemon.items("/api/v1/gateways"), gateway_changes(daemon)
            expect(any(item["networks"][0]["directly_attached"] for item in gateways), "nothing is attached")
            expect(changes and all(c["before"].endswith("1") and c["after"].endswith("2") for c in changes),
                   f"changes of gateways: {changes}")
            daemon.stop()
            with restarted(daemon) as again:
                again.wait_ready()
                expect(again.items("/api/v1/gateways") == gateways, "other gateways after the restart")
                expect(gateway_changes(again) == changes, "other changes after the restart")
                again.stop()
            say(f"   {len(gateways)} gateways and {len(changes)} changes are the same")


def gateway_changes(daemon):
    query = urllib.parse.urlencode({"filter": "type = gateway_changed and part = no", "page_size": 100})
    return daemon.get(f"/api/v1/changes?{query}")["items"]


def test_term_during_traffic():
    """SIGTERM during traffic: what was applied is there again, and known templates decode at once."""
    with work_dir("restart") as directory, first(directory) as daemon:
        daemon.wait_ready()
        with LiveSimnet(daemon, directory, *TRAFFIC, "--duration", 20) as traffic:
            time.sleep(8)
            before, assets = daemon.dependencies(), asset_ids(daemon)
            check_ledgers(daemon.ledgers())
            daemon.stop()
            traffic.pause()  # so that what the new process loads can be read before it grows
            with restarted(daemon) as again:
                again.wait_ready()
                loaded, start = again.dependencies(), again.ledgers()
                lost = [key for key, item in before.items()
                        if key not in loaded or loaded[key]["id"] != item["id"]
                        or any(loaded[key][name] < item[name] for name in COUNTS)]
                expect(not lost, f"lost by the restart: {lost[:5]}")
                expect(assets <= asset_ids(again), "assets lost by the restart")
                traffic.resume()
                truth = traffic.truth()
                ledgers = again.settled(quiet=2)
                check_ledgers(ledgers)
                found = again.dependencies()
                applied = ledgers["flows"]["applied"] - start["flows"]["applied"]
                grown = flows_in(found) - flows_in(loaded)
                expect(grown == applied > 0, f"the map grew by {grown} flows, the ledger says {applied}")
                expect(set(found) == set(truth), f"{len(found)} dependencies, true {len(truth)}")
                check_templates_known(start, ledgers, found, truth, loaded)
                again.stop()


def check_templates_known(start, ledgers, found, truth, loaded):
    """No template came after the restart, yet flows of v9 and IPFIX were applied."""
    for part in ("template", "waiting"):
        came = ledgers["octets"][part] - start["octets"][part]
        expect(came == 0, f"{came} octets of {part} after the restart")
    for protocol in ("v9", "ipfix"):
        grown = sum(found[key]["flows"] - loaded.get(key, {"flows": 0})["flows"]
                    for key, row in truth.items() if row["exporter_protocols"] == protocol)
        expect(grown > 0, f"no flow of {protocol} after the restart, before any new template")
        say(f"   {grown} flows of {protocol} by the templates of before")


def test_kill():
    """SIGKILL: the store opens, at most one flush interval is missing, nothing is counted twice."""
    interval = 2
    with work_dir("restart") as directory, first(directory, flush_interval=interval) as daemon:
        daemon.wait_ready()
        with LiveSimnet(daemon, directory, *TRAFFIC, "--duration", 20) as traffic:
            samples = []
            while len(samples) < 50:  # ten seconds and more
                samples.append((time.monotonic(), daemon.dependencies()))
                time.sleep(0.2)
            killed = time.monotonic()
            daemon.stop(signal.SIGKILL)
            traffic.pause()
            # One interval, and a second for the flush to be written and for what waited in the datagram.
            kept = [found for at, found in samples if at <= killed - interval - 1][-1]
            with restarted(daemon) as again:
                again.wait_ready()
                loaded = again.dependencies()
                short = [f"{key}: {name} {loaded.get(key, {}).get(name)} < {item[name]}"
                         for key, item in kept.items() for name in COUNTS
                         if key not in loaded or loaded[key][name] < item[name]]
                expect(not short, f"older than one flush interval, yet gone: {short[:5]}")
                traffic.resume()
                truth = traffic.truth()
                ledgers = again.settled(quiet=2)
                check_ledgers(ledgers)
                found = again.dependencies()
                expect(set(found) == set(truth), f"{len(found)} dependencies, true {len(truth)}: "
                       f"{sorted(set(found) ^ set(truth), key=str)[:5]}")
                twice = [f"{key} {name}: {found[key][name]}, true {row[name]}" for key, row in truth.items()
                         for name in COUNTS if found[key][name] > row[name]]
                expect(not twice, f"counted more than once: {twice[:5]}")
                missing = sum(row["flows"] for row in truth.values()) - flows_in(found)
                say(f"   {missing} flows missing, {RATE * interval} flows an interval")
                expect(missing <= RATE * (interval + 1), f"{missing} flows are missing")
                again.stop()


def applications(daemon):
    found = daemon.get("/api/v1/applications?limit=1000&members=1000")
    return {item["id"]: item for item in found["items"]}


def say_of_applications(daemon):
    """Names one, takes a member out of it, makes one, rejects one: (named, taken out, made, rejected)."""
    known = sorted(applications(daemon).values(), key=lambda item: -item["size"])
    named, rejected = known[0]["id"], known[1]["id"]
    out = known[0]["members"][0]["asset_id"]
    base = "/api/v1/applications"
    daemon.send("PATCH", f"{base}/{named}", {"name": "shop", "criticality": "high", "status": "confirmed", "by": "anna"})
    daemon.send("PATCH", f"{base}/{named}/members", {"remove": [out], "by": "anna"})
    daemon.send("PATCH", f"{base}/{rejected}", {"status": "rejected", "by": "anna"})
    made = daemon.send("POST", base, {"name": "by hand", "asset_ids": [out], "by": "anna"})["id"]
    return named, out, made, rejected


def test_applications_survive():
    """Applications keep their ids and what people say of them; so does a baseline."""
    with work_dir("restart") as directory, contextlib.ExitStack() as stack:
        # Traffic of one hour, the last whole one: a look at a map takes the hours of its rows from when the structure
        # was last read, so two looks across hours may differ. The first look is when the capture has been read.
        capture, hour = directory / "flows.pcap", int(time.time()) // 3600 * 3600 - 3600
        simnet("--pcap", capture, "--start", hour, *TRAFFIC, "--duration", 6)
        daemon = stack.enter_context(first(directory, "--input", capture, "--serve"))
        daemon.wait_ready()
        wait_for("two applications", lambda: len(applications(daemon)) >= 2, 60, 1)
        named, out, made, rejected = say_of_applications(daemon)
        baseline = daemon.send("POST", "/api/v1/baselines", {"name": "shop", "application_id": named})
        before = applications(daemon)
        for number in (signal.SIGTERM, signal.SIGKILL):
            daemon.stop(number)
            daemon = stack.enter_context(restarted(daemon))
            daemon.wait_ready()
            found = applications(daemon)
            expect(set(found) == set(before), f"before {sorted(before)}, after {sorted(found)}")
            members = {item["asset_id"] for item in found[named]["members"]}
            expect(found[named]["name"] == "shop" and found[named]["updated_by"] == "anna", found[named])
            expect(members and out not in members, f"{out} is back")
            expect([item["asset_id"] for item in found[made]["members"]] == [out], found[made])
            expect(rejected not in found, "a rejected one is back")
            drift = daemon.get(f"/api/v1/baselines/{baseline['id']}/drift")
            expect(drift["drift"] == 0 and drift["unchanged"] == baseline["edges"] > 0, drift)
            say(f"   {len(found)} applications are the same, {len(members)} members in that of anna")
        daemon.stop()


def kept_flows(daemon):
    """All single flows, page by page: (exporter, source, port, destination, port, octets) of each."""
    found, cursor = [], ""
    while cursor is not None:
        page = daemon.get("/api/v1/flows?limit=700" + (f"&cursor={cursor}" if cursor else ""))
        found += [(item["exporter"], item["source"]["address"], item["source"]["port"], item["destination"]["address"],
                   item["destination"]["port"], item["octets"]) for item in page["items"]]
        cursor = page["next_cursor"]
    return found


def test_flows_survive():
    """Each flow of the ledger is kept by itself, once, and is there after a restart; sums equal what they sum up."""
    with work_dir("restart") as directory, first(directory) as daemon:
        daemon.wait_ready()
        with LiveSimnet(daemon, directory, *TRAFFIC, "--duration", 6) as traffic:
            truth = traffic.truth()
        flows = daemon.settled(quiet=2)["flows"]["normalized"]
        wait_for("flows in the store", lambda: len(kept_flows(daemon)) >= flows > 1000, 20, 0.5)
        before = kept_flows(daemon)
        expect(len(before) == flows, f"{len(before)} flows are kept, {flows} in the ledger")
        ends = {frozenset((client, server)) for client, server, _, _ in truth}
        strange = [flow for flow in before if frozenset((flow[1], flow[3])) not in ends]
        say(f"   {flows} flows are kept, {len(strange)} of them of attempts and the like")
        expect(len(strange) < flows // 10, f"flows between ends that never talked: {strange[:3]}")
        daemon.stop()
        with restarted(daemon) as again:
            again.wait_ready()
            expect(kept_flows(again) == before, "other flows after the restart")
            sums = again.get("/api/v1/flows/statistics?group_by=exporter")["items"]
            for row in sums:
                mine = [flow for flow in before if flow[0] == row["exporter"]]
                expect(row["flows"] == len(mine) and row["estimated_octets"] == sum(flow[5] for flow in mine), row)
            expect(sum(row["flows"] for row in sums) == flows, sums)
            one = before[0][1]
            mine = [flow for flow in before if one in (flow[1], flow[3])]
            page = again.get(f"/api/v1/flows?address={one}&limit=1000")
            expect(len(page["items"]) == min(len(mine), 1000), f"{len(page['items'])} flows of {one}, {len(mine)} true")
            again.stop()


def test_database_ends():
    """PostgreSQL ends without a word and comes back: nothing is lost, nothing is counted twice."""
    with work_dir("restart") as directory, first(directory) as daemon:
        daemon.wait_ready()
        with LiveSimnet(daemon, directory, *TRAFFIC, "--duration", 15) as traffic:
            wait_for("traffic in the map", lambda: len(daemon.dependencies()) > 10)
            daemon.server.kill()
            wait_for("a word on it in the log", lambda: "a revision could not be written" in daemon.output())
            health = daemon.get("/health")
            expect(health["status"] == "degraded" and health["checks"]["postgresql"].startswith("retrying"), health)
            known = flows_in(daemon.dependencies())
            wait_for("the map to go on from memory", lambda: flows_in(daemon.dependencies()) > known)
            daemon.server.start()
            truth = traffic.truth()
        ledgers = daemon.settled(quiet=6)  # a pause between attempts may take five seconds
        check_ledgers(ledgers)
        found = daemon.dependencies()
        wrong = [f"{key}: {found.get(key, {}).get('flows')} flows, true {row['flows']}"
                 for key, row in truth.items() if key not in found or found[key]["flows"] != row["flows"]]
        expect(not wrong and len(found) == len(truth), f"{len(found)} of {len(truth)}: {wrong[:5]}")
        health = daemon.get("/health")
        expect(health["status"] == "healthy" and health["checks"]["postgresql"] == "ok", health)
        expect("the store takes revisions again" in daemon.output(), "no word that the store is back")
        daemon.stop()
        kept = int(daemon.server.sql("SELECT sum(total_flows) FROM flowlens.dependencies"))
        expect(kept == ledgers["flows"]["applied"], f"{kept} flows in the database, the ledger {ledgers['flows']}")
        say(f"   {kept} flows of {len(found)} dependencies are in the database")


if __name__ == "__main__":
    if ON_POSTGRES:  # the others would show the same again
        main(test_kill, test_applications_survive, test_flows_survive, test_database_ends)
    else:
        main(test_totals_survive, test_gateways_survive, test_term_during_traffic, test_kill, test_applications_survive,
             test_flows_survive)
