"""Maps for the commands that ask one: read from flows, or loaded as they were saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowlens.page import Map, size
from flowlens.page.data import octets_of, service_of, titles_of

from .common import check_filter, named, print_table, progress

if TYPE_CHECKING:
    import flowlens

SAVED = ".flowlens"  # how a file ends that holds a saved map

MapFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...", help=f"Captures, IPFIX files, flow logs; or one map saved by 'map --out NAME{SAVED}'."
    ),
]
Internal = Annotated[
    list[str] | None,
    typer.Option(
        "--internal", metavar="CIDR", help="A network of one's own, besides private addresses (again for more)."
    ),
]


def open_map(paths: list[Path], *, filter: str | None = None, internal: list[str] | None = None) -> flowlens.Graph:
    """The map of all files together, or the saved one."""
    import flowlens

    if len(paths) == 1 and paths[0].suffix == SAVED:
        return flowlens.load(paths[0])
    check_filter(filter, "flows")
    with progress(f"reading {named(paths)}") as report:
        return flowlens.map(paths, filter=filter, progress=report, internal_networks=internal)


def exported(graph: flowlens.Graph) -> Map:
    rows: Map = json.loads(graph.export("json"))
    return rows


def busiest_first(dependencies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(dependencies, key=lambda d: (-octets_of(d), d["id"]))


DIRECTIONS = {"client_server": "", "peer": "both serve", "unknown": "not known who serves"}


def print_dependencies(map_: Map, dependencies: list[dict[str, Any]]) -> None:
    titles = titles_of(map_)
    print_table(
        ("who uses", "who serves", "service", "traffic", "flows", "sure", ""),
        (
            [
                titles[d["client_asset"]],
                titles[d["server_asset"]],
                service_of(d),
                size(octets_of(d)),
                d["flows"],
                f"{d['confidence']:.0%}",
                DIRECTIONS[d["direction"]],
            ]
            for d in dependencies
        ),
        right=("traffic", "flows", "sure"),
    )
