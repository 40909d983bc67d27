"""Decoder, FlowBatch, Flow and Column."""

from __future__ import annotations

import gc
import hashlib
import ipaddress
import struct
import weakref
from datetime import datetime, timedelta, timezone

import messages
import numpy
import pytest

import flowlens

RECEIVED = datetime.fromtimestamp(messages.BEGIN, timezone.utc)


def decoded(payload: bytes, decoder: flowlens.Decoder | None = None) -> flowlens.FlowBatch:
    return (decoder or flowlens.Decoder()).decode(payload, exporter="192.0.2.1", received=RECEIVED)


def test_a_flow_has_its_values_as_python_has_them() -> None:
    batch = decoded(messages.v5(840))
    assert batch.accepted and batch.diagnostic is None and len(batch) == 1
    flow = batch[0]
    assert flow.source_address == ipaddress.IPv4Address("10.0.0.1")
    assert flow.destination_port == 443
    assert flow.octet_count == 840 and flow.packet_count == 3
    assert flow.start == RECEIVED - timedelta(seconds=10)
    assert flow.end - flow.start == timedelta(seconds=9)
    assert flow.received == RECEIVED
    assert flow.exporter == ipaddress.ip_address("192.0.2.1")
    assert flow.export_protocol == "netflow_v5" and flow.kind == "traffic"
    assert flow.post_source_address is None and flow.layers == []
    assert "10.0.0.1:40000 > 10.0.0.2:443 tcp, 840 octets" in repr(flow)
    assert flow.to_dict()["start"] == "2023-11-14T22:13:10Z"


def test_what_was_not_exported_is_none() -> None:
    flow = decoded(messages.ipfix())[0]
    assert flow.octet_count is None and flow.source_port is None and flow.estimated_octet_count is None
    assert flow.protocol == 6


@pytest.mark.parametrize(
    ("payload", "code", "accepted"),
    [
        (b"", "truncated", False),
        (b"\x00\x63" + bytes(30), "unknown_version", False),
        (messages.ipfix(with_template=False), "unknown_template", True),
        (messages.v5(1)[:-1], "bad_count", True),
    ],
)
def test_a_malformed_datagram_is_data(payload: bytes, code: str, accepted: bool) -> None:
    batch = decoded(payload)
    assert batch.diagnostic_code == code and code in (batch.diagnostic or "")
    assert batch.accepted is accepted and len(batch) == 0


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, numpy.frombuffer])
def test_any_bytes_like_object_decodes(kind: type) -> None:
    payload = messages.v5(1)
    assert len(decoded(kind(payload, dtype=numpy.uint8) if kind is numpy.frombuffer else kind(payload))) == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"exporter": "nowhere"}, flowlens.ConfigError),
        ({"exporter": "10.0.0.1", "received": datetime(2026, 1, 1)}, flowlens.ConfigError),
        ({"exporter": "10.0.0.1", "received": 2**80}, flowlens.ConfigError),
        ({"exporter": "10.0.0.1", "received": 1.5}, TypeError),
        ({"exporter": "10.0.0.1", "received": True}, TypeError),
    ],
)
def test_misuse_raises(arguments: dict, error: type[Exception]) -> None:
    with pytest.raises(error):
        flowlens.Decoder().decode(b"", **arguments)
    assert issubclass(flowlens.ConfigError, flowlens.Error) and issubclass(flowlens.ConfigError, ValueError)


def test_payload_that_is_no_buffer_or_lies_apart_raises() -> None:
    with pytest.raises(TypeError):
        decoded("text")  # type: ignore[arg-type]
    with pytest.raises(BufferError):
        decoded(memoryview(messages.v5(1))[::2])
    with pytest.raises(flowlens.ConfigError, match="0"):
        flowlens.Decoder(max_templates=0)
    with pytest.raises(flowlens.ConfigError, match="innermost"):
        flowlens.Decoder(tunnel_view="sideways")


def test_a_column_is_a_view_that_keeps_its_batch() -> None:
    batch = decoded(messages.v5(1, 2, 3))
    octets = numpy.asarray(batch.column("octet_count"))
    assert octets.dtype == numpy.uint64 and octets.tolist() == [1, 2, 3]
    assert octets.strides == (152,) and not octets.flags.writeable and not octets.flags.owndata
    again = numpy.asarray(batch.column("octet_count"))
    assert again.__array_interface__["data"][0] == octets.__array_interface__["data"][0]
    del batch, again
    gc.collect()
    assert octets.tolist() == [1, 2, 3]


def test_columns_have_the_types_that_they_say() -> None:
    batch = decoded(messages.v5(1, 2))
    times = numpy.asarray(batch.column("received"))
    assert times.dtype == numpy.int64
    assert times.view("datetime64[ns]")[0] == numpy.datetime64("2023-11-14T22:13:20", "ns")
    addresses = numpy.asarray(batch.column("source_address"))
    assert addresses.shape == (2, 16) and addresses[0].tolist() == [0] * 10 + [255, 255, 10, 0, 0, 1]
    kinds = batch.column("export_protocol")
    assert kinds.words[numpy.asarray(kinds)[0]] == "netflow_v5"
    assert numpy.asarray(batch.column("times_replaced")).tolist() == [False, False]
    for name in batch.columns:
        column = batch.column(name)
        assert len(column) == len(memoryview(column)) == 2
        assert column[0] == getattr(batch[0], name), name
        assert column[-1] == getattr(batch[1], name), name
        with pytest.raises(IndexError):
            column[2]


def test_present_tells_zero_from_absent() -> None:
    batch = flowlens.FlowBatch([decoded(messages.v5(0)), decoded(messages.ipfix())])
    column = batch.column("octet_count")
    assert numpy.asarray(column).tolist() == [0, 0]
    assert numpy.asarray(column.present).tolist() == [True, False]
    assert column[0] == 0 and column[1] is None


def test_columns_refuse_what_they_cannot_give() -> None:
    batch = decoded(messages.v5(1, 2))
    with pytest.raises(flowlens.ConfigError, match="octet_count"):
        batch.column("bytes")
    assert bytes(batch.column("octet_count")) == struct.pack("=2Q", 1, 2)  # who knows strides puts them in a row
    with pytest.raises(BufferError):
        hashlib.sha256(batch.column("octet_count"))  # who does not would read what lies between
    with pytest.raises((BufferError, TypeError)):
        memoryview(batch.column("octet_count")).cast("B")[0] = 1
    empty = flowlens.FlowBatch()
    assert numpy.asarray(empty.column("start")).tolist() == [] and list(empty) == []


def test_a_batch_is_a_sequence() -> None:
    batch = decoded(messages.v5(1, 2, 3, 4))
    assert [f.octet_count for f in batch] == [1, 2, 3, 4]
    assert batch[-1].octet_count == 4
    assert [f.octet_count for f in batch[1:3]] == [2, 3]
    assert [f.octet_count for f in batch[::-2]] == [4, 2]
    with pytest.raises(IndexError):
        batch[4]
    assert [f.octet_count for f in flowlens.FlowBatch([batch, batch[:1]])] == [1, 2, 3, 4, 1]


def test_a_flow_keeps_its_batch() -> None:
    flow = decoded(messages.v5(5))[0]
    gc.collect()
    assert flow.octet_count == 5


def test_filters() -> None:
    batch = decoded(messages.v5(1, 2_000_000))
    assert len(batch.filter("bytes > 1M")) == 1
    wanted = flowlens.Filter("dst port 443 and bytes > 1M")
    assert [wanted.matches(f) for f in batch] == [False, True]
    assert flowlens.Filter(wanted.canonical).canonical == wanted.canonical
    with pytest.raises(flowlens.ConfigError, match="column 10"):
        flowlens.Filter("dst port http99")
    with pytest.raises(TypeError):
        batch.filter(flowlens.Filter("port 443", "dependencies"))
    with pytest.raises(flowlens.ConfigError, match="rows"):
        flowlens.Filter("port 443", "things")
    assert {f["name"] for f in flowlens.Filter.fields("assets")} >= {"name", "ip", "type"}


def test_state_counters_and_explanation() -> None:
    first = flowlens.Decoder()
    decoded(messages.ipfix(), first)
    assert first.counters["datagrams"] == {"received": 1, "accepted": 1, "refused": {}}
    second = flowlens.Decoder()
    second.load_state(first.save_state())
    assert len(decoded(messages.ipfix(with_template=False), second)) == 1
    with pytest.raises(flowlens.InputError):
        second.load_state(b"nonsense")
    explanation = first.explain("192.0.2.1", now=RECEIVED)
    assert explanation is not None and explanation["templates"][0]["id"] == 300
    assert [name for name, _ in explanation["templates"][0]["fields"]] == [
        "sourceIPv4Address",
        "destinationIPv4Address",
        "protocolIdentifier",
    ]
    assert "octet_count" in explanation["missing_fields"]
    assert first.explain("203.0.113.1") is None
    assert first.exporters == [ipaddress.ip_address("192.0.2.1")]


def test_sampling_overrides() -> None:
    decoder = flowlens.Decoder(sampling_overrides={"192.0.2.0/24": 100})
    flow = decoded(messages.v5(10), decoder)[0]
    assert flow.sampling_rate == 100 and flow.estimated_octet_count == 1000


def test_arrow() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    batch = decoded(messages.v5(1, 2))
    table = pyarrow.table(batch)
    assert table.column("octet_count").to_pylist() == [1, 2]
    assert str(table.schema.field("start").type) == "timestamp[ns, tz=UTC]"
    texts = pyarrow.table(batch.arrow(addresses="text", columns=["source_address", "octet_count"]))
    assert texts.to_pylist()[0] == {"source_address": "10.0.0.1", "octet_count": 1}
    missing = pyarrow.table(decoded(messages.ipfix()))
    assert missing.column("octet_count").to_pylist() == [None]
    with pytest.raises(flowlens.ConfigError):
        pyarrow.table(batch.arrow(columns=["nothing"]))
    polars = pytest.importorskip("polars")
    assert polars.DataFrame(batch)["octet_count"].to_list() == [1, 2]


def test_an_arrow_stream_that_nobody_takes_is_let_go() -> None:
    class Watched(flowlens.FlowBatch):
        pass

    batch = Watched([decoded(messages.v5(1))])
    gone = weakref.ref(batch)
    capsule = batch.__arrow_c_stream__()
    del capsule, batch
    gc.collect()
    assert gone() is None


def test_the_parser_gives_every_element_by_its_name() -> None:
    parser = flowlens.Parser()
    records = parser.parse(messages.ipfix(), exporter="192.0.2.1", received=RECEIVED)
    assert records.accepted and records.diagnostic is None
    record = records[0]
    assert record.kind == "data" and record.template_id == 300 and record.protocol == "ipfix"
    assert record["sourceIPv4Address"] == ipaddress.ip_address("10.0.0.1")
    assert dict(record) == dict(record.items())
    assert list(record) == ["sourceIPv4Address", "destinationIPv4Address", "protocolIdentifier"]
    assert "octetDeltaCount" not in record and record.get("octetDeltaCount", 7) == 7
    with pytest.raises(KeyError):
        record["octetDeltaCount"]
    assert record.observation_domain == 7 and record.export_time == RECEIVED
    assert flowlens.find_element("octetDeltaCount")["number"] == 1  # type: ignore[index]
    assert flowlens.find_element("nothing") is None
    assert parser.parse(b"", exporter="192.0.2.1").diagnostic is not None
