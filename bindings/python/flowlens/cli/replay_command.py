"""`flowlens replay`: the exporters' datagrams of a capture, sent to a collector again."""

from __future__ import annotations

import ipaddress
import socket
import time
from pathlib import Path
from typing import Annotated

import typer

from .common import FILE, NOTHING, USAGE, AsJson, Failure, new_app, note, print_json, progress

app = new_app()

EXPORTERS = 1_000  # sockets to keep; past it exporters share the last one


@app.command()
def replay(
    capture: Annotated[Path, typer.Argument(metavar="CAPTURE", help="A pcap or pcapng file of exporters' datagrams.")],
    collector: Annotated[
        str, typer.Argument(metavar="HOST[:PORT]", help="Where to; without a port, each datagram's own.")
    ],
    rate: Annotated[float, typer.Option("--rate", min=0.1, max=1e6, help="Datagrams a second.")] = 1000,
    count: Annotated[int, typer.Option("--count", min=0, help="Datagrams at most; 0: all.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Sends the exporters' datagrams of a capture to a collector, at a rate.

    Each exporter has a socket of its own, towards 127.0.0.0/8 also an address of its own (127.0.0.51 and on), so that
    the collector tells them apart. Times within the datagrams stay as they are. Exit code 1: the capture holds none.
    """
    import flowlens

    host, port = target(collector)
    send = Sender(host, port)
    began = time.monotonic()
    sent = octets = 0
    with progress(f"sending {capture.name}") as report:
        for datagram in flowlens.datagrams(capture):
            if count and sent == count:
                break
            wait = began + sent / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            send(str(datagram.exporter), datagram.exporter_port, datagram.collector_port, datagram.payload)
            sent += 1
            octets += len(datagram.payload)
            report(octets, 0)
    send.close()
    if as_json:
        print_json({"datagrams": sent, "octets": octets, "exporters": len(send.sockets)})
    else:
        note(f"{sent:,} datagrams of {len(send.sockets):,} transport sessions sent to {collector}")
    return 0 if sent else NOTHING


class Sender:
    """Sends each transport session's datagrams from a socket of its own."""

    def __init__(self, host: str, port: int | None) -> None:
        self.host, self.port = host, port
        self.sockets: dict[tuple[str, int], socket.socket] = {}
        self.addresses: dict[str, str] = {}

    def __call__(self, exporter: str, exporter_port: int, collector_port: int, payload: bytes) -> None:
        key = (exporter, exporter_port)
        if key not in self.sockets and len(self.sockets) < EXPORTERS:
            self.sockets[key] = self.opened(exporter)
        using = self.sockets.get(key) or next(reversed(self.sockets.values()))
        try:
            using.sendto(payload, (self.host, self.port or collector_port))
        except ConnectionRefusedError:
            pass  # nobody listens yet; UDP does not care
        except OSError as problem:
            raise Failure(f"{self.host}: {problem.strerror or problem}", FILE) from None

    def opened(self, exporter: str) -> socket.socket:
        address = ipaddress.ip_address(self.host)
        made = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        if address.version == 4 and address.is_loopback:
            self.addresses.setdefault(
                exporter, f"127.0.{(len(self.addresses) + 50) // 250}.{(len(self.addresses) + 50) % 250 + 1}"
            )
            made.bind((self.addresses[exporter], 0))
        return made

    def close(self) -> None:
        for each in self.sockets.values():
            each.close()


def target(text: str) -> tuple[str, int | None]:
    """Address and port of `HOST`, `HOST:PORT`, `[2001:db8::1]:2055`, `2001:db8::1`."""
    host, port = text, ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, port = text.split(":")
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise Failure(f"'{text}': '{port}' is no port; give 1 to 65535", USAGE)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        raise Failure(
            f"'{host}' is no host that is known; give a name or an address, and a port behind ':'", USAGE
        ) from None
    return str(found[0][4][0]), int(port) if port else None
