"""FlowLens: who depends on whom, from NetFlow, IPFIX, sFlow, packet captures and flow logs.

    import flowlens

    graph = flowlens.map("capture.pcap")
    for dependency in graph.dependencies("port 443"):
        print(dependency.client_address, dependency.server_address, dependency.flows)

Times are datetimes in UTC (or int nanoseconds, where you give them), addresses are of module `ipaddress` (or text).
Objects may be shared between threads. Long calls let other threads run.
"""

from __future__ import annotations

from . import _core
from ._core import (
    Aggregator,
    ArrowRows,
    Asset,
    Change,
    ChangeDetector,
    Classifier,
    Column,
    ConfigError,
    Datagram,
    DatagramReader,
    Decoder,
    Dependency,
    Enricher,
    Error,
    Fact,
    Filter,
    Flow,
    FlowBatch,
    FlowLabels,
    FlowReader,
    GeoDatabase,
    Graph,
    InputError,
    Parser,
    Record,
    Records,
    Resolver,
    Revision,
    SiteRule,
    Summaries,
    Summary,
    __version__,
    datagrams,
    find_element,
    read,
)
from ._maps import diff, load, map
from .graph import add_views

__all__ = [
    "Aggregator",
    "ArrowRows",
    "Asset",
    "Change",
    "ChangeDetector",
    "Classifier",
    "Column",
    "ConfigError",
    "Datagram",
    "DatagramReader",
    "Decoder",
    "Dependency",
    "Enricher",
    "Error",
    "Fact",
    "Filter",
    "Flow",
    "FlowBatch",
    "FlowLabels",
    "FlowReader",
    "GeoDatabase",
    "Graph",
    "InputError",
    "Parser",
    "Record",
    "Records",
    "Resolver",
    "Revision",
    "SiteRule",
    "Summaries",
    "Summary",
    "__version__",
    "datagrams",
    "diff",
    "find_element",
    "load",
    "map",
    "read",
]

add_views(Graph)
del add_views

# What users see is called as they import it.
for _name in __all__:
    _object = getattr(_core, _name, None)
    if isinstance(_object, type):
        _object.__module__ = "flowlens"
del _name, _object
