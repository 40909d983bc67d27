"""nfdump from Debian as a second opinion on NetFlow and IPFIX."""

import collections
import contextlib
import ipaddress
import time

from harness import Process, free_port, need, run, wait_for

PROTOCOLS = {"6": "tcp", "17": "udp", "TCP": "tcp", "UDP": "udp"}


@contextlib.contextmanager
def nfcapd(directory):
    """A collector of our own; gives its port. What it took is on disk afterwards: see totals()."""
    port, flows = free_port(), directory / "flows"
    flows.mkdir()
    command = [need("nfcapd"), "-b", "127.0.0.1", "-p", port, "-w", flows, "-S", 0, "-t", 3600, "-B", 4000000]
    with Process(command, directory / "nfcapd.log") as collector:
        wait_for("nfcapd to listen", lambda: f":{port:04X} " in open("/proc/net/udp").read(), 20)
        yield port
        time.sleep(1)
        collector.stop()


def totals(directory, server_ports):
    """{(client, server, protocol, port): Counter of flows, octets_to_server, …}.

    `server_ports` is a set of (server, protocol, port): which side serves is not for nfdump to say.
    """
    found = collections.defaultdict(collections.Counter)
    rows = run([need("nfdump"), "-R", directory / "flows", "-q", "-N", "-6", "-o",
                "fmt:%sa,%da,%sp,%dp,%pr,%byt,%pkt"]).stdout
    for line in rows.splitlines():
        source, destination, from_port, to_port, protocol, octets, packets = (
            part.strip() for part in line.split(","))
        source, destination = (str(ipaddress.ip_address(text)) for text in (source, destination))
        protocol = PROTOCOLS.get(protocol, protocol)
        to_server = (destination, protocol, int(to_port)) in server_ports and (
            int(from_port) >= 32768 or (source, protocol, int(from_port)) not in server_ports)
        key = ((source, destination, protocol, int(to_port)) if to_server
               else (destination, source, protocol, int(from_port)))
        side = "server" if to_server else "client"
        found[key]["flows"] += 1
        found[key][f"octets_to_{side}"] += int(octets)
        found[key][f"packets_to_{side}"] += int(packets)
    return found
