#!/usr/bin/env python3
"""Real servers, real clients, real exporters: the map shows exactly what was used, and how much.

One capture of HTTP, PostgreSQL, Redis and DNS is exported by softflowd and pmacctd, each to a flowlensd
of its own.
"""

import functools
import sys

import nfdump
import real_network
from exporters import all_exporters
from harness import (SKIPPED, Daemon, Skipped, check_ledgers, expect, main, need, say, wait_for,
                     work_dir)

SIDES = ("to_server", "to_client")


def expect_same_keys(found, truth):
    missing, invented = sorted(set(truth) - set(found)), sorted(set(found) - set(truth))
    expect(not missing and not invented, f"missing {missing}\nnever made {invented}")


def expect_same_octets(found, truth, least):
    """`least` is the truth without the packets that the exporter may have lost."""
    wrong = []
    for key, true in truth.items():
        for column in (f"octets_{side}" for side in SIDES):
            shown, low, high = found[key][column], least[key][column], true[column]
            if not 0.99 * low <= shown <= 1.01 * high:
                wrong.append(f"{key} {column}: {shown}, true {high}")
    expect(not wrong, "more than 1 % off:\n" + "\n".join(wrong))


def check_input(pcap, _, truth, exporter):
    """nfdump finds the truth in what this exporter sends, so the input of the next checks is right."""
    need("nfdump")
    with work_dir("real") as directory:
        with nfdump.nfcapd(directory) as port:
            exporter.start(pcap, port, directory)
        found = nfdump.totals(directory, {key[1:] for key in truth})
        expect_same_keys(found, truth)
        expect_same_octets(found, truth, truth)


def check_map(pcap, net, truth, exporter):
    """The map shows exactly the dependencies made, their servers, ports, services and octets."""
    with work_dir("real") as directory, Daemon(directory / "daemon") as daemon:
        daemon.wait_ready()
        exporter.start(pcap, daemon.ports[exporter.kind], directory)
        ledgers = daemon.settled()
        check_ledgers(ledgers)
        expect(ledgers["datagrams"]["accepted"] > 0, "nothing arrived")
        expect(ledgers["datagrams"]["received"] == ledgers["datagrams"]["accepted"], f"refused: {ledgers}")

        wait_for("all dependencies", lambda: len(daemon.dependencies()) >= len(truth), 30, 0.5)
        found = daemon.dependencies()
        expect_same_keys(found, truth)
        for key, true in truth.items():
            expect(found[key]["service"] == true["service"], f"{key}: service {found[key]['service']}")
        if exporter.sampling == 1:
            least = real_network.truth_of(pcap, net, exporter.loses_last)
            expect_same_octets(found, truth, least)
        else:
            # A loopback capture has few and very large packets.
            expect_plausible_estimate(found, truth, 0.3 if net.is_real else 0.6)
        say_provisional(found)
        daemon.stop()


def check_capture(pcap, net, truth, _):
    """The capture itself, read by --input, gives the same map as what an exporter tells of it."""
    with work_dir("real") as directory, Daemon(directory / "daemon", "--input", pcap, "--serve") as daemon:
        daemon.wait_ready()
        wait_for("all dependencies", lambda: len(daemon.dependencies()) >= len(truth), 30, 0.5)
        check_ledgers(daemon.settled())
        found = daemon.dependencies()
        expect_same_keys(found, truth)
        for key, true in truth.items():
            expect(found[key]["service"] == true["service"], f"{key}: service {found[key]['service']}")
        expect_same_octets(found, truth, truth)
        daemon.stop()


def expect_plausible_estimate(found, truth, tolerance):
    """Sampled: the estimate over all is about right."""
    estimate = sum(item[f"estimated_octets_{side}"] for item in found.values() for side in SIDES)
    true = sum(item[f"octets_{side}"] for item in truth.values() for side in SIDES)
    expect(abs(estimate - true) <= tolerance * true, f"estimate {estimate}, true {true}")
    say(f"   estimate {estimate / true:.2f} of the true octets")


def say_provisional(found):
    provisional = sum(item["provisional"] for item in found.values())
    say(f"   {len(found)} dependencies, {provisional} of them provisional")


def named(check, *given):
    test = functools.partial(check, *given)
    test.__name__, test.__doc__ = f"{given[-1]}: {check.__name__}", check.__doc__
    return test


def map_tests(directory):
    """Makes the capture; returns one test for each exporter and check."""
    pcap, net = real_network.capture(directory)
    truth = real_network.truth_of(pcap, net)
    for (client, server, _, port), row in sorted(truth.items()):
        say(f"   {client} uses {row['service']} on {server}:{port}, octets "
            f"{row['octets_to_server']} there, {row['octets_to_client']} back")
    exporters = all_exporters()
    # nfdump 1.7 does not read sFlow here, nor the reverse half of a biflow.
    return (named(check_capture, pcap, net, truth, "the capture itself"),
            *(named(check_input, pcap, net, truth, exporter) for exporter in exporters
              if exporter.kind != "sflow" and "-b" not in exporter.name),
            *(named(check_map, pcap, net, truth, exporter) for exporter in exporters))


if __name__ == "__main__":
    with work_dir("real-capture") as made:
        try:
            prepared = map_tests(made)
        except Skipped as why:
            say(f"SKIPPED: {why}")
            sys.exit(SKIPPED)
        main(*prepared)
