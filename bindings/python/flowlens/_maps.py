"""Maps: made of files, kept in files, compared. What is here is put together from the objects of `_core`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from ._core import (
    Classifier,
    Dependency,
    Filter,
    Graph,
    InputError,
    Resolver,
    SiteRule,
    read,
)

_Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def map(
    paths: _Path | Iterable[_Path],
    *,
    filter: str | Filter | None = None,
    sites: Mapping[Any, str] | Iterable[SiteRule] | None = None,
    internal_networks: Iterable[Any] | None = None,
    window: float | timedelta = 300.0,
    content: str = "automatic",
    exporter_ports: Iterable[int] | None = None,
    classify: bool = True,
    progress: Callable[[int, int], object] | None = None,
) -> Graph:
    """The map of files: captures, IPFIX files, flow logs; several are one, in the order of time.

    filter: only flows that match. sites: {network: name}, or SiteRules. internal_networks: one's own, besides private
    ranges. progress: called with the octets read so far, and those of all files.
    """
    resolver = Resolver(sites=sites, internal_networks=internal_networks, window=window)
    with read(paths, filter=filter, content=content, exporter_ports=exporter_ports) as reader:
        resolver.read(reader, progress=progress)
    graph = resolver.graph
    if classify and resolver.add_facts(Classifier().look(graph, resolver.now)):
        resolver.flush()
    return graph


def load(path: str | os.PathLike[str]) -> Graph:
    """A map that Graph.save() has kept."""
    try:
        return Graph.from_bytes(Path(path).read_bytes())
    except InputError as problem:
        raise InputError(f"{os.fspath(path)}: {problem}") from None
    except OSError as problem:
        raise InputError(str(problem)) from None


def save(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Keeps the map in a file, for flowlens.load(). What stood there stays until all is written."""
    target = Path(path)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            with part.open("wb") as file:
                file.write(bytes(graph))
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise InputError(str(problem)) from None


def diff(earlier: Graph, later: Graph) -> dict[str, list[Dependency]]:
    """What two maps have not in common: `added`, only in the later one, and `removed`, only in the earlier.

    A dependency has the same id in every map: it follows from its ends, port and protocol.
    """
    before, after = ({d.id: d for d in graph.dependencies()} for graph in (earlier, later))
    return {
        "added": [after[i] for i in sorted(after.keys() - before.keys())],
        "removed": [before[i] for i in sorted(before.keys() - after.keys())],
    }


def _diff_of(self: Graph, later: Graph) -> dict[str, list[Dependency]]:
    """What a later map has that this one has not, and the other way round: flowlens.diff(self, later)."""
    return diff(self, later)


# Methods of Graph that need nothing but what it has. The class is made in C++, and open.
setattr(Graph, "save", save)
setattr(Graph, "diff", _diff_of)
