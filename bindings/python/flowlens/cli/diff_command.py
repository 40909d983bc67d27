"""`flowlens diff`: what two maps have not in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flowlens.page import Map
from flowlens.page.data import service_of

from .common import NOTHING, AsJson, FilterText, new_app, note, print_json, print_table
from .maps import SAVED, Internal, exported, open_map, titles_of

app = new_app()
One = Annotated[Path, typer.Argument(metavar="FILE", help=f"A capture, IPFIX file or flow log, or a map saved as NAME{SAVED}.")]


@app.command()
def diff(earlier: One, later: One, filter: FilterText = None, internal: Internal = None, as_json: AsJson = False) -> int:
    """Which dependencies are new in LATER, and which are gone. Exit code 1: there are some."""
    maps = [exported(open_map([path], filter=filter, internal=internal)) for path in (earlier, later)]
    gone, new = difference(*maps)
    changes = [("-", d) for d in gone] + [("+", d) for d in new]
    if as_json:
        for sign, d in changes:
            print_json({"change": "added" if sign == "+" else "removed", "dependency": d})
    elif changes:
        titles = {"-": titles_of(maps[0]), "+": titles_of(maps[1])}
        print_table(("", "who uses", "who serves", "service"),
                    ([sign, titles[sign][d["client_asset"]], titles[sign][d["server_asset"]], service_of(d)] for sign, d in changes))
    note(f"{len(new):,} new, {len(gone):,} gone, {len(maps[1]['dependencies']) - len(new):,} in both")
    return NOTHING if changes else 0


def difference(earlier: Map, later: Map) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is only in the earlier one, and only in the later: the same ends and service have the same id everywhere."""
    before, after = ({d["id"]: d for d in map_["dependencies"]} for map_ in (earlier, later))
    return [before[i] for i in sorted(before.keys() - after.keys())], [after[i] for i in sorted(after.keys() - before.keys())]
