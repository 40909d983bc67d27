"""The command `flowlens`: each command in a file of its own, imported when it is used."""

from .app import main

__all__ = ["main"]
