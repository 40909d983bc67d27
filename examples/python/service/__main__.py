"""python3 -m service: receives flows by UDP, keeps a map of them, answers over HTTP."""

from __future__ import annotations

import argparse
import asyncio
import contextlib

import uvicorn

from .app import make_app
from .collector import Collector
from .pipeline import Pipeline


async def serve(chosen: argparse.Namespace) -> None:
    pipeline = Pipeline(internal_networks=chosen.internal, flush_seconds=chosen.flush_seconds)
    collector = Collector(pipeline.take)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: collector, local_addr=(chosen.host, chosen.collector_port)
    )
    flushing = asyncio.create_task(pipeline.run())
    settings = uvicorn.Config(
        make_app(collector, pipeline), host=chosen.host, port=chosen.api_port, log_level="warning"
    )
    try:
        await uvicorn.Server(settings).serve()
    finally:
        flushing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await flushing
        transport.close()


def main() -> None:
    options = argparse.ArgumentParser(prog="service", description=__doc__)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--collector-port", type=int, default=2055, help="NetFlow, IPFIX and sFlow, all on one")
    options.add_argument("--api-port", type=int, default=8080)
    options.add_argument(
        "--internal", action="append", metavar="CIDR", help="a network of one's own; without: private addresses"
    )
    options.add_argument("--flush-seconds", type=float, default=5)
    asyncio.run(serve(options.parse_args()))


if __name__ == "__main__":
    main()
