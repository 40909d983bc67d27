"""`flowlens map`: flows to a map, as a table, a file or a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import NOTHING, AsJson, Failure, FilterText, Limit, first, named, new_app, note, print_json
from .maps import SAVED, Internal, MapFiles, busiest_first, exported, open_map, print_dependencies

app = new_app()

FORMATS = {".json": "json", ".graphml": "graphml", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".csv": "csv"}


@app.command()
def map(
    files: MapFiles,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page to look at, complete in itself.")
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help=f"Write the map; by its end {', '.join(FORMATS)} or {SAVED} (to load again).",
        ),
    ] = None,
    filter: FilterText = None,
    internal: Internal = None,
    title: Annotated[str | None, typer.Option("--title", help="What stands above the page.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> int:
    """Who depends on whom: a table, a file for other programs, or a page for people.

    Prints the table where no file is asked for. Exit code 1: no dependency was found.
    """
    for path in out or []:
        if path.suffix not in {**FORMATS, SAVED: ""}:
            raise Failure(f"--out {path}: '{path.suffix}' is no known end; give {', '.join([*FORMATS, SAVED])}")
    graph = open_map(files, filter=filter, internal=internal)
    for path in out or []:
        if path.suffix == SAVED:
            graph.save(path)
        else:
            path.write_text(graph.export(FORMATS[path.suffix]), encoding="utf-8", newline="")
        note(f"wrote {path}")
    if html:
        graph.to_html(html, title=title, source=named(files))
        note(f"wrote {html}")
    map_ = exported(graph)
    if as_json:
        print_json(map_)
    elif map_["dependencies"] and not out and not html:
        shown = first(busiest_first(map_["dependencies"]), limit)
        print_dependencies(map_, list(shown))
        if len(shown) < len(map_["dependencies"]):
            note(f"{len(map_['dependencies']) - len(shown):,} more; --limit 0 shows all")
    if not map_["dependencies"]:
        note(f"{named(files)}: no dependency found")
        return NOTHING
    return 0
