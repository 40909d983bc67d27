"""read(), map(), and maps in files."""

from __future__ import annotations

import json
import os
import signal
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import messages
import numpy
import pytest

import flowlens


def test_read_gives_batches(capture: Path) -> None:
    with flowlens.read(capture) as reader:
        batches = list(reader)
        assert reader.octets_read == reader.octets_total == capture.stat().st_size
    assert sum(len(b) for b in batches) == 40
    assert reader.format == "capture" and reader.problems == []
    assert reader.counters["datagrams"] == 40 and reader.files[0]["counters"]["packets"] == 40
    assert reader.now == datetime.fromtimestamp(messages.BEGIN + 95, timezone.utc)
    assert list(reader) == []  # closed


def test_read_in_pieces_with_a_filter(capture: Path) -> None:
    reader = flowlens.read([str(capture)], filter="dst port 5432", batch_flows=7)
    flows = [flow for batch in reader for flow in batch]
    assert len(flows) == 20 and {f.destination_port for f in flows} == {5432}
    assert reader.counters["flows"] == 40


def test_several_files_of_different_kinds_are_one(capture: Path, tmp_path: Path) -> None:
    ipfix = tmp_path / "one.ipfix"
    ipfix.write_bytes(messages.ipfix(seconds=12))
    reader = flowlens.read([capture, ipfix])
    received = [flow.received for batch in reader for flow in batch]
    assert received == sorted(received) and len(received) == 41
    assert reader.format == "mixed"
    assert [f["format"] for f in reader.files] == ["capture", "ipfix_file"]


def test_what_cannot_be_read_raises_and_what_is_damaged_says_so(capture: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.pcap", tmp_path):
        with pytest.raises(flowlens.InputError, match=path.name):
            flowlens.read(path)
    with pytest.raises(OSError):
        flowlens.read(tmp_path / "nowhere.pcap")
    text = tmp_path / "text"
    text.write_text("hello")
    with pytest.raises(flowlens.InputError, match="flow log"):
        flowlens.read(text)
    with pytest.raises(flowlens.ConfigError):
        flowlens.read([])
    with pytest.raises(flowlens.ConfigError, match="content"):
        flowlens.read(capture, content="things")
    with pytest.raises(TypeError):
        flowlens.read(5)  # type: ignore[arg-type]
    os.truncate(capture, capture.stat().st_size - 5)
    reader = flowlens.read(capture)
    assert sum(len(b) for b in reader) == 39
    assert "damaged after packet 39" in reader.problems[0]


def test_datagrams(capture: Path) -> None:
    found = list(flowlens.datagrams(capture))
    assert len(found) == 40 and str(found[0].exporter) == "192.0.2.1" and found[0].collector_port == 2055
    assert (
        flowlens.Decoder()
        .decode(found[0].payload, exporter=found[0].exporter, received=found[0].received)[0]
        .octet_count
        == 1000
    )


def test_arrow_of_a_reader(capture: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(flowlens.read(capture, batch_flows=7))
    assert table.num_rows == 40
    assert table.column("octet_count").to_pylist()[:2] == [1000, 700]


def test_map(graph: flowlens.Graph) -> None:
    assert len(graph) == 2
    web = graph.dependencies("port 443")[0]
    assert str(web.client_address) == "10.0.0.1" and str(web.server_address) == "10.0.0.2"
    assert web.flows == 20 and web.octets_to_server == sum(range(1000, 1020)) and web.octets_to_client == 0
    assert web.service == "https" and web.protocol == 6 and web.protocol_name == "tcp"
    assert [str(e) for e in web.exporters] == ["192.0.2.1"]
    assert 0 < web.confidence <= 1 and web.reasons
    assert not web.provisional
    assert graph.dependency(web.id) == web and len({web, graph.dependency(web.id)}) == 1
    assert graph.asset("10.0.0.2") == graph.asset(web.server_asset) == graph.asset(graph.asset("10.0.0.2"))
    assert [d.port for d in graph.dependencies(asset="10.0.0.3")] == [5432]
    assert len(graph.assets()) == 3 and graph.assets("ip 10.0.0.1")[0].is_internal
    assert graph.assets(limit=2) == graph.assets()[:2]
    with pytest.raises(KeyError):
        graph.asset("10.9.9.9")
    with pytest.raises(flowlens.ConfigError):
        graph.dependencies("no such field 5")
    assert {c.type for c in graph.changes()} <= {
        "new_asset",
        "new_dependency",
        "service_appeared",
        "new_external_connection",
    }
    json.dumps(
        [d.to_dict() for d in graph.dependencies()]
        + [a.to_dict() for a in graph.assets()]
        + [c.to_dict() for c in graph.changes()]
    )


def test_map_with_sites_filter_and_progress(capture: Path) -> None:
    seen: list[tuple[int, int]] = []
    graph = flowlens.map(
        capture, filter="dst port 443", sites={"10.0.0.0/24": "berlin"}, progress=lambda *at: seen.append(at)
    )
    assert [d.server_site for d in graph.dependencies()] == ["berlin"]
    size = capture.stat().st_size
    assert seen[-1] == (size, size)
    rules = [flowlens.SiteRule("lab", addresses="10.0.0.2")]
    assert {d.server_site for d in flowlens.map(capture, sites=rules).dependencies()} == {"lab", "default"}

    def fails(read: int, total: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        flowlens.map(capture, progress=fails)


def test_questions(graph: flowlens.Graph) -> None:
    impact = graph.impact("10.0.0.3")
    assert sum(impact["counts"].values()) == 2 and impact["affected"][0]["reason"]
    assert graph.impact(["10.0.0.2", "10.0.0.3"], direction="downstream")["direction"] == "downstream"
    ids = {str(a.addresses[0]): a.id for a in graph.assets()}
    assert graph.paths("10.0.0.1", "10.0.0.3") == [[ids["10.0.0.1"], ids["10.0.0.2"], ids["10.0.0.3"]]]
    assert graph.paths("10.0.0.3", "10.0.0.1") == []
    assert set(graph.layout()) == set(graph.centrality()) == set(ids.values())
    assert graph.centrality()[ids["10.0.0.2"]]["betweenness"] == 1.0
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in graph.layout().values())
    assert sorted(m for c in graph.communities() for m in c["members"]) == sorted(ids.values())
    assert graph.single_points(min_clients=1)["points"][0]["remedy"]
    assert graph.blast_radius("10.0.0.3")["dependants"] == 2
    types = graph.classify()
    assert set(types) == set(ids.values())
    assert types[ids["10.0.0.3"]]["type"] in types[ids["10.0.0.3"]]["probability"]
    with pytest.raises(flowlens.ConfigError, match="downstream"):
        graph.impact("10.0.0.3", direction="sideways")
    with pytest.raises(flowlens.ConfigError):
        graph.impact([])
    with pytest.raises(KeyError):
        graph.paths("10.0.0.3", "10.9.9.9")


@pytest.mark.parametrize("format", ["json", "graphml", "dot", "mermaid", "csv"])
def test_exports(graph: flowlens.Graph, format: str) -> None:
    assert "10.0.0.3" in graph.export(format)
    with pytest.raises(flowlens.ConfigError, match="graphml"):
        graph.export("pdf")


def test_a_map_is_kept_and_found_again(graph: flowlens.Graph, tmp_path: Path, capture: Path) -> None:
    path = tmp_path / "map.flowlens"
    graph.save(path)
    again = flowlens.load(path)
    assert again.export("json") == graph.export("json") and bytes(again) == bytes(graph)
    assert list(tmp_path.glob(".*")) == []
    sited = flowlens.map(capture, sites={"10.0.0.0/24": "berlin"})
    sited.save(path)
    assert {a.site for a in flowlens.load(path).assets()} == {"berlin"}
    for damage in (b"", b"nonsense" * 4, bytes(graph)[:-1], bytes(graph)[:100] + b"?" + bytes(graph)[101:]):
        path.write_bytes(damage)
        with pytest.raises(flowlens.InputError, match="map.flowlens"):
            flowlens.load(path)
    with pytest.raises(flowlens.InputError, match="nowhere"):
        flowlens.load(tmp_path / "nowhere")
    with pytest.raises(flowlens.InputError):
        graph.save(tmp_path / "no" / "folder")


def test_diff_of_two_maps(capture: Path) -> None:
    whole, part = flowlens.map(capture), flowlens.map(capture, filter="dst port 443")
    assert [d.port for d in part.diff(whole)["added"]] == [5432] and part.diff(whole)["removed"] == []
    assert [d.port for d in flowlens.diff(whole, part)["removed"]] == [5432]


def test_a_resolver_by_hand_and_a_follower(capture: Path) -> None:
    resolver, follower = flowlens.Resolver(), flowlens.Graph()
    for batch in flowlens.read(capture, batch_flows=10):
        resolver.add(batch)
        revision = resolver.flush()
        follower.apply(flowlens.Revision.from_bytes(bytes(revision)))
    last = resolver.finish(resolver.now)
    follower.apply(last)
    assert last.dependencies and last and last.number == resolver.graph.revision
    assert follower.export("json") == resolver.graph.export("json") == flowlens.map(capture).export("json")
    assert resolver.ledger["normalized"] == 40 == resolver.ledger["applied"]
    with pytest.raises(flowlens.InputError):
        flowlens.Revision.from_bytes(b"nonsense")
    assert resolver.add_facts([flowlens.Fact("10.0.0.3", "name", "db-1")]) == 1
    resolver.flush()
    assert resolver.graph.asset("db-1").label == "db-1"
    with pytest.raises(flowlens.ConfigError):
        flowlens.Fact("10.0.0.3", "No Attribute", "x")
    with pytest.raises(flowlens.ConfigError, match="site"):
        resolver.add_facts([flowlens.Fact("10.0.0.3", "name", "x", site="nowhere")])


def test_the_aggregator_and_the_enricher(capture: Path) -> None:
    enricher = flowlens.Enricher(sites={"10.0.0.0/24": "berlin"}, internal_networks=["192.0.2.0/24"])
    aggregator = flowlens.Aggregator(enricher=enricher, window=60)
    batches = list(flowlens.read(capture))
    labels = enricher.label(batches[0])
    assert labels[0].source_site == "berlin" and labels[0].destination_service == "https" and labels[0].source_internal
    assert enricher.is_internal("192.0.2.7") and not enricher.is_internal("198.51.100.1")
    for batch in batches:
        aggregator.add(batch, now=batch[-1].received)
    rows = aggregator.finish()
    assert len(rows) == 4 and rows[-1].window_start == rows[3].window_start
    assert sum(r.flows for r in rows) == 40 and {r.server_site for r in rows} == {"berlin"}
    assert len({r.window_start for r in rows}) == 2
    assert aggregator.ledger["applied"] == 40


def test_a_map_of_parts_sees_the_changes_that_a_resolver_sees() -> None:
    enricher = flowlens.Enricher(sites={"10.0.0.0/24": "berlin"})
    aggregator = flowlens.Aggregator(enricher=enricher, window=60)
    graph, detector = flowlens.Graph(enricher=enricher), flowlens.ChangeDetector(window=60, learning=3600)
    resolver = flowlens.Resolver(sites={"10.0.0.0/24": "berlin"}, window=60, learning=3600)
    decoder, found = flowlens.Decoder(), []
    for minute in range(240):  # the second server comes after three hours
        servers = ["10.0.0.2", "10.0.0.3"] if minute >= 180 else ["10.0.0.2"]
        now = (messages.BEGIN + 60 * minute) * 10**9
        for server in servers:
            datagram = messages.v5(1000, seconds=60 * minute, server=server)
            batch = decoder.decode(datagram, exporter="192.0.2.1", received=now)
            aggregator.add(batch, now=now)
            resolver.add(batch, now=now)
        summaries = aggregator.flush(now)
        assert graph.add_summaries(summaries) == 0
        found += detector.look(graph, summaries)
        if minute == 200:
            state, detector = detector.save_state(), flowlens.ChangeDetector(window=60, learning=3600)
            detector.load_state(state)
        resolver.flush(now)
    assert {("new_dependency", "10.0.0.3"), ("new_asset", "10.0.0.3")} <= {
        (c.type, str(graph.asset(c.subject).addresses[0] if c.subject_kind == "asset" else c.address)) for c in found
    }
    assert {c.id for c in found} == {c.id for c in resolver.graph.changes()}
    assert [d.server_site for d in graph.dependencies()] == ["berlin", "berlin"]
    with pytest.raises(flowlens.ConfigError, match="add_summaries"):
        detector.look(graph, aggregator.finish())
    with pytest.raises(flowlens.InputError):
        detector.load_state(b"nonsense")


def test_the_classifier_and_as_of(capture: Path) -> None:
    graph = flowlens.map(capture)
    facts = flowlens.Classifier(min_observation=0, min_flows=1).look(graph)
    assert all(f.attribute == "type" for f in facts)
    verdict = flowlens.Classifier().judge(graph, "10.0.0.3")
    assert abs(sum(verdict["probability"].values()) - 1) < 0.2
    at = datetime.fromtimestamp(messages.BEGIN, timezone.utc)
    assert len(graph.dependencies(as_of=at)) == 2
    assert graph.dependencies(as_of=at - timedelta(hours=5)) == []
    assert len(graph.compare(at - timedelta(hours=5), at)["added"]) == 2
    with pytest.raises(flowlens.ConfigError):
        flowlens.Classifier(rules="nonsense")


def test_arrow_of_a_map(graph: flowlens.Graph) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    for rows in ("dependencies", "assets", "changes"):
        table = pyarrow.table(graph.arrow(rows))
        assert table.num_rows == len(getattr(graph, rows)())
    assert set(pyarrow.table(graph.arrow()).column("port").to_pylist()) == {443, 5432}
    with pytest.raises(flowlens.ConfigError):
        graph.arrow("things")


def test_ctrl_c_ends_a_long_read(tmp_path: Path) -> None:
    path = tmp_path / "long.pcap"
    messages.write_capture(path, [(messages.BEGIN + i, messages.udp_frame(messages.v5(1))) for i in range(2_000)])
    reader = flowlens.read([path] * 3, batch_flows=1)
    handler = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT))
    try:
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            while True:
                for _ in reader:
                    pass
                reader = flowlens.read([path] * 3, batch_flows=1)
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, handler)


def test_batches_of_a_reader_stay_as_they_were(capture: Path) -> None:
    views = [numpy.asarray(b.column("octet_count")) for b in flowlens.read(capture, batch_flows=2)]
    assert [int(v[0]) for v in views[:3]] == [1000, 1001, 1002]
