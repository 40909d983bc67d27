#!/usr/bin/env python3
"""Flow logs and IPFIX files of one capture give the same map as the capture and its real exporter do.

The capture is of real servers and clients. softflowd's messages, written down one after another, are a real
IPFIX file; the logs are written by flow_logs.py, which says why.
"""

import collections
import functools
import socket
import struct
import sys

import flow_logs
import nfdump
import real_network
from exporters import Softflowd
from harness import (SKIPPED, Daemon, Skipped, check_ledgers, expect, main, need, run, program, say, wait_for,
                     work_dir)

SIDES = ("to_server", "to_client")


def expect_map(found, truth, octets):
    """The dependencies and services of `truth`, with the octets of `octets` to the last one."""
    missing, invented = sorted(set(truth) - set(found)), sorted(set(found) - set(truth))
    expect(not missing and not invented, f"missing {missing}\nnever made {invented}")
    for key, true in truth.items():
        expect(found[key]["service"] == true["service"], f"{key}: service {found[key]['service']}")
        for side in SIDES:
            shown, wanted = found[key][f"octets_{side}"], octets[key][f"octets_{side}"]
            expect(shown == wanted, f"{key} {side}: {shown} octets, true {wanted}")


def map_of(path, directory, truth):
    """The map of one file, and what the daemon printed."""
    with Daemon(directory / "daemon", "--input", path, "--serve") as daemon:
        daemon.wait_ready()
        wait_for("all dependencies", lambda: len(daemon.dependencies()) >= len(truth), 30, 0.5)
        check_ledgers(daemon.settled())
        found = daemon.dependencies()
        daemon.stop()
        return found, daemon.output()


def check_log(pcap, truth, log):
    """The same dependencies and services, with the octets that this source counts."""
    connections = flow_logs.connections(pcap)
    with work_dir("logs") as directory:
        path = log.save(directory, connections)
        found, output = map_of(path, directory, truth)
        expect("flow log" in output and "refused" not in output, f"the summary says:\n{output}")
        expect_map(found, truth, log.truth(truth, connections))


def messages_of(start):
    """The datagrams that `start(port)` sends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(1.0)
        start(collector.getsockname()[1])
        messages = []
        try:
            while True:
                messages.append(collector.recv(65535))
        except TimeoutError:
            return messages


def check_ipfix_file(pcap, truth):
    """softflowd's own messages, one after another, as RFC 5655 has them."""
    need("softflowd")
    with work_dir("ipfix-file") as directory:
        messages = messages_of(lambda port: Softflowd(10).start(pcap, port, directory))
        path = directory / "softflowd.ipfix"
        path.write_bytes(b"".join(messages))
        found, output = map_of(path, directory, truth)
        expect(f"{len(messages)} messages" in output, f"the summary says:\n{output}")
        expect_map(found, truth, truth)


def check_export(pcap, truth):
    """What IpfixExporter sends is the same to nfcapd, to tshark and to FlowLens itself."""
    need("nfdump"), need("tshark")
    log = next(log for log in flow_logs.LOGS if log.name == "zeek")
    with work_dir("export") as directory:
        path = log.save(directory, flow_logs.connections(pcap))

        def export(port):
            say("   " + run([program("FLOWLENS_EXPORT_FLOWS"), path, "127.0.0.1", port]).stdout.strip())
        with nfdump.nfcapd(directory) as port:
            export(port)
        expect_octets("nfdump", nfdump.totals(directory, {key[1:] for key in truth}), truth)
        messages = messages_of(export)
        expect(all(len(m) <= 1400 for m in messages), "a message is too long for UDP")
        expect_octets("tshark", tshark_totals(messages, directory, truth), truth)
        file = directory / "export.ipfix"
        file.write_bytes(b"".join(messages))
        found, _ = map_of(file, directory, truth)
        expect_map(found, truth, truth)


def expect_octets(who, found, truth):
    expect(set(found) == set(truth), f"{who} finds {sorted(found)}")
    for key, true in truth.items():
        for column in ("octets_to_server", "octets_to_client", "packets_to_server", "packets_to_client"):
            expect(found[key][column] == true[column], f"{who}: {key} {column} {found[key][column]}, true {true[column]}")


def tshark_totals(messages, directory, truth):
    """As nfdump.totals(), of messages that tshark reads from a capture."""
    pcap = directory / "export.pcap"
    frames = b""
    for m in messages:
        udp = struct.pack("!HHHH", 4739, 4739, 8 + len(m), 0) + m
        ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, 0x7f000001, 0x7f000001)
        frames += struct.pack("<IIII", 1_700_000_000, 0, len(ip + udp), len(ip + udp)) + ip + udp
    pcap.write_bytes(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101) + frames)
    names = ("srcaddr", "dstaddr", "srcport", "dstport", "protocol", "octets", "packets")
    rows = run([need("tshark"), "-r", pcap, "-d", "udp.port==4739,cflow", "-T", "fields", "-E", "occurrence=a",
                *(part for name in names for part in ("-e", f"cflow.{name}"))]).stdout
    found = collections.defaultdict(collections.Counter)
    for line in rows.splitlines():
        columns = [column.split(",") for column in line.split("\t")]
        expect(len({len(column) for column in columns}) == 1, f"values are missing: {line}")
        for source, destination, from_port, to_port, protocol, octets, packets in zip(*columns):
            protocol = "tcp" if protocol == "6" else "udp"
            there, back = ((source, destination, protocol, int(to_port)), (destination, source, protocol, int(from_port)))
            key, side = (there, "server") if there in truth else (back, "client")
            found[key][f"octets_to_{side}"] += int(octets)
            found[key][f"packets_to_{side}"] += int(packets)
    return found


def check_damage(pcap, truth):
    """Lines that make no sense are named with file, line and column; the others give the whole map."""
    connections = flow_logs.connections(pcap)
    log = next(log for log in flow_logs.LOGS if log.name == "zeek")
    with work_dir("logs") as directory:
        path = log.save(directory, connections)
        lines = path.read_text().splitlines()
        lines.insert(8, lines[8].replace(".", "x", 2))
        lines.insert(20, "half a line")
        path.write_text("\n".join(lines) + "\n")
        found, output = map_of(path, directory, truth)
        for words in (f"{path}:9:22: id.orig_h: `", f"{path}:21: 1 columns", "2 records refused"):
            expect(words in output, f"the summary does not say {words}:\n{output}")
        expect_map(found, truth, log.truth(truth, connections))


def check_refusal(*_):
    """A file that is nothing that can be read says what could be."""
    with work_dir("logs") as directory:
        path = directory / "letter.txt"
        path.write_text("Dear Sir,\n")
        try:
            run([program("FLOWLENSD"), "--input", path, "--export", "-"])
        except AssertionError as error:
            expect(str(path) in str(error), f"no name in: {error}")
            return
        expect(False, "a letter was read")


def named(check, *given):
    test = functools.partial(check, *given)
    test.__name__ = f"{given[-1] if isinstance(given[-1], flow_logs.Log) else 'files'}: {check.__name__}"
    test.__doc__ = check.__doc__
    return test


def log_tests(directory):
    """Makes the capture; returns one test for each kind of file."""
    pcap, net = real_network.capture(directory)
    truth = real_network.truth_of(pcap, net)
    return (*(named(check_log, pcap, truth, log) for log in flow_logs.LOGS),
            *(named(check, pcap, truth) for check in (check_ipfix_file, check_export, check_damage, check_refusal)))


if __name__ == "__main__":
    with work_dir("log-capture") as made:
        try:
            prepared = log_tests(made)
        except Skipped as why:
            say(f"SKIPPED: {why}")
            sys.exit(SKIPPED)
        main(*prepared)
