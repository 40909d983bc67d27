"""`flowlens spof`: single points of failure."""

from __future__ import annotations

from .common import NOTHING, AsJson, Limit, first, new_app, note, print_json, print_table
from .maps import Internal, MapFiles, exported, open_map, titles_of

app = new_app()


@app.command()
def spof(files: MapFiles, internal: Internal = None, limit: Limit = 20, as_json: AsJson = False) -> int:
    """Which machines may not fail, and what would help. Exit code 1: none was found."""
    graph = open_map(files, internal=internal)
    points = graph.single_points()["points"]
    titles = titles_of(exported(graph))
    if as_json:
        for point in first(points, limit):
            print_json({"asset": point["asset"], "name": titles[point["asset"]], "clients": point["clients"],
                        "cut_off": point["cut_off"], "dominated": point["dominated"], "remedy": point["remedy"]})
    elif points:
        print_table(("machine", "clients", "cut off", "reached over it only", "what would help"),
                    ([titles[p["asset"]], p["clients"], p["cut_off"], p["dominated"], p["remedy"]] for p in first(points, limit)),
                    right=("clients", "cut off", "reached over it only"))
    if not points:
        note("no single point of failure was seen")
    return 0 if points else NOTHING
