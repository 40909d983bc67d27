"""What Python decodes, as README.md beside this file has it."""

import struct
import sys

import flowlens


def texts(batch, name):
    """The values of a column, as lines have them."""
    column = batch.column(name)
    values = [str(value) for value in column] if name in ADDRESSES else [int(v) for v in memoryview(column).tolist()]
    if name == "times_replaced":  # is itself what is told by bits
        return values
    return [value if there else "-" for value, there in zip(values, memoryview(column.present).tolist())]


ADDRESSES = {"source_address", "destination_address", "next_hop", "exporter"}


def print_flows(batch):
    for values in zip(*(texts(batch, name) for name in batch.columns)):
        print(*values)


def datagrams(path):
    """(exporter, its port, our port, received, payload)"""
    with open(path, "rb") as file:
        while head := file.read(32):
            exporter, port, collector_port, received, length = struct.unpack("<16sHHqI", head)
            yield ".".join(str(octet) for octet in exporter[12:]), port, collector_port, received, file.read(length)


def dump_datagrams(path):
    decoder = flowlens.Decoder()
    for exporter, port, collector_port, received, payload in datagrams(path):
        batch = decoder.decode(
            payload, exporter=exporter, received=received, exporter_port=port, collector_port=collector_port
        )
        sets = batch.sets, batch.sets_waiting, batch.sets_skipped
        print("#", int(batch.accepted), *sets, batch.diagnostic or "-")
        print_flows(batch)


def dump_file(path):
    resolver = flowlens.Resolver()
    with flowlens.read(path) as reader:
        for batch in reader:
            print_flows(batch)
            resolver.add(batch)
        resolver.finish(reader.now)
    print(" map")
    print(resolver.graph.export("csv"), end="")
    for problem in reader.problems:
        print("!", problem)


if __name__ == "__main__":
    {"datagrams": dump_datagrams, "file": dump_file}[sys.argv[1]](sys.argv[2])
