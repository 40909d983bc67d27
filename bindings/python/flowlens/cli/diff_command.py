"""`flowlens diff`: what two maps have not in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowlens.page.data import service_of, titles_of

from .common import NOTHING, AsJson, FilterText, new_app, note, print_json, print_table
from .maps import SAVED, Internal, exported, open_map

app = new_app()
One = Annotated[
    Path, typer.Argument(metavar="FILE", help=f"A capture, IPFIX file or flow log, or a map saved as NAME{SAVED}.")
]


@app.command()
def diff(
    earlier: One, later: One, filter: FilterText = None, internal: Internal = None, as_json: AsJson = False
) -> int:
    """Which dependencies are new in LATER, and which are gone. Exit code 1: there are some."""
    import flowlens

    graphs = [open_map([path], filter=filter, internal=internal) for path in (earlier, later)]
    found = flowlens.diff(*graphs)
    maps = {"-": exported(graphs[0]), "+": exported(graphs[1])}
    changed = {"-": {d.id for d in found["removed"]}, "+": {d.id for d in found["added"]}}
    changes = [(sign, d) for sign in "-+" for d in maps[sign]["dependencies"] if d["id"] in changed[sign]]
    if as_json:
        for sign, d in changes:
            print_json({"change": "added" if sign == "+" else "removed", "dependency": d})
    elif changes:
        titles = {sign: titles_of(map_) for sign, map_ in maps.items()}
        print_table(
            ("", "who uses", "who serves", "service"),
            (
                [sign, titles[sign][d["client_asset"]], titles[sign][d["server_asset"]], service_of(d)]
                for sign, d in changes
            ),
        )
    same = len(graphs[1]) - len(found["added"])
    note(f"{len(found['added']):,} new, {len(found['removed']):,} gone, {same:,} in both")
    return NOTHING if changes else 0
