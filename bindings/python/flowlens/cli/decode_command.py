"""`flowlens decode`: what is in the datagrams, as uniform flows or element by element."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import (
    NOTHING,
    AsJson,
    Failure,
    Files,
    FilterText,
    Limit,
    check_filter,
    named,
    new_app,
    note,
    plain,
    print_json,
    printable,
    progress,
)
from .flows_command import each_flow, write

if TYPE_CHECKING:
    import flowlens

app = new_app()


@app.command()
def decode(
    files: Files,
    elements: Annotated[
        bool, typer.Option("--elements", help="Every information element of every record, by its IANA name.")
    ] = False,
    filter: FilterText = None,
    limit: Limit = 0,
    as_json: AsJson = False,
) -> int:
    """All flows of files, as a table or as JSON lines. Exit code 1: there is none.

    Without --elements a line is a flow: units, times and sampling are the same whatever the protocol. With it a
    line is a record as it was exported (captures of exporters only).
    """
    check_filter(filter, "flows")
    if elements and filter:
        raise Failure("--filter asks for flows, --elements shows records before they are flows; give one of them")
    if elements:
        seen = write_records(itertools.islice(records(files), limit or None), as_json)
    else:
        seen = write_flows(files, filter, limit, as_json)
    if not seen:
        note(f"{named(files)}: nothing was decoded; 'flowlens explain' says why")
    return 0 if seen else NOTHING


def write_flows(files, filter: str | None, limit: int, as_json: bool) -> int:  # type: ignore[no-untyped-def]
    import flowlens

    with progress(f"reading {named(files)}") as report, flowlens.read(files, filter=filter) as reader:
        seen = write(itertools.islice(each_flow(reader, report), limit or None), as_json)
        for problem in reader.problems:
            note(str(problem))
    return seen


def records(files) -> Iterator[tuple[flowlens.Datagram, flowlens.Record]]:  # type: ignore[no-untyped-def]
    import flowlens

    parser = flowlens.Parser()
    for path in files:
        for datagram in flowlens.datagrams(path):
            found = parser.parse(
                datagram.payload,
                exporter=datagram.exporter,
                received=datagram.received,
                exporter_port=datagram.exporter_port,
                collector_port=datagram.collector_port,
            )
            for record in found:
                yield datagram, record


def write_records(found: Iterable[tuple[flowlens.Datagram, flowlens.Record]], as_json: bool) -> int:
    count = 0
    for count, (datagram, record) in enumerate(found, 1):
        values = values_of(record)
        if as_json:
            print_json(
                {
                    "received": datagram.received,
                    "exporter": str(datagram.exporter),
                    "kind": record.kind,
                    "template_id": record.template_id,
                    "elements": values,
                }
            )
            continue
        sys.stdout.write(f"{datagram.exporter} {record.kind} template {record.template_id}\n")
        for name, value in values.items():
            shown = value if isinstance(value, (int, float, str, list)) else plain(value)
            sys.stdout.write(f"  {printable(name):<36} {printable(shown)}\n")
    return count


def values_of(record: flowlens.Record) -> dict[str, Any]:
    """By name; what a record has several of is a list."""
    values: dict[str, list[Any]] = {}
    for name, value in record.items():
        values.setdefault(name, []).append(value)
    return {name: each[0] if len(each) == 1 else each for name, each in values.items()}
