"""`flowlens flows`: the flows of files that match a filter."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from .common import (
    NOTHING,
    AsJson,
    Files,
    FilterText,
    Limit,
    check_filter,
    named,
    new_app,
    note,
    print_json,
    print_table,
    progress,
)
from .rows import FLOW_COLUMNS, flow_cells, flow_json

if TYPE_CHECKING:
    import flowlens

app = new_app()


class Order(str, Enum):
    """What flows can be sorted by; the largest first."""

    bytes = "bytes"
    packets = "packets"
    duration = "duration"


@app.command()
def flows(
    files: Files,
    filter: FilterText = None,
    sort: Annotated[
        Order | None, typer.Option("--sort", help="The largest first; without: in the order of the files.")
    ] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> int:
    """The flows that match a filter (docs/filters.md). Exit code 1: none does.

    JSON has one flow a line, with the columns of the Python package that the flow has.
    """
    import flowlens

    check_filter(filter, "flows")
    most = limit or None
    with progress(f"reading {named(files)}") as report, flowlens.read(files, filter=filter) as reader:
        every = each_flow(reader, report)
        if sort is None:
            shown = list(itertools.islice(every, most)) if most else every
        else:
            shown = heapq.nlargest(most, every, key=KEYS[sort]) if most else sorted(every, key=KEYS[sort], reverse=True)
        seen = write(shown, as_json)
    if not seen:
        note(f"{named(files)}: no flow matches" if filter else f"{named(files)}: no flow found")
    return 0 if seen else NOTHING


def each_flow(reader: flowlens.FlowReader, report) -> Iterator[flowlens.Flow]:  # type: ignore[no-untyped-def]
    for batch in reader:
        report(reader.octets_read, reader.octets_total)
        yield from batch


KEYS = {
    Order.bytes: lambda flow: flow.octet_count or 0,
    Order.packets: lambda flow: flow.packet_count or 0,
    Order.duration: lambda flow: flow.end - flow.start,
}


def write(shown, as_json: bool) -> int:  # type: ignore[no-untyped-def]
    """\\return how many there were."""
    count = 0
    if as_json:
        for count, flow in enumerate(shown, 1):
            print_json(flow_json(flow))
        return count
    # A table needs its widths first: by parts, so that a long file does not fill the memory.
    shown = iter(shown)
    while part := list(itertools.islice(shown, 10_000)):
        count += len(part)
        print_table(FLOW_COLUMNS, (flow_cells(flow) for flow in part), right=("packets", "bytes"))
    return count
