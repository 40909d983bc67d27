"""Puts the commands together, and turns whatever happens into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .common import EXIT_CODES, FILE, INTERRUPTED, NO_READER, USAGE, Failure, printable

COMMANDS = ("map", "top", "flows", "decode", "explain", "diff", "spof", "impact", "replay", "api")


class Commands(TyperGroup):
    """Knows the names of all commands, and imports one when it is asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__package__}.{cmd_name}_command")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)


def show_version(wanted: bool) -> None:
    if wanted:
        import flowlens

        typer.echo(f"flowlens {flowlens.__version__}")
        raise typer.Exit()


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Maps who depends on whom, from NetFlow, IPFIX, sFlow, packet captures and cloud flow logs."""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line. \\return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # terminals that lack a letter
    try:
        code = typer.main.get_command(app).main(arguments, prog_name="flowlens", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except BrokenPipeError:
        return reader_gone()
    except SystemExit as stop:
        # So typer ends where it meets the same.
        return reader_gone() if isinstance(stop.__context__, BrokenPipeError) else int(stop.code or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as problem:  # noqa: BLE001: every one of them is for a person to read
        return report(problem)


def reader_gone() -> int:
    """Whoever read our output has had enough. What Python would still write at its end goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return NO_READER


def report(problem: Exception) -> int:
    """One line on standard error. What is no known kind of trouble is a fault of ours, and keeps its traceback."""
    if isinstance(problem, typer.Abort):
        return INTERRUPTED
    if hasattr(problem, "format_message"):  # typer's own: a slip in the options
        context = getattr(problem, "ctx", None)
        path = context.command_path if context else "flowlens"
        say(f"{path}: {problem.format_message()} (see {path} --help)")
        return USAGE
    from flowlens import ConfigError, InputError

    if not isinstance(problem, (Failure, ConfigError, InputError, OSError)):
        raise problem
    say(f"flowlens: {described(problem)}")
    if isinstance(problem, Failure):
        return problem.code
    return USAGE if isinstance(problem, ConfigError) else FILE


def described(problem: Exception) -> str:
    """`flows.pcap: No such file or directory`, or what the library says."""
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename or 'the output'}: {problem.strerror}"
    return str(problem) or type(problem).__name__


def say(text: str) -> None:
    print("\n".join(printable(line) for line in text.rstrip().splitlines()), file=sys.stderr)
