"""What the commands share: exit codes, tables, JSON, progress, and the options that several take."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import typer

NOTHING, USAGE, FILE, SERVER, INTERRUPTED, NO_READER = 1, 2, 3, 4, 130, 141
EXIT_CODES = (
    "Exit codes: 0 done; 1 nothing was found, or (diff) there are differences; 2 wrong options, filter or setting; "
    "3 a file cannot be read or written; 4 flowlensd cannot be reached, or refuses; 130 ended by Ctrl-C; "
    "141 whoever read the output went away."
)

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...", help="Captures (pcap, pcapng), IPFIX files, cloud flow logs; their kind is found out."
    ),
]
FilterText = Annotated[
    str | None,
    typer.Option("--filter", "-f", metavar="FILTER", help="Only what matches, such as 'dst port 443 and bytes > 1M'."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, of a shape that stays.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=0, help="Rows at most; 0: all.")]


class Failure(Exception):
    """Trouble that is said in one line."""

    def __init__(self, message: str, code: int = USAGE) -> None:
        super().__init__(message)
        self.code = code


def new_app() -> typer.Typer:
    """For one command, or one with commands of its own."""
    return typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=False
    )


def printable(text: object) -> str:
    """Names come from the network: what steers a terminal is shown as its number."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def note(text: str) -> None:
    """For people, beside the output."""
    print(printable(text), file=sys.stderr)


def print_json(value: object) -> None:
    """One line."""
    sys.stdout.write(json.dumps(value, default=plain, separators=(",", ":")) + "\n")


def plain(value: Any) -> Any:
    """How values that JSON lacks are written: times as RFC 3339 in UTC, octets as hexadecimal, all else as text."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return str(value)


def rfc3339(time: datetime) -> str:
    return time.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def print_table(titles: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> None:
    """Columns, in bold heads on a terminal; whole cells, without colour, for everybody else."""
    if sys.stdout.isatty():
        print_on_terminal(titles, rows, right)
        return
    cells = [list(titles), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(titles))]
    for row in cells:
        line = (
            cell.rjust(width) if title in right else cell.ljust(width)
            for cell, width, title in zip(row, widths, titles)
        )
        sys.stdout.write("  ".join(line).rstrip() + "\n")


def print_on_terminal(titles: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if title in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))  # never as markup
    Console().print(table)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Gives a function to call with the octets read so far, and of all (0: not known). Shown on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(printable(what), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def named(paths: Sequence[Path]) -> str:
    """`flows.pcap`, `a.pcap and 3 more`"""
    return paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more"


def check_filter(text: str | None, rows: str) -> str | None:
    """The filter as it was, if it is one; before long files are read in vain."""
    if text is not None:
        import flowlens

        flowlens.Filter(text, rows=rows)
    return text


def first(rows: Sequence[Any], limit: int) -> Sequence[Any]:
    """\\param limit  0: all of them."""
    return rows[:limit] if limit else rows
