"""`flowlens impact`: what breaks if a machine fails."""

from __future__ import annotations

from typing import Annotated

import typer

from .common import NOTHING, AsJson, Failure, Limit, new_app, note, print_json, print_table
from .maps import Internal, MapFiles, open_map

app = new_app()


@app.command()
def impact(
    asset: Annotated[str, typer.Argument(metavar="MACHINE", help="An address, a name or an id.")],
    files: MapFiles,
    internal: Internal = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> int:
    """Who is hit if MACHINE fails, how surely, and why. Exit code 1: nobody.

    'certain', 'probable' and 'possible' are explained in docs/analysis.md.
    """
    graph = open_map(files, internal=internal)
    try:
        found = graph.impact(asset, limit=limit or 1_000_000)
    except KeyError:
        raise Failure(
            f"'{asset}' is not on the map; give the address, name or id of one of its {len(graph.assets()):,} machines"
        ) from None
    affected = found["affected"]
    if as_json:
        for a in affected:
            print_json(a)
    elif affected:
        print_table(
            ("machine", "is hit", "hops", "why"),
            ([a["label"], a["certainty"], a["hops"], a["reason"]] for a in affected),
            right=("hops",),
        )
    if found["left_out"]:
        note(f"{found['left_out']:,} more; --limit 0 shows all")
    if not affected:
        note(f"nobody was seen to need {asset}")
    return 0 if affected else NOTHING
