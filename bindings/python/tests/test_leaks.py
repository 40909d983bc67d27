"""Made and let go 10,000 times: nothing stays."""

from __future__ import annotations

import gc
import os
import resource
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import messages
import numpy
import pytest

import flowlens

PAGE = resource.getpagesize()
CYCLES = int(os.environ.get("FLOWLENS_LEAK_CYCLES", "10000"))
SANITIZED = "asan" in os.environ.get("LD_PRELOAD", "")


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def decode() -> None:
    batch = flowlens.Decoder(max_templates=64).decode(
        messages.v5(1, 2), exporter="192.0.2.1", received=messages.BEGIN * 10**9
    )
    for flow in batch:
        flow.to_dict()
    numpy.asarray(batch.column("octet_count"))
    batch.__arrow_c_stream__()


def parse() -> None:
    for record in flowlens.Parser().parse(messages.ipfix(), exporter="192.0.2.1", received=messages.BEGIN * 10**9):
        record.items()


def refuse() -> None:
    for misuse in (
        lambda: flowlens.Filter("dst port http99"),
        lambda: flowlens.read("/nowhere"),
        lambda: flowlens.Graph.from_bytes(b"x"),
    ):
        with pytest.raises(flowlens.Error):
            misuse()


def filters() -> None:
    assert str(flowlens.Filter("dst port 443"))
    flowlens.Enricher(sites={"10.0.0.0/8": "a"}).is_internal("10.0.0.1")


@pytest.mark.parametrize("work", [decode, parse, refuse, filters], ids=lambda w: w.__name__)
def test_nothing_stays(work: Callable[[], None]) -> None:
    def run(cycles: int) -> None:
        for _ in range(cycles):
            work()
        gc.collect()

    run(CYCLES // 10)
    references = sys.gettotalrefcount() if hasattr(sys, "gettotalrefcount") else 0
    before = resident()
    run(CYCLES)
    grown = resident() - before
    # 100 octets a cycle would show. A sanitizer keeps what was freed for a while, and looks itself.
    assert SANITIZED or grown < 100 * CYCLES + 4 * 2**20, f"{grown} octets more"
    if references:
        assert sys.gettotalrefcount() - references < CYCLES  # type: ignore[attr-defined]


def test_no_python_object_stays(capture: Path) -> None:
    def run() -> None:
        for _ in range(20):
            graph = flowlens.map(capture)
            graph.dependencies(), graph.assets(), graph.changes(), graph.impact("10.0.0.3"), graph.export("json")
            with flowlens.read(capture) as reader:
                [numpy.asarray(b.column("start")) for b in reader]
                reader.files, reader.problems, reader.counters
        gc.collect()

    run()
    tracemalloc.start()
    run()
    before = tracemalloc.take_snapshot()
    run()
    grown = sum(
        s.size_diff
        for s in tracemalloc.take_snapshot().compare_to(before, "filename")
        if "flowlens" in str(s.traceback)
    )
    tracemalloc.stop()
    assert grown < 20_000


def test_maps_are_let_go(capture: Path) -> None:
    flowlens.map(capture)
    gc.collect()
    before = resident()
    for _ in range(50):
        graph = flowlens.map(capture)
        flowlens.Graph.from_bytes(bytes(graph))
    gc.collect()
    assert SANITIZED or resident() - before < 30 * 2**20
