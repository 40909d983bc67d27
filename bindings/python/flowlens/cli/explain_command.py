"""`flowlens explain`: what each exporter sends, what is missing, and why something is not decoded."""

from __future__ import annotations

import sys

from .common import NOTHING, AsJson, Files, named, new_app, note, print_json, printable

app = new_app()


@app.command()
def explain(files: Files, as_json: AsJson = False) -> int:
    """What each exporter sends, what the map lacks of it, what was lost or refused, and why.

    Exit code 1: no datagram of an exporter is there.
    """
    import flowlens

    decoder = flowlens.Decoder()
    now = None  # the capture's own time: how long ago something came is counted from there
    for path in files:
        for datagram in flowlens.datagrams(path):
            decoder.decode(
                datagram.payload,
                exporter=datagram.exporter,
                received=datagram.received,
                exporter_port=datagram.exporter_port,
                collector_port=datagram.collector_port,
            )
            now = datagram.received
    shown = 0
    for exporter in decoder.exporters:
        explanation = decoder.explain(exporter, now=now)
        if explanation is None:
            continue
        shown += 1
        if as_json:
            print_json(explanation)
        else:
            sys.stdout.write("\n".join(printable(line) for line in explanation["text"].splitlines()) + "\n")
    if not shown:
        note(
            f"{named(files)}: no datagram of an exporter; 'flowlens map' also reads captures of ordinary traffic, "
            "which need no explanation"
        )
    return 0 if shown else NOTHING
