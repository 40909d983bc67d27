#!/usr/bin/env python3
"""A map in a notebook: networkx, pandas, a short table, a drawing, a page; each has what the truth has."""

import json

from command import capture, expect_equal, python
from harness import expect, main, work_dir

OPEN = "import flowlens\ngraph = flowlens.map(value)\n"


def test_frames_and_networks():
    """`to_dataframe()` and `to_networkx()` have every dependency, its counts and times."""
    with work_dir("notebook") as directory:
        path, truth = capture(directory, "flows", "--duration", 20)
        code = OPEN + """
frame, assets, network = graph.to_dataframe(), graph.to_dataframe("assets"), graph.to_networkx()
print(json.dumps({
    "keys": frame[["client_address", "server_address", "protocol_name", "port"]].values.tolist(),
    "octets": int(frame["octets_to_server"].sum() + frame["octets_to_client"].sum()),
    "zone": str(frame["first_seen"].dt.tz), "ordered": bool((frame["first_seen"] <= frame["last_seen"]).all()),
    "assets": sorted(a[0] for a in assets["addresses"]),
    "edges": [[network.nodes[a]["label"], network.nodes[b]["label"]] for a, b in network.edges()],
    "flows": sum(d["flows"] for *_, d in network.edges(data=True)),
}))
try:
    graph.to_dataframe("flows")
except flowlens.ConfigError as refused:
    print(refused)
"""
        first, refused = python(code, str(path)).splitlines()
        found = json.loads(first)
        machines = sorted({end for key in truth for end in key[:2]})
        expect_equal({tuple(k) for k in found["keys"]}, set(truth), "rows")
        expect_equal(
            found["octets"], sum(r["octets_to_server"] + r["octets_to_client"] for r in truth.values()), "octets"
        )
        expect_equal((found["zone"], found["ordered"]), ("UTC", True), "times")
        expect_equal(found["assets"], machines, "assets")
        expect_equal(sorted(found["edges"]), sorted(list(key[:2]) for key in truth), "edges")
        expect_equal(found["flows"], sum(r["flows"] for r in truth.values()), "flows")
        expect("`flows`" in refused and "dependencies" in refused, refused)


def test_what_a_notebook_shows():
    """`_repr_html_` is a table without markup out of names; `plot()` draws, and writes where there is no matplotlib."""
    with work_dir("notebook") as directory:
        path, truth = capture(directory, "flows", "--duration", 20)
        shown = python(OPEN + "print(graph._repr_html_())", str(path))
        expect_equal(shown.count("<tr>"), 11, "rows, with the head")
        expect(f"{len(truth)} dependencies" in shown and f"{len(truth) - 10} more" in shown, shown)
        harmed = python("""
from flowlens.graph import repr_html
class Harmful:
    def export(self, format):
        harm = "<script>alert(1)</script>"
        end = {"client_asset": "1", "server_asset": "1", "client_address": harm, "server_address": harm}
        octets = {f"{kind}octets_to_{way}": 1 for kind in ("", "estimated_") for way in ("server", "client")}
        rest = {"port": 1, "protocol": "tcp", "direction": "peer", "first_seen": "", "last_seen": "", "flows": 1}
        return json.dumps({"assets": [{"id": "1", "name": harm, "endpoints": []}], "dependencies": [
            {"id": "2", "service": harm, **end, **octets, **rest}]})
print(repr_html(Harmful()))
""")
        expect("<script" not in harmed and "&lt;script&gt;" in harmed, harmed)
        drawn = python(
            "import matplotlib\nmatplotlib.use('agg')\n"
            + OPEN
            + "axes = graph.plot()\nprint(len(axes.texts), type(axes).__name__)",
            str(path),
        )
        labels, kind = drawn.split()
        machines = {end for key in truth for end in key[:2]}
        expect_equal((int(labels), kind), (len(truth) + len(machines), "Axes"), "arrows and names of a drawing")
        text = python("sys.modules['matplotlib'] = None\n" + OPEN + "print(repr(graph.plot()))", str(path))
        server = next(key[1] for key in truth)
        expect(f"\n{server}\n" in "\n" + text and " <- " in text, text)
        said = python(
            "sys.modules['networkx'] = None\n"
            + OPEN
            + "try:\n    graph.to_networkx()\nexcept ImportError as missing:\n    print(missing)",
            str(path),
        )
        expect("pip install networkx" in said, said)


if __name__ == "__main__":
    main(test_frames_and_networks, test_what_a_notebook_shows)
