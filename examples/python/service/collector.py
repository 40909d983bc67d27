"""UDP datagrams to flows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timezone

import flowlens


class Collector(asyncio.DatagramProtocol):
    """Decodes each datagram as it comes and hands its flows on.

    A malformed datagram is no exception: it is counted, with what was wrong with it.
    """

    def __init__(self, take: Callable[[flowlens.FlowBatch, datetime], None]) -> None:
        self.decoder = flowlens.Decoder(max_templates=4096)
        self.take = take
        self.datagrams = 0
        self.problems: dict[str, int] = {}

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, payload: bytes, sender: tuple[str, int]) -> None:
        now = datetime.now(timezone.utc)
        batch = self.decoder.decode(
            payload, exporter=sender[0], exporter_port=sender[1], collector_port=self.port, received=now
        )
        self.datagrams += 1
        if batch.diagnostic_code:
            self.problems[batch.diagnostic_code] = self.problems.get(batch.diagnostic_code, 0) + 1
        if len(batch):
            self.take(batch, now)
