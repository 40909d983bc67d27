"""A map as one HTML file: it asks nobody for anything and can be sent to people who have never heard of FlowLens.

Names and services come from the network. They reach the page as JSON in which nothing can end the element that holds
it, the script shows them as text only, and a Content-Security-Policy allows the page's own script and style by their
hashes and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib import resources
from typing import Any

from .data import Map, PageLimits, page_data, totals

__all__ = ["Map", "PageLimits", "render", "sentence", "size", "totals"]


def render(
    map_: Map,
    *,
    title: str | None = None,
    source: str | None = None,
    version: str = "",
    limits: PageLimits = PageLimits(),
) -> str:
    """The whole page. `map_` is what `json.loads(graph.export("json"))` gives, `source` what it was read from."""
    data = page_data(map_, limits)
    style, script = _part("page.css"), _part("page.js")
    parts = {
        "policy": f"default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'",
        "title": html.escape(title or "Who depends on whom"),
        "sentence": html.escape(sentence(data["totals"], source)),
        "left_out": html.escape(_left_out(data["left_out"])),
        "version": html.escape(f"FlowLens {version}".strip()),
        "style": style,
        "data": embedded_json(data),
        "script": script,
    }
    # In one pass: what is put in is not looked through for marks again.
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: parts[mark[1]], _part("page.html"))


def sentence(sums: dict[str, Any], source: str | None = None) -> str:
    """What was read, and when, in words."""
    read = f"Read from {source}: " if source else ""
    if not sums["dependencies"]:
        return f"{read}no traffic between two machines was found."
    span = f"{_moment(sums['first_seen'])} to {_moment(sums['last_seen'])} UTC"
    return (
        f"{read}{_count(sums['flows'], 'flow')} seen from {span}. Among {_count(sums['assets'], 'machine')} "
        f"{_count(sums['dependencies'], 'dependency', 'dependencies')} {_are(sums['dependencies'])} known: "
        f"{_count(sums['clients'], 'machine')} {'uses' if sums['clients'] == 1 else 'use'} what "
        f"{_count(sums['servers'], 'machine')} {'serves' if sums['servers'] == 1 else 'serve'}, "
        f"with {size(sums['octets'])}"
        f"{' (estimated from samples)' if sums['is_sampled'] else ''} of traffic."
    )


def size(octets: int) -> str:
    """`1.4 MB`, in powers of 1000; halves go up, as the page's script has it."""
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    at = 0
    while octets / 1000**at >= 999.5 and at < len(units) - 1:
        at += 1
    tenths = int(octets * 10 / 1000**at + 0.5)
    if at == 0 or tenths >= 1000:
        return f"{int(octets / 1000**at + 0.5)} {units[at]}"
    return f"{tenths / 10} {units[at]}"


def embedded_json(data: Any) -> str:
    """JSON that may stand in a `script` element: no `<`, and none of the two line ends that old scripts knew."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for odd in "<>&\u2028\u2029":
        text = text.replace(odd, f"\\u{ord(odd):04x}")
    # A lone surrogate cannot be written as UTF-8; it is no character, so nothing is lost.
    return text.encode("utf-8", "replace").decode("utf-8")


def _left_out(left: dict[str, int]) -> str:
    if not left["dependencies"] and not left["assets"]:
        return ""
    return (
        f"Left out of this page, to keep it small: {_count(left['dependencies'], 'dependency', 'dependencies')} with "
        f"the least traffic ({size(left['octets'])} together) and {_count(left['assets'], 'machine')}. "
        "The sums above include them."
    )


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _moment(text: str) -> str:
    """`2026-01-05 09:00:01` of RFC 3339."""
    return text[:19].replace("T", " ").rstrip("Z")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
