#!/usr/bin/env python3
"""Who talked with an address or network of a block list?

The list has one address or network a line; what follows a '#' is not read. Exit code 1: nobody did.
"""

import argparse
import ipaddress
import sys
from collections import Counter

import flowlens


def read_list(path):
    """The networks of a block list, told apart by IP version."""
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if text := line.split("#")[0].strip():
                try:
                    yield ipaddress.ip_network(text, strict=False)
                except ValueError:
                    sys.exit(f"{path}:{number}: '{text}' is neither an address nor a network")


class BlockList:
    """Looks an address up once for each length of prefix that the list has, however long the list is."""

    def __init__(self, networks):
        self.by_length = {}
        for network in networks:
            self.by_length.setdefault((network.version, network.prefixlen), {})[int(network.network_address)] = network

    def find(self, address):
        for (version, length), networks in self.by_length.items():
            if version == address.version:
                host_bits = address.max_prefixlen - length
                if found := networks.get(int(address) >> host_bits << host_bits):
                    return found
        return None


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("list")
    options.add_argument("files", nargs="+", metavar="FILE", help="captures, IPFIX files, flow logs")
    chosen = options.parse_args()

    blocked, flows, octets = BlockList(read_list(chosen.list)), Counter(), Counter()
    with flowlens.read(chosen.files) as reader:
        for batch in reader:
            for flow in batch:
                for inside, outside in (
                    (flow.source_address, flow.destination_address),
                    (flow.destination_address, flow.source_address),
                ):
                    if network := blocked.find(outside):
                        flows[inside, outside, network] += 1
                        octets[inside, outside, network] += flow.estimated_octet_count or 0

    for (inside, outside, network), count in flows.most_common():
        print(f"{inside} and {outside} (in {network}): {count} flows, {octets[inside, outside, network]} octets")
    return 0 if flows else 1


if __name__ == "__main__":
    sys.exit(main())
