#!/usr/bin/env python3
"""flowlens-simnet tells the truth: other people's decoders read its captures as it says."""

import collections
import socket
import time
from pathlib import Path

import nfdump
from harness import (expect, free_port, main, need, read_truth, replay, run, say, simnet, udp_datagrams,
                     work_dir)

SFLOW_SAMPLING = 8
SCENARIOS = Path(__file__).resolve().parents[2] / "examples/simnet/scenarios"


def compare(name, found, truth, columns):
    """Both are {key: numbers}; all differences are shown."""
    wrong = []
    for key in sorted(set(found) | set(truth), key=str):
        want = tuple(truth[key][column] for column in columns) if key in truth else None
        if found.get(key) != want:
            wrong.append(f"{key}: found {found.get(key)}, true {want}")
    expect(not wrong, f"{name}: {len(wrong)} of {len(truth)} differ\n" + "\n".join(wrong[:20]))
    say(f"   {name}: {len(truth)} dependencies and their {', '.join(columns)} agree")


def test_same_options_same_bytes():
    """The same options write the same bytes, another seed others."""
    with work_dir("simnet") as directory:
        contents = []
        for name, seed in (("a", 7), ("b", 7), ("c", 8)):
            simnet("--pcap", directory / name, "--truth", directory / (name + ".csv"), "--seed", seed,
                   "--duration", 20, "--overlap", 30)
            contents.append(((directory / name).read_bytes(), (directory / (name + ".csv")).read_bytes()))
        expect(contents[0] == contents[1], "two runs with the same options differ")
        expect(contents[0][0] != contents[2][0], "another seed gives the same capture")


def test_refuses_what_is_wrong():
    """Bad command lines are refused with a reason, and nothing is sent off this machine."""
    for arguments, reason in (
            (["--send", "192.0.2.1"], "loopback"), (["--send", "8.8.8.8:2055"], "loopback"),
            (["--pcap", "x", "--rate", "1000000"], "20000"), (["--pcap", "x", "--exporters", "v6"], "v6"),
            (["--bogus"], "unknown option"), ([], "--send"), (["--pcap"], "needs a value")):
        try:
            simnet(*arguments)
        except AssertionError as error:
            expect("exit 2" in str(error) and reason in str(error), f"{arguments}: {error}")
        else:
            raise AssertionError(f"{arguments} was accepted")


def test_tshark_finds_nothing_malformed():
    """tshark decodes every datagram, with good checksums and no malformed packet."""
    check_with_tshark()
    check_with_tshark("--scenario", SCENARIOS / "gateways.yaml")  # with next hops


def check_with_tshark(*scenario):
    tshark = need("tshark")
    with work_dir("simnet") as directory:
        pcap = directory / "flows.pcap"
        simnet(*scenario, "--pcap", pcap, "--duration", 20, "--overlap", 20, "--sflow-sampling", SFLOW_SAMPLING)
        checks = [f"-o{name}.check_checksum:TRUE" for name in ("ip", "udp", "tcp")]
        fields = [f"-e{name}" for name in ("frame.protocols", "_ws.malformed", "udp.length")]
        lines = run([tshark, "-r", pcap, *checks, "-Tfields", *fields]).stdout.splitlines()
        bad = run([tshark, "-r", pcap, *checks, "-Tfields", "-eframe.number", "-Y",
                   "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0 || "
                   "cflow.unexpected_sequence_number || cflow.unknown_field_type"])
        expect(bad.stdout == "", f"frames tshark complains of: {bad.stdout}")
        kinds = collections.Counter(
            next((kind for kind in ("cflow", "sflow") if f":udp:{kind}" in line), line) for line in lines)
        expect(set(kinds) == {"cflow", "sflow"}, f"not decoded: {kinds}")
        for _, port, payload in udp_datagrams(pcap):
            limit = 24 + 30 * 48 if payload[:2] == b"\0\5" else 1400
            expect(len(payload) <= limit, f"{len(payload)} octets to port {port}")
        say(f"   {dict(kinds)} datagrams")


def test_sequence_numbers():
    """Each exporter counts by its protocol's rule, and nothing is missing."""
    with work_dir("simnet") as directory:
        pcap = directory / "flows.pcap"
        simnet("--pcap", pcap, "--duration", 30)
        expected, samples = {}, 0
        for source, _, data in udp_datagrams(pcap):
            word = [int.from_bytes(data[at:at + 4], "big") for at in range(0, 28, 4)]
            version = int.from_bytes(data[:2], "big") or word[0]
            sequence = {0: 0, 5: word[4], 9: word[3], 10: word[2]}[version]
            if word[0] == 5:
                sequence, samples = word[4], samples + word[6]
            start = 1 if word[0] == 5 else 0
            want = expected.get(source, start)
            expect(sequence == want, f"{source}: sequence {sequence}, expected {want}")
            step = 1
            if word[0] != 5 and version == 5:
                step = int.from_bytes(data[2:4], "big")
            elif version == 10:
                step = ipfix_records(data)
            expected[source] = want + step
        expect(len(expected) == 4, f"{len(expected)} exporters")
        say(f"   next expected: {expected}; {samples} sFlow samples")


def ipfix_records(message):
    """Data records of a message, the options' one too, by simnet's own record lengths."""
    lengths = {256: 57, 257: 81, 258: 14}
    at, records = 16, 0
    while at < len(message):
        set_id, length = (int.from_bytes(message[at + i:at + i + 2], "big") for i in (0, 2))
        if set_id in lengths:
            records += (length - 4) // lengths[set_id]
        at += length
    return records


def test_nfdump_sees_the_truth():
    """nfcapd and nfdump find exactly the true dependencies, octets and packets in v5, v9 and IPFIX."""
    need("nfdump")
    with work_dir("simnet") as directory:
        pcap, truth_file = directory / "flows.pcap", directory / "truth.csv"
        simnet("--pcap", pcap, "--truth", truth_file, "--duration", 30, "--exporters", "v5,v9,ipfix,v9",
               "--attempt-share", 0, "--ipv6", 20)
        truth = read_truth(truth_file)
        with nfdump.nfcapd(directory) as port:
            replay(pcap, lambda _: port)
        found = nfdump.totals(directory, {key[1:] for key in truth})
        columns = ("flows", "octets_to_server", "packets_to_server", "octets_to_client", "packets_to_client")
        compare("nfdump", {key: tuple(value[column] for column in columns) for key, value in found.items()},
                truth, columns)


def test_sampled_headers_see_the_truth():
    """The sFlow samples, counted by tshark, are those the truth counts, and estimate its octets."""
    tshark = need("tshark")
    with work_dir("simnet") as directory:
        pcap, truth_file = directory / "flows.pcap", directory / "truth.csv"
        simnet("--pcap", pcap, "--truth", truth_file, "--duration", 30, "--exporters", "sflow",
               "--attempt-share", 0, "--sflow-sampling", SFLOW_SAMPLING, "--ipv6", 0)
        truth = read_truth(truth_file)
        fields = ["ip.src", "ip.dst", "ip.len", "tcp.dstport", "sflow.flow_sample.sampling_rate"]
        output = run([tshark, "-r", pcap, "-Tfields", *(f"-e{name}" for name in fields), "-Eoccurrence=a"])
        pairs, samples, octets = set(), 0, 0
        for line in output.stdout.splitlines():
            columns = [part.split(",") if part else [] for part in line.split("\t")]
            sources, destinations, lengths = (column[1:] for column in columns[:3])  # the first: the outer
            pairs |= set(zip(sources, destinations))
            samples += len(sources)
            octets += SFLOW_SAMPLING * sum(int(length) for length in lengths)
            expect(set(columns[4]) <= {str(SFLOW_SAMPLING)}, f"sampling rate {columns[4]}")
        want_samples = sum(row["flows"] for row in truth.values())
        want_octets = sum(row["octets_to_server"] + row["octets_to_client"] for row in truth.values())
        expect(samples == want_samples, f"{samples} samples, {want_samples} by the truth")
        expect(abs(octets - want_octets) < 0.05 * want_octets, f"estimate {octets}, true {want_octets}")
        allowed = {key[:2] for key in truth} | {key[1::-1] for key in truth}
        expect(pairs <= allowed, f"pairs nobody made: {sorted(pairs - allowed)[:5]}")
        say(f"   {samples} samples; estimate {octets / want_octets:.4f} of the true octets")


def test_live_covers_the_truth_first():
    """Live, all dependencies appear within 20 s, each exporter from its own address."""
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, work_dir("simnet") as directory:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        receiver.bind(("127.0.0.1", port))
        receiver.settimeout(0.2)
        began = time.time()
        simnet("--send", f"127.0.0.1:{port}", "--duration", 6, "--rate", 60, "--truth", directory / "t.csv")
        took = time.time() - began
        sources = collections.Counter()
        try:
            while True:
                data, source = receiver.recvfrom(2000)
                sources[source[0]] += 1
                if data[:2] in (b"\0\5", b"\0\11") and source[0] != "127.0.0.14":
                    stated = int.from_bytes(data[8:12], "big")
                    expect(began - 2 <= stated <= began + took + 1, f"header time {stated}, now {began}")
        except TimeoutError:
            pass
        expect(set(sources) == {f"127.0.0.{i}" for i in range(11, 15)}, f"exporters: {dict(sources)}")
        expect(5 <= took <= 10, f"6 s of traffic took {took:.1f} s")
        listed = simnet("--list").stdout.splitlines()
        dependencies = sum(line.startswith("dependency ") for line in listed)
        used = len(read_truth(directory / "t.csv"))
        expect(used == dependencies, f"{used} of {dependencies} dependencies used")
        say(f"   {dependencies} dependencies, datagrams {dict(sources)}")


if __name__ == "__main__":
    main(test_same_options_same_bytes, test_refuses_what_is_wrong, test_tshark_finds_nothing_malformed,
         test_sequence_numbers, test_nfdump_sees_the_truth, test_sampled_headers_see_the_truth,
         test_live_covers_the_truth_first)
