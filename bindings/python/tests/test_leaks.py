"""Made and let go 10,000 times: nothing stays."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
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


def held() -> int:
    """Octets of live memory, exactly, where a sanitizer counts them; else what the process has of pages."""
    if SANITIZED:
        count = ctypes.CDLL(None).__sanitizer_get_current_allocated_bytes
        count.restype = ctypes.c_size_t
        return int(count())
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


def parts() -> None:
    """A map by hand: large objects, which take milliseconds."""
    enricher, graph = flowlens.Enricher(), flowlens.Graph()
    aggregator = flowlens.Aggregator(enricher=enricher)
    detector, classifier, resolver = flowlens.ChangeDetector(), flowlens.Classifier(), flowlens.Resolver()
    batch = flowlens.Decoder().decode(messages.v5(1), exporter="192.0.2.1", received=messages.BEGIN * 10**9)
    aggregator.add(batch, now=messages.BEGIN * 10**9)
    summaries = aggregator.finish()
    graph.add_summaries(summaries)
    detector.look(graph, summaries)
    classifier.look(graph)
    resolver.add(batch)
    bytes(resolver.finish())


@pytest.mark.parametrize(("work", "cycles"), [(decode, CYCLES), (parse, CYCLES), (refuse, CYCLES), (filters, CYCLES),
                                              (parts, CYCLES // 20)], ids=lambda w: getattr(w, "__name__", None))
def test_nothing_stays(work: Callable[[], None], cycles: int) -> None:
    def run(cycles: int) -> None:
        for _ in range(cycles):
            work()
        gc.collect()

    run(cycles // 10)
    for _ in range(1500 if work is parts else 0):
        flowlens.Graph()  # the first thousand hold some 80 KB in all, more of them no more
    before = held()
    run(cycles)
    grown = held() - before
    # 100 octets a cycle would show in pages, and the smallest object where octets are counted.
    assert grown < (10 * cycles + 2**14 if SANITIZED else 100 * cycles + 4 * 2**20), f"{grown} octets more"


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
    def run() -> None:
        for _ in range(20):
            graph = flowlens.map(capture)
            flowlens.Graph.from_bytes(bytes(graph))
        del graph
        gc.collect()

    run()
    before = held()
    run()
    assert held() - before < (50_000 if SANITIZED else 30 * 2**20)
