"""What the live measurements share: captures, a sender that does not overrun its receiver, and what
/proc tells of sockets, processes and the machine. Loopback only. Python's standard library only."""

import os
import platform
import re
import socket
import struct
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def free_tcp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def udp_socket(port):
    """(octets in the receive queue, datagrams dropped) of the sockets on a port; None without one."""
    found = None
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            part = line.split()
            if int(part[1].rsplit(":", 1)[1], 16) == port:
                queue, drops = found or (0, 0)
                found = queue + int(part[4].split(":")[1], 16), drops + int(part[-1])
    return found


def cpu_seconds(pid):
    """(user, system) of a live process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def memory_mib(pid):
    """(resident now, at most so far)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return tuple(int(re.search(rf"{name}:\s+(\d+)", status).group(1)) / 1024
                 for name in ("VmRSS", "VmHWM"))


def conditions():
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": model.group(1) if model else "unknown",
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "rmem_max": int(Path("/proc/sys/net/core/rmem_max").read_text()),
    }


def udp_payload(frame):
    """(source address, source port, payload) of an Ethernet frame with UDP over IPv4; else None."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return None
    header = 14 + (frame[14] & 15) * 4
    source_port, _, length = struct.unpack_from(">HHH", frame, header)
    return frame[26:30], source_port, frame[header + 8:header + length]


def read_capture(path):
    """The datagrams of a classic pcap of Ethernet, as (source address, source port, payload)."""
    data = Path(path).read_bytes()
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<",
             b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}.get(data[:4])
    if order is None or struct.unpack_from(order + "I", data, 20)[0] != 1:
        raise ValueError(f"{path}: the peer's sender reads classic pcap of Ethernet only")
    datagrams, at = [], 24
    while at + 16 <= len(data):
        size = struct.unpack_from(order + "I", data, at + 8)[0]
        found = udp_payload(data[at + 16:at + 16 + size])
        if found:
            datagrams.append(found)
        at += 16 + size
    return datagrams


class PatientSender:
    """Sends datagrams in bursts and lets the receiver empty its queue in between, so nothing is lost
    and the receiver seldom sleeps. Each exporter (address and port) gets a socket and 127.x.y.z."""

    BURST = 256
    QUEUE_OCTETS = 1 << 20

    def __init__(self, port):
        self.port = port
        self.sockets = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sender in self.sockets.values():
            sender.close()

    def socket_of(self, address, source_port):
        sender = self.sockets.get((address, source_port))
        if sender is None:
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sender.bind((f"127.{address[1]}.{address[2]}.{address[3]}", 0))
            sender.connect(("127.0.0.1", self.port))
            self.sockets[address, source_port] = sender
        return sender

    def drain(self, octets):
        deadline = time.monotonic() + 20
        while udp_socket(self.port)[0] > octets:
            if time.monotonic() > deadline:
                raise TimeoutError("the collector stopped reading")
            time.sleep(0.0005)

    def send(self, datagrams):
        for at in range(0, len(datagrams), self.BURST):
            for address, source_port, payload in datagrams[at:at + self.BURST]:
                self.socket_of(address, source_port).send(payload)
            self.drain(self.QUEUE_OCTETS)
        self.drain(0)
