#!/usr/bin/env python3
"""The map of the simulated enterprise is the true one, from a capture and live."""

import time

from harness import (Daemon, LiveSimnet, check_ledgers, expect, main, read_truth, say, simnet, wait_for,
                     work_dir)

COUNTS = ("flows", "octets_to_server", "octets_to_client", "packets_to_server", "packets_to_client")


def expect_same_dependencies(found, truth):
    missing, invented = sorted(set(truth) - set(found), key=str), sorted(set(found) - set(truth), key=str)
    expect(not missing and not invented, f"{len(missing)} missing: {missing[:10]}\n"
           f"{len(invented)} never used: {[(key, found[key].get('direction_reasons')) for key in invented[:10]]}")


def expect_same_counts(found, truth):
    """Exactly, where an unsampled exporter saw all of it."""
    exact = {key: row for key, row in truth.items() if "sflow" not in row["exporter_protocols"]}
    wrong = [f"{key} {name}: {found[key][name]}, true {row[name]}"
             for key, row in exact.items() for name in COUNTS if found[key][name] != row[name]]
    expect(not wrong, f"{len(wrong)} counts differ:\n" + "\n".join(wrong[:20]))
    say(f"   {len(truth)} dependencies; the counts of {len(exact)} unsampled ones are exact")


def check_capture(*arguments):
    with work_dir("map") as directory:
        capture, truth_file = directory / "flows.pcap", directory / "truth.csv"
        simnet("--pcap", capture, "--truth", truth_file, *arguments)
        truth = {key: row for key, row in read_truth(truth_file).items() if row["flows"] > 0}
        with Daemon(directory / "daemon", "--input", capture, "--serve") as daemon:
            daemon.wait_ready()
            wait_for("the capture to be read", lambda: len(daemon.dependencies()) >= len(truth), 60, 0.5)
            check_ledgers(daemon.settled())
            found = daemon.dependencies()
            expect_same_dependencies(found, truth)
            expect_same_counts(found, truth)
            services = {(found[key]["service"], row["service"]) for key, row in truth.items()}
            expect(all(shown == true for shown, true in services), f"services (shown, true): {services}")
            daemon.stop()


def test_capture():
    """A capture of four exporters gives exactly the true dependencies, attempts left out."""
    check_capture("--duration", 60)


def test_capture_seen_twice():
    """Conversations that two exporters saw are counted once."""
    check_capture("--duration", 60, "--overlap", 40, "--exporters", "v5,v9,ipfix,v9", "--seed", 3)


def test_live_within_a_minute():
    """Live, the whole truth is on the map within a minute of starting, and the ledgers balance."""
    with work_dir("map") as directory, Daemon(directory / "daemon") as daemon:
        daemon.wait_ready()
        began = time.monotonic()
        with LiveSimnet(daemon, directory, "--duration", 15, "--rate", 200) as traffic:
            truth = traffic.truth()
        wait_for("the true dependencies", lambda: set(truth) <= set(daemon.dependencies()),
                 60 - (time.monotonic() - began), 0.5)
        check_ledgers(daemon.settled())
        found = daemon.dependencies()
        expect_same_dependencies(found, truth)
        expect_same_counts(found, truth)
        daemon.stop()


if __name__ == "__main__":
    main(test_capture, test_capture_seen_twice, test_live_within_a_minute)
