"""`flowlens top`: who sends most, and the like."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from flowlens.page import size

from .common import (
    NOTHING,
    AsJson,
    Files,
    FilterText,
    Limit,
    check_filter,
    first,
    named,
    new_app,
    note,
    print_json,
    print_table,
    progress,
)

if TYPE_CHECKING:
    import flowlens

app = new_app()


class By(str, Enum):
    """What flows are put together by."""

    address = "address"
    source = "source"
    destination = "destination"
    pair = "pair"
    port = "port"
    protocol = "protocol"
    exporter = "exporter"


@app.command()
def top(
    files: Files,
    by: Annotated[
        By, typer.Option("--by", help="address: either end; port: the destination's, with its protocol.")
    ] = By.address,
    filter: FilterText = None,
    limit: Limit = 10,
    as_json: AsJson = False,
) -> int:
    """Who has most traffic, by octets with sampling undone. Exit code 1: there is no flow.

    Flows are added up as they were exported: what two exporters saw counts twice. 'flowlens map' counts it once.
    """
    octets, flows = added_up(files, by, check_filter(filter, "flows"))
    total = sum(octets.values()) or 1
    ranked = first(sorted(octets, key=lambda key: (-octets[key], key)), limit)
    if as_json:
        for key in ranked:
            print_json({by.value: key, "bytes": octets[key], "flows": flows[key]})
    elif ranked:
        share = "share" if by is not By.address else ""  # either end counts: shares would not add up
        print_table(
            (by.value, "traffic", "flows", share),
            ([key, size(octets[key]), flows[key], f"{octets[key] / total:.1%}" if share else ""] for key in ranked),
            right=("traffic", "flows", "share"),
        )
    if not ranked:
        note(f"{named(files)}: no flow found")
    return 0 if ranked else NOTHING


def added_up(files, by: By, filter: str | None) -> tuple[Counter[str], Counter[str]]:  # type: ignore[no-untyped-def]
    """Octets and flows of each key."""
    import flowlens

    octets: Counter[str] = Counter()
    flows: Counter[str] = Counter()
    with progress(f"reading {named(files)}") as report, flowlens.read(files, filter=filter) as reader:
        for batch in reader:
            report(reader.octets_read, reader.octets_total)
            for flow in batch:
                for key in keys(flow, by):
                    octets[key] += (flow.octet_count or 0) * flow.sampling_rate
                    flows[key] += 1
    return octets, flows


def keys(flow: flowlens.Flow, by: By) -> set[str]:
    if by is By.address:
        return {str(flow.source_address), str(flow.destination_address)}
    if by is By.pair:
        return {f"{flow.source_address} -> {flow.destination_address}"}
    if by is By.port:
        return {
            (
                f"{flow.destination_port}/{flow.protocol}"
                if flow.destination_port is not None
                else f"protocol {flow.protocol}"
            )
        }
    return {
        str(
            {
                By.source: flow.source_address,
                By.destination: flow.destination_address,
                By.protocol: flow.protocol,
                By.exporter: flow.exporter,
            }[by]
        )
    }
