"""`flowlens impact`: what breaks if a machine fails."""

from __future__ import annotations

from typing import Annotated

import typer

from .common import NOTHING, AsJson, Failure, Limit, first, new_app, note, print_json, print_table
from .maps import Internal, MapFiles, exported, find_asset, open_map, titles_of

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
    map_ = exported(graph)
    found = find_asset(map_, asset)
    if found is None:
        raise Failure(f"'{asset}' is not on the map; give an address, a name or an id of the {len(map_['assets']):,} machines that are")
    affected = graph.impact(found["id"])["affected"]
    titles = titles_of(map_)
    if as_json:
        for a in first(affected, limit):
            print_json({"asset": a["asset"], "name": titles[a["asset"]], "certainty": a["certainty"], "hops": a["hops"], "reason": a["reason"]})
    elif affected:
        print_table(("machine", "is hit", "hops", "why"),
                    ([titles[a["asset"]], a["certainty"], a["hops"], a["reason"]] for a in first(affected, limit)), right=("hops",))
    if not affected:
        note(f"nobody was seen to need {titles[found['id']]}")
    return 0 if affected else NOTHING
