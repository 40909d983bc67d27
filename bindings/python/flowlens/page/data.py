"""What the page of a map is made from: the map as `graph.export("json")` writes it, cut to what a page can hold."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, TypedDict

Row = dict[str, Any]

OUTSIDE = "outside"  # the group of all that is in no network of one's own
MAX_GROUPS = 40  # networks to tell apart; past it they are taken together by longer steps


class Map(TypedDict):
    """As the JSON export of a map has it."""

    assets: list[Row]
    dependencies: list[Row]


@dataclass(frozen=True)
class PageLimits:
    """The most that goes into one page; the rest is counted and said."""

    dependencies: int = 10_000
    assets: int = 5_000


def octets_of(dependency: Row) -> int:
    """Both ways, sampling undone: what filters call `bytes`."""
    return int(dependency["estimated_octets_to_server"]) + int(dependency["estimated_octets_to_client"])


def title_of(asset: Row) -> str:
    """Its name, or its first address; with the site where that is not the usual one."""
    if asset["name"]:
        return str(asset["name"])
    first = asset["endpoints"][0] if asset["endpoints"] else {"address": asset["id"], "site": "default"}
    return str(first["address"] if first["site"] == "default" else f"{first['address']} ({first['site']})")


def titles_of(map_: Map) -> dict[str, str]:
    """What to call each asset, by its id; one without a row by its address."""
    titles = {asset["id"]: title_of(asset) for asset in map_["assets"]}
    for d in map_["dependencies"]:
        for end in ("client", "server"):
            titles.setdefault(d[f"{end}_asset"], d[f"{end}_address"])
    return titles


def service_of(dependency: Row) -> str:
    """`postgresql 5432/tcp`, `8500/tcp`, `icmp`"""
    words = [dependency["service"]] if dependency["service"] else []
    port = f"{dependency['port']}/" if dependency["port"] else ""
    return " ".join([*words, f"{port}{dependency['protocol']}"])


def page_data(map_: Map, limits: PageLimits = PageLimits()) -> Row:
    """Everything that the page's script shows, those with the most traffic first.

    Sums in `totals` are over the whole map, also over what `left_out` counts.
    """
    dependencies = sorted(map_["dependencies"], key=lambda d: (-octets_of(d), d["id"]))
    shown, kept = _cut(dependencies, limits)
    in_use = {d[end] for d in dependencies for end in ("client_asset", "server_asset")}
    assets = {a["id"]: a for a in map_["assets"]}
    idle = [a["id"] for a in map_["assets"] if a["id"] not in in_use][: max(0, limits.assets - len(kept))]
    kept = [*kept, *idle]
    networks = _networks([assets[i] for i in kept if i in assets])
    place = {id_: number for number, id_ in enumerate(kept)}
    return {
        "assets": [_asset(assets.get(i), i, networks) for i in kept],
        "dependencies": [_dependency(d, place) for d in shown],
        "totals": totals(map_),
        "left_out": {
            "assets": len(map_["assets"]) - len(kept),
            "dependencies": len(dependencies) - len(shown),
            "octets": sum(map(octets_of, dependencies)) - sum(map(octets_of, shown)),
        },
    }


def totals(map_: Map) -> Row:
    """Sums over a whole map; times are RFC 3339 or empty. Who serves is told of directed dependencies only."""
    dependencies = map_["dependencies"]
    directed = [d for d in dependencies if d["direction"] == "client_server"]
    return {
        "assets": len(map_["assets"]),
        "dependencies": len(dependencies),
        "servers": len({d["server_asset"] for d in directed}),
        "clients": len({d["client_asset"] for d in directed}),
        "undirected": len(dependencies) - len(directed),
        "flows": sum(d["flows"] for d in dependencies),
        "octets": sum(map(octets_of, dependencies)),
        "is_sampled": any(octets_of(d) != d["octets_to_server"] + d["octets_to_client"] for d in dependencies),
        "first_seen": min((d["first_seen"] for d in dependencies), default=""),
        "last_seen": max((d["last_seen"] for d in dependencies), default=""),
    }


def _cut(dependencies: list[Row], limits: PageLimits) -> tuple[list[Row], list[str]]:
    """The busiest dependencies whose ends fit, and these ends in the order of their first one."""
    shown: list[Row] = []
    kept: dict[str, None] = {}
    for d in dependencies:
        new = dict.fromkeys(e for e in (d["client_asset"], d["server_asset"]) if e not in kept)
        if len(shown) < limits.dependencies and len(kept) + len(new) <= limits.assets:
            kept.update(new)
            shown.append(d)
    return shown, list(kept)


def _asset(asset: Row | None, id_: str, networks: dict[str, str]) -> Row:
    if asset is None:  # gone from the map, or without a row
        return {"name": id_, "addresses": [], "type": "unknown", "inside": False, "network": OUTSIDE}
    return {
        "name": title_of(asset),
        "addresses": [e["address"] for e in asset["endpoints"] if e["until"] is None][:20],
        "type": asset["asset_type"],
        "inside": asset["is_internal"],
        "network": networks[id_],
    }


def _dependency(d: Row, place: dict[str, int]) -> Row:
    return {
        "client": place[d["client_asset"]],
        "server": place[d["server_asset"]],
        "service": service_of(d),
        "direction": d["direction"],
        "evidence": d["rung"],
        "confidence": d["confidence"],
        "provisional": d["provisional"],
        "flows": d["flows"],
        "octets": octets_of(d),
        "first": d["first_seen"],
        "last": d["last_seen"],
    }


def _networks(assets: list[Row]) -> dict[str, str]:
    """The network that each asset is shown in: as small as leaves a page with few of them."""
    for v4, v6 in ((24, 64), (16, 48), (8, 32)):
        found = {a["id"]: _network(a, v4, v6) for a in assets}
        if len(set(found.values())) <= MAX_GROUPS:
            return found
    return {a["id"]: "inside" if a["is_internal"] else OUTSIDE for a in assets}


def _network(asset: Row, v4: int, v6: int) -> str:
    if not asset["is_internal"]:
        return OUTSIDE
    if not asset["endpoints"]:
        return "no address"
    address = ipaddress.ip_address(asset["endpoints"][0]["address"])
    return str(ipaddress.ip_network((address, v4 if address.version == 4 else v6), strict=False))
