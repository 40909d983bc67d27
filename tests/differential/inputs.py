"""Captures to compare decoders on: the conformance corpus, and streams of the two generators."""
import json
import os
import pathlib
import socket
import struct
import subprocess

import tshark

TOP = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("FLOWLENS_SHARED", TOP.parent / "shared"))
BEGIN = 1_795_249_860  # seconds since 1970 of the first packet


class Capture:
    """Writes UDP payloads as a pcap, Ethernet and IPv4, and keeps their names."""

    def __init__(self, path):
        self.path = path
        self.names = []
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))

    def add(self, name, source, port, to_port, payload):
        udp = struct.pack("!HHHH", port, to_port, 8 + len(payload), 0) + payload
        ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0, source, 0x7F000001)
        frame = bytes(12) + b"\x08\x00" + ip + udp
        count = len(self.names)
        self.file.write(struct.pack("<IIII", BEGIN + count // 1000, count % 1000 * 1000, len(frame), len(frame)) + frame)
        self.names.append(name)

    def close(self):
        self.file.close()
        return self.path, self.names


def corpus(directory):
    """All cases in one capture, every case with exporters of its own."""
    cases = sorted((SHARED / "corpus").glob("*/case.json"))
    if not cases:
        return None
    capture = Capture(directory / "corpus.pcap")
    for number, file in enumerate(cases):
        case = json.loads(file.read_text())
        port = tshark.SFLOW_PORT if case["protocol"].startswith("sflow") else tshark.NETFLOW_PORT
        exporters = []
        for i, datagram in enumerate(case["datagrams"]):
            if datagram["exporter"] not in exporters:
                exporters.append(datagram["exporter"])
            source = 0x0A090000 | number << 8 | exporters.index(datagram["exporter"]) + 1
            capture.add(f"{case['name']}:{i}", source, datagram["port"], port,
                        (file.parent / datagram["file"]).read_bytes())
    return capture.close()


def simnet(directory):
    program = os.environ.get("FLOWLENS_SIMNET")
    if not program:
        return None
    path = directory / "simnet.pcap"
    subprocess.run([program, "--pcap", path, "--rate", "40", "--duration", "20"], check=True,
                   stdout=subprocess.DEVNULL)
    return path, None


def genflows(directory, kind):
    """A stream of ../shared/tools/genflows, built beside the other programs."""
    source = SHARED / "tools" / "genflows"
    if not source.is_dir():
        return None
    build = pathlib.Path(os.environ["FLOWLENS_DUMP"]).parent / "genflows"
    program = build / "genflows"
    if not program.exists():
        for command in (["cmake", "-S", source, "-B", build], ["cmake", "--build", build, "--target", "genflows"]):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    path = directory / f"genflows-{kind}.pcap"
    subprocess.run([program, "--format", kind, "--flows", "1000", "--pcap", path], check=True,
                   stdout=subprocess.DEVNULL)
    return path, None


def all_of_them(directory):
    """Yields (name, pcap, names of the datagrams or None); None for a pcap that cannot be had here."""
    sources = [("corpus", corpus), ("simnet", simnet)]
    for kind in ("v5", "v9", "ipfix", "sflow", "mixed"):
        sources.append((f"genflows-{kind}", lambda d, kind=kind: genflows(d, kind)))
    for name, make in sources:
        made = make(directory)
        yield (name, *made) if made else (name, None, None)
