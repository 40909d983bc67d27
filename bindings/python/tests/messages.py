"""Datagrams and captures, octet by octet."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from pathlib import Path

BEGIN = 1_700_000_000  # seconds since 1970


def v5(*octets: int, seconds: int = 0, server: str = "10.0.0.2", port: int = 443, client: str = "10.0.0.1") -> bytes:
    """NetFlow v5: a flow of each count, which began 10 s and ended 1 s before it was sent."""
    header = struct.pack("!HHIIIIBBH", 5, len(octets), 60_000, BEGIN + seconds, 0, 0, 0, 0, 0)
    records = (
        struct.pack(
            "!4s4s4sHHIIIIHHBBBBHHBBH",
            IPv4Address(client).packed,
            IPv4Address(server).packed,
            bytes(4),
            1,
            2,
            3,
            count,
            50_000,
            59_000,
            40_000 + i,
            port,
            0,
            0x1B,
            6,
            0,
            64512,
            0,
            24,
            16,
            0,
        )
        for i, count in enumerate(octets)
    )
    return header + b"".join(records)


def ipfix(with_template: bool = True, seconds: int = 0) -> bytes:
    """One record of source, destination and protocol; nothing else is told."""
    template = struct.pack("!HHHHHHHHHH", 2, 20, 300, 3, 8, 4, 12, 4, 4, 1)
    data = struct.pack("!HH4s4sB", 300, 13, bytes([10, 0, 0, 1]), bytes([10, 0, 1, 0]), 6)
    sets = (template if with_template else b"") + data
    return struct.pack("!HHIII", 10, 16 + len(sets), BEGIN + seconds, 0, 7) + sets


def udp_frame(payload: bytes, source: str = "192.0.2.1", destination: str = "192.0.2.9", port: int = 2055) -> bytes:
    udp = struct.pack("!HHHH", 50_000, port, 8 + len(payload), 0) + payload
    ip = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(udp),
        1,
        0,
        64,
        17,
        0,
        IPv4Address(source).packed,
        IPv4Address(destination).packed,
    )
    return bytes(12) + b"\x08\x00" + ip + udp


def write_capture(path: Path, frames: list[tuple[float, bytes]]) -> Path:
    """A pcap of (seconds since 1970, frame)."""
    out = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
    for at, frame in frames:
        out += struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(frame), len(frame)) + frame
    path.write_bytes(bytes(out))
    return path


def exporters_capture(path: Path, datagrams: int = 20, every: float = 5.0) -> Path:
    """A client that asks a server and is answered, again and again; and the server, its database."""
    frames = []
    for i in range(datagrams):
        at = BEGIN + i * every
        for payload in (
            v5(1000 + i, seconds=int(i * every)),
            v5(700, seconds=int(i * every), client="10.0.0.2", server="10.0.0.3", port=5432),
        ):
            frames.append((at, udp_frame(payload)))
    return write_capture(path, frames)
