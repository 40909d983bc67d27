"""Ways to look at a map from Python: networkx, pandas, a notebook, a drawing, a page.

The functions stand on what every `flowlens.Graph` has (`export`, `layout`, rows), and are its methods.
What they need beyond FlowLens (networkx, pandas, matplotlib) is imported when it is asked for.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from . import page
from .page.data import octets_of, service_of, title_of, titles_of

if TYPE_CHECKING:
    import matplotlib.axes
    import networkx
    import pandas

_SHOWN = 10  # dependencies in the short form of a notebook
_DRAWN = 150  # machines in a drawing
_TIMES = ("first_seen", "last_seen")


class GraphLike(Protocol):
    """What of `flowlens.Graph` is used here."""

    def export(self, format: str) -> str: ...

    def layout(self) -> dict[str, tuple[float, float]]: ...

    def assets(self) -> list[Any]: ...

    def dependencies(self) -> list[Any]: ...


class TextPlot(str):
    """A drawing in letters: shows itself as it is, in a notebook or at a prompt."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def rows(graph: GraphLike) -> page.Map:
    """The whole map as Python values, as the JSON export has it."""
    map_: page.Map = json.loads(graph.export("json"))
    return map_


def to_networkx(graph: GraphLike) -> networkx.MultiDiGraph[str]:
    """A `MultiDiGraph`: nodes are assets by their ids, edges go from client to server, keyed by dependencies' ids.

    Nodes and edges have what `to_dict()` of an asset and a dependency has; a node's `label` is its name or address.
    """
    nx = _need("networkx", "to_networkx()")
    made: networkx.MultiDiGraph[str] = nx.MultiDiGraph()
    for asset in graph.assets():
        values = asset.to_dict()
        made.add_node(values.pop("id"), label=values["name"] or next(iter(values["addresses"]), ""), **values)
    for dependency in graph.dependencies():
        values = dependency.to_dict()
        made.add_edge(values.pop("client_asset"), values.pop("server_asset"), key=values.pop("id"), **values)
    return made


def to_dataframe(graph: GraphLike, what: Literal["dependencies", "assets"] = "dependencies") -> pandas.DataFrame:
    """A pandas `DataFrame` with one row each; columns are what `to_dict()` of a row has, times are in UTC."""
    if what not in ("dependencies", "assets"):
        from flowlens import ConfigError

        raise ConfigError(f"what: `{what}`; `dependencies` or `assets` is wanted")
    pd = _need("pandas", "to_dataframe()")
    found = graph.dependencies() if what == "dependencies" else graph.assets()
    frame: pandas.DataFrame = pd.DataFrame([row.to_dict() for row in found])
    for name in _TIMES:
        if name in frame:
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame


def to_html(graph: GraphLike, path: str | Path, *, title: str | None = None, source: str | None = None) -> None:
    """Writes the map as one HTML page that needs no network: to look at, to search, to print, to send to others.

    `source` says in the page what was read. A page holds up to 10,000 dependencies and says what it leaves out.
    """
    import flowlens

    text = page.render(rows(graph), title=title, source=source, version=flowlens.__version__)
    Path(path).write_text(text, encoding="utf-8")


def repr_html(graph: GraphLike) -> str:
    """What a notebook shows: the map in a sentence, and its busiest dependencies."""
    map_ = rows(graph)
    busiest = sorted(map_["dependencies"], key=lambda d: (-octets_of(d), d["id"]))[:_SHOWN]
    titles = titles_of(map_)
    lines = [f"<p>{html.escape(page.sentence(page.totals(map_)))}</p>"]
    if busiest:
        lines.append(
            "<table><thead><tr><th>who uses</th><th>who serves</th><th>service</th><th>traffic</th></tr></thead><tbody>"
        )
        for d in busiest:
            cells = (titles[d["client_asset"]], titles[d["server_asset"]], service_of(d), page.size(octets_of(d)))
            lines.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
        lines.append("</tbody></table>")
    more = len(map_["dependencies"]) - len(busiest)
    if more:
        lines.append(
            f"<p>and {more:,} more: <code>to_dataframe()</code> has them all, <code>to_html(path)</code> draws them</p>"
        )
    return "".join(lines)


def plot(graph: GraphLike) -> matplotlib.axes.Axes | TextPlot:
    """A drawing with matplotlib, or in letters where that is not installed (`pip install matplotlib`).

    The 150 machines with the most traffic are drawn. `to_html()` makes the better picture.
    """
    map_ = rows(graph)
    try:
        from matplotlib import pyplot
    except ImportError:
        return TextPlot(text_of(map_))
    axes = pyplot.subplots(figsize=(9, 7))[1]
    traffic: dict[str, int] = {}
    for d in map_["dependencies"]:
        for end in (d["client_asset"], d["server_asset"]):
            traffic[end] = traffic.get(end, 0) + octets_of(d)
    drawn = set(sorted(traffic, key=lambda id_: (-traffic[id_], id_))[:_DRAWN])
    places = {id_: at for id_, at in graph.layout().items() if id_ in drawn}
    for d in map_["dependencies"]:
        ends = places.get(d["client_asset"]), places.get(d["server_asset"])
        if ends[0] is not None and ends[1] is not None:
            style = {"arrowstyle": "-|>", "color": "#4a6fa8", "alpha": 0.5, "shrinkA": 5, "shrinkB": 5}
            axes.annotate("", xy=ends[1], xytext=ends[0], arrowprops=style)
    axes.scatter([x for x, _ in places.values()], [y for _, y in places.values()], s=25, color="#17202b", zorder=3)
    for asset in map_["assets"]:
        if asset["id"] in places:
            # Names come from the network: `$` would begin a formula.
            axes.annotate(
                title_of(asset).replace("$", r"\$"),
                xy=places[asset["id"]],
                xytext=(4, 4),
                textcoords="offset points",
                fontsize=8,
            )
    left_out = len(traffic) - len(places)
    axes.set_title(
        "arrows go from who uses to who serves" + (f"; {left_out:,} machines left out" if left_out > 0 else ""),
        fontsize=9,
    )
    axes.set_axis_off()
    return axes


def text_of(map_: page.Map, most: int = 40) -> str:
    """Who serves what, and to whom, in letters; the servers with the most traffic first."""
    titles = titles_of(map_)
    servers: dict[str, dict[str, list[str]]] = {}
    traffic: dict[str, int] = {}
    for d in map_["dependencies"]:
        name = titles[d["server_asset"]]
        users = servers.setdefault(name, {}).setdefault(service_of(d), [])
        users.append(titles[d["client_asset"]])
        traffic[name] = traffic.get(name, 0) + octets_of(d)
    lines = []
    for name in sorted(servers, key=lambda n: (-traffic[n], n))[:most]:
        lines.append(name)
        for service, users in sorted(servers[name].items()):
            shown = ", ".join(sorted(set(users))[:6])
            lines.append(f"  {service} <- {len(set(users))}: {shown}{', ...' if len(set(users)) > 6 else ''}")
    if len(servers) > most:
        lines.append(f"and {len(servers) - most:,} more")
    return "\n".join(printable(line) for line in lines)


def printable(text: str) -> str:
    """Names come from the network: what steers a terminal is shown as its number."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def add_views(to: type) -> None:
    """Makes them methods. The class is made in C++, and open."""
    for name, view in (
        ("to_networkx", to_networkx),
        ("to_dataframe", to_dataframe),
        ("to_html", to_html),
        ("_repr_html_", repr_html),
        ("plot", plot),
    ):
        setattr(to, name, view)


def _need(module: str, what: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as missing:
        raise ImportError(f"{what} needs {module}: pip install {module}") from missing
