"""`flowlens spof`: single points of failure."""

from __future__ import annotations

from .common import NOTHING, AsJson, Limit, new_app, note, print_json, print_table
from .maps import Internal, MapFiles, open_map

app = new_app()


@app.command()
def spof(files: MapFiles, internal: Internal = None, limit: Limit = 20, as_json: AsJson = False) -> int:
    """Which machines may not fail, and what would help. Exit code 1: none was found."""
    graph = open_map(files, internal=internal)
    found = graph.single_points(limit=limit or 1_000_000)
    points = found["points"]
    if as_json:
        for point in points:
            print_json(point)
    elif points:
        print_table(
            ("machine", "clients", "cut off", "reached over it only", "what would help"),
            ([p["label"], p["clients"], p["cut_off"], p["dominated"], p["remedy"]] for p in points),
            right=("clients", "cut off", "reached over it only"),
        )
    if found["total"] > len(points):
        note(f"{found['total'] - len(points):,} more; --limit 0 shows all")
    if not points:
        note("no single point of failure was seen")
    return 0 if points else NOTHING
