"""How flows look: as a line of a table, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlens.page import size

if TYPE_CHECKING:
    import flowlens

FLOW_COLUMNS = ("start", "seconds", "protocol", "source", "destination", "packets", "bytes", "sampled", "exporter")


def flow_cells(flow: flowlens.Flow) -> list[object]:
    octets = flow.octet_count
    return [
        f"{flow.start:%Y-%m-%d %H:%M:%S}",
        f"{(flow.end - flow.start).total_seconds():.1f}",
        protocol_name(flow.protocol),
        end(flow.source_address, flow.source_port),
        end(flow.destination_address, flow.destination_port),
        "" if flow.packet_count is None else flow.packet_count,
        "" if octets is None else size(octets),
        f"1:{flow.sampling_rate}" if flow.sampling_rate > 1 else "",
        flow.exporter,
    ]


def flow_json(flow: flowlens.Flow) -> dict[str, Any]:
    """What the flow has; absent values are left out."""
    return {name: value for name, value in flow.to_dict().items() if value is not None}


def end(address: object, port: int | None) -> str:
    """`10.0.0.1:443`, `[2001:db8::1]:443`"""
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"


def protocol_name(number: int | None) -> str:
    return NAMES.get(number, str(number)) if number is not None else ""


NAMES = {1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmp6", 132: "sctp"}
