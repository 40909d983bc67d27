#!/usr/bin/env python3
"""Who sends most, with sampling undone: NumPy on columns of flows, which are views without a copy.

Exit code 1: there is no flow.
"""

import argparse
import ipaddress
import sys
from collections import Counter

import numpy

import flowlens


def octets_by_source(batch):
    """(address in 16 octets, octets) of each source in a batch."""
    addresses = numpy.asarray(batch.column("source_address"))
    octets = numpy.asarray(batch.column("octet_count")) * numpy.asarray(batch.column("sampling_rate"))
    # Sixteen octets as one value, so that NumPy can tell which are the same.
    keys, place = numpy.unique(numpy.ascontiguousarray(addresses).view("V16").ravel(), return_inverse=True)
    sums = numpy.zeros(len(keys), dtype=numpy.uint64)
    numpy.add.at(sums, place, octets.astype(numpy.uint64))
    return zip((key.tobytes() for key in keys), (int(n) for n in sums))


def readable(octets):
    """IPv4 addresses are kept as IPv6 addresses of ::ffff:0:0/96."""
    address = ipaddress.IPv6Address(octets)
    return address.ipv4_mapped or address


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("files", nargs="+", metavar="FILE", help="captures, IPFIX files, flow logs")
    options.add_argument("-n", type=int, default=10, help="how many")
    options.add_argument("--filter", help="such as 'dst port 443'")
    chosen = options.parse_args()

    sent = Counter()
    with flowlens.read(chosen.files, filter=chosen.filter) as reader:
        for batch in reader:
            for address, octets in octets_by_source(batch):
                sent[address] += octets

    for address, octets in sent.most_common(chosen.n):
        print(f"{octets:>16,} {readable(address)}")
    return 0 if sent else 1


if __name__ == "__main__":
    sys.exit(main())
