"""The command `flowlens`: each command in a file of its own, imported when it is used."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, version


def missing() -> str:
    """What the command needs and is not there, or is too old; nothing for none."""
    for package, least in (("typer", (0, 9)), ("rich", (13, 0))):
        try:
            if tuple(int(n) for n in re.findall(r"\d+", version(package))[:2]) < least:
                return f"{package} {least[0]}.{least[1]} or later (there is {version(package)})"
        except PackageNotFoundError:
            return package
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns its exit code."""
    if lacks := missing():
        print(f"flowlens: the command needs {lacks}; install it with: pip install 'flowlens[cli]'", file=sys.stderr)
        return 3
    from .app import main as run

    return run(arguments)


__all__ = ["main"]
