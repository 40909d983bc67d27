"""Threads that meet in one object."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import messages

import flowlens

THREADS = 4


def together(work: Callable[[int], None]) -> None:
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_one_decoder() -> None:
    decoder = flowlens.Decoder()

    def decode(number: int) -> None:
        for i in range(500):
            batch = decoder.decode(messages.v5(i, i + 1), exporter=f"192.0.2.{number}", received=messages.BEGIN * 10**9)
            assert [f.octet_count for f in batch] == [i, i + 1]
            if i % 50 == 0:
                decoder.explain(f"192.0.2.{number}")
                decoder.load_state(decoder.save_state())

    together(decode)
    assert decoder.counters["datagrams"]["received"] == THREADS * 500


def test_one_reader(capture: Path) -> None:
    reader = flowlens.read(capture, batch_flows=1)
    counts = [0] * THREADS

    def read(number: int) -> None:
        for batch in reader:
            counts[number] += len(batch)
            assert reader.octets_read <= reader.octets_total

    together(read)
    assert sum(counts) == 40


def test_a_reader_that_is_closed_meanwhile(capture: Path) -> None:
    for _ in range(20):
        reader = flowlens.read(capture, batch_flows=1)
        together(lambda number, reader=reader: reader.close() if number == 0 else [len(b) for b in reader] and None)


def test_one_resolver_and_its_map(capture: Path) -> None:
    resolver = flowlens.Resolver()
    batches = list(flowlens.read(capture, batch_flows=1))
    graph = resolver.graph

    def work(number: int) -> None:
        for i, batch in enumerate(batches[number::THREADS]):
            resolver.add(batch)
            resolver.flush()
            graph.dependencies()
            graph.layout()
            bytes(graph)
            resolver.add_facts([flowlens.Fact("10.0.0.3", "name", f"db-{number}-{i}")])

    together(work)
    resolver.finish()
    assert resolver.ledger["normalized"] == 40
    assert sum(d.flows for d in graph.dependencies()) == 40


def test_one_batch_and_filter(capture: Path) -> None:
    (batch,) = flowlens.read(capture)
    wanted = flowlens.Filter("dst port 443")

    def work(number: int) -> None:
        for _ in range(100):
            assert len(batch.filter(wanted)) == 20
            assert sum(memoryview(batch.column("packet_count"))) == 120
            assert batch[number].octet_count

    together(work)


def test_others_run_while_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.pcap"
    frame = messages.udp_frame(messages.v5(*range(30)))
    messages.write_capture(path, [(messages.BEGIN + i * 0.001, frame) for i in range(20_000)])
    done = threading.Event()
    ticks = 0

    def read() -> None:
        for _ in flowlens.read(path, batch_flows=2**30):
            pass
        done.set()

    thread = threading.Thread(target=read)
    thread.start()
    while not done.wait(0.001):
        ticks += 1
    thread.join()
    assert ticks >= 5  # one call, and this thread went on meanwhile
