"""Flows to a map that is up to date."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone

import flowlens


class Pipeline:
    """One Resolver: it labels flows, pairs them, decides who serves, and keeps the map.

    A flush of a large map takes a moment: it runs in a thread, and the module lets go of Python's lock meanwhile, so
    that the API answers. Flows wait for it, and datagrams in the socket's buffer.
    """

    def __init__(self, *, internal_networks: list[str] | None, flush_seconds: float) -> None:
        self.resolver = flowlens.Resolver(window=60, internal_networks=internal_networks)
        self.flush_seconds = flush_seconds
        self.revision = 0

    @property
    def graph(self) -> flowlens.Graph:
        return self.resolver.graph

    def take(self, batch: flowlens.FlowBatch, now: datetime) -> None:
        self.resolver.add(batch, now=now)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(self.flush_seconds)
            await asyncio.to_thread(self.flush)

    def flush(self) -> None:
        """What changed is a revision: here others would be told of it, or it would be stored."""
        revision = self.resolver.flush(datetime.now(timezone.utc))
        if revision:
            self.revision = revision.number
            self.graph.classify()
