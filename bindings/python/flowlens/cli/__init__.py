"""The command `flowlens`: each command in a file of its own, imported when it is used."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns its exit code."""
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ImportError as missing:
        print(
            f"flowlens: the command needs {missing.name}; install it with: pip install 'flowlens[cli]'", file=sys.stderr
        )
        return 3
    from .app import main as run

    return run(arguments)


__all__ = ["main"]
