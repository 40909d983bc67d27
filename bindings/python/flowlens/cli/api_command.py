"""`flowlens api`: a running flowlensd, asked from the command line."""

from __future__ import annotations

import getpass
import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from flowlens.page import Map, render, size
from flowlens.page.data import octets_of, service_of

from .common import (
    NOTHING,
    SERVER,
    USAGE,
    AsJson,
    Failure,
    FilterText,
    Limit,
    new_app,
    note,
    print_json,
    print_table,
    printable,
)
from .server import Server, keep_token, kept_tokens

app = new_app()
Params = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A query parameter (again for more).")
]


@app.callback()
def options(
    context: typer.Context,
    url: Annotated[
        str, typer.Option("--url", envvar="FLOWLENS_URL", help="Where flowlensd answers.")
    ] = "http://127.0.0.1:8000",
    ca: Annotated[
        Path | None,
        typer.Option("--ca", metavar="FILE", help="Certificates to trust over https, instead of the system's."),
    ] = None,
) -> None:
    """Asks a running flowlensd (docs/api.md).

    Who has to log in uses 'login' once, or sets FLOWLENS_TOKEN to an API token.
    """
    context.obj = Server(url, ca=ca)


PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Take the password from standard input.")]


@app.command()
def login(
    context: typer.Context,
    name: Annotated[str, typer.Option("--name", prompt=True, help="Of the user.")],
    scope: Annotated[str, typer.Option("--scope", help="What the token may: viewer, analyst or admin.")] = "viewer",
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How long it lives.")] = 90,
    password_stdin: PasswordStdin = False,
) -> None:
    """Asks for a password, gets an API token for it and keeps that; the password is not kept."""
    server: Server = context.obj
    wanted = {"name": f"flowlens on {socket.gethostname()}"[:64], "scope": scope, "expires_in_days": days}
    with session(server, name, password_stdin) as user:
        made = server.json("POST", "/api/v1/auth/tokens", body=wanted)
    keep_token(server.url, {"token": made["token"], "id": made["id"], "expires": made["expires"]})
    note(f"logged in to {server.url} as {user}, {made['scope']} until {made['expires']}")


@app.command()
def logout(
    context: typer.Context,
    revoke: Annotated[
        str | None,
        typer.Option("--revoke", metavar="NAME", help="End the token at flowlensd too; asks for this user's password."),
    ] = None,
    password_stdin: PasswordStdin = False,
) -> int:
    """Forgets the token of this flowlensd. Exit code 1: there was none."""
    server: Server = context.obj
    entry = kept_tokens().get(server.url)
    if entry is None:
        note(f"no token for {server.url} is kept")
        return NOTHING
    if revoke is not None:
        with session(server, revoke, password_stdin):
            server.ask("DELETE", f"/api/v1/auth/tokens/{entry['id']}")
    keep_token(server.url, None)
    note(
        f"the token for {server.url} is forgotten"
        + ("" if revoke else f"; whoever has it may use it until {entry.get('expires')}, --revoke ends that")
    )
    return 0


@contextmanager
def session(server: Server, name: str, password_stdin: bool) -> Iterator[str]:
    """Logged in by name and password for a moment: flowlensd makes and ends tokens for nobody else.

    Gives the user's name.
    """
    server.expect_private()
    password = sys.stdin.readline().rstrip("\n") if password_stdin else getpass.getpass("Password: ")
    server.token = None
    answer = server.json("POST", "/api/v1/auth/login", body={"name": name, "password": password, "refresh": "body"})
    server.token = answer["access_token"]
    try:
        yield str(answer["user"]["name"])
    finally:
        server.ask("POST", "/api/v1/auth/logout", body={})


@app.command()
def get(context: typer.Context, path: str, param: Params = None) -> None:
    """Prints what a GET of PATH answers, such as /api/v1/analysis/spof."""
    write_answer(context.obj.ask("GET", path, query=parameters(param)))


@app.command()
def send(
    context: typer.Context,
    method: Annotated[str, typer.Argument(help="POST, PATCH, PUT or DELETE.")],
    path: str,
    body: Annotated[str | None, typer.Argument(help="JSON; '-': from standard input.")] = None,
    param: Params = None,
) -> None:
    """Sends a change, and prints the answer."""
    if method.upper() not in ("POST", "PATCH", "PUT", "DELETE"):
        raise Failure(f"'{method}' is none of POST, PATCH, PUT and DELETE")
    try:
        value = json.loads(sys.stdin.read() if body == "-" else body) if body is not None else None
    except ValueError as problem:
        raise Failure(f"the body is no JSON: {problem}") from None
    write_answer(context.obj.ask(method.upper(), path, query=parameters(param), body=value))


@app.command()
def assets(context: typer.Context, filter: FilterText = None, limit: Limit = 50, as_json: AsJson = False) -> int:
    """The machines of the map. Exit code 1: none matches."""
    rows = list(items(context.obj, "/api/v1/assets", filter, limit))
    return shown(
        rows,
        as_json,
        ("machine", "kind", "first seen", "last seen"),
        lambda a: (a["label"], a["asset_type"], a["first_seen"], a["last_seen"]),
    )


@app.command()
def dependencies(context: typer.Context, filter: FilterText = None, limit: Limit = 50, as_json: AsJson = False) -> int:
    """Who uses what of whom. Exit code 1: none matches."""
    rows = list(items(context.obj, "/api/v1/dependencies", filter, limit, [("sort", "-bytes")]))
    return shown(
        rows, as_json, ("who uses", "who serves", "service", "traffic", "flows"), dependency_cells, ("traffic", "flows")
    )


@app.command()
def changes(context: typer.Context, filter: FilterText = None, limit: Limit = 50, as_json: AsJson = False) -> int:
    """What became otherwise, the newest first. Exit code 1: nothing."""
    rows = list(items(context.obj, "/api/v1/changes", filter, limit))
    return shown(
        rows,
        as_json,
        ("when", "severity", "what", "reason"),
        lambda c: (c["at"], c["severity"], c["type"], c["reason"]),
    )


@app.command()
def page(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(metavar="FILE.html")],
    title: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Writes the map as it is now as one HTML page."""
    import flowlens

    server: Server = context.obj
    map_ = server.json("GET", "/api/v1/topology/export", query=[("format", "json")])
    if not isinstance(map_, dict) or not {"assets", "dependencies"} <= map_.keys():
        raise Failure(f"{server.url}: the answer is no map; is that a flowlensd?", SERVER)
    text = render(cast(Map, map_), title=title, source=server.url, version=flowlens.__version__)
    out.write_text(text, encoding="utf-8")
    note(f"wrote {out}")


def parameters(texts: list[str] | None) -> list[tuple[str, str]]:
    pairs = []
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Failure(f"--param '{text}' is not NAME=VALUE", USAGE)
        pairs.append((name, value))
    return pairs


def items(
    server: Server, path: str, filter: str | None, limit: int, query: list[tuple[str, str]] | None = None
) -> Iterator[dict[str, Any]]:
    """The rows of a list, page after page."""
    ask = [*(query or []), *([("filter", filter)] if filter else [])]
    sorted_, number, cursor, given = bool(query), 1, None, 0
    while True:
        size_ = min(limit - given, 1000) if limit else 1000
        step = [("page", str(number))] if sorted_ else [("cursor", cursor)] if cursor else []
        # Pages by number are cut alike: their size may not change on the way.
        answer = server.json(
            "GET", path, query=[*ask, *step, ("page_size", str(min(limit or 1000, 1000) if sorted_ else size_))]
        )
        for row in answer["items"]:
            yield row
            given += 1
            if limit and given == limit:
                return
        cursor, number = answer.get("next_cursor"), number + 1
        if not answer["items"] or (number > answer["pages"] if sorted_ else not cursor):
            return


def dependency_cells(d: dict[str, Any]) -> tuple[object, ...]:
    return (d["client"]["address"], d["server"]["address"], service_of(d), size(octets_of(d)), d["flows"])


def shown(rows, as_json: bool, titles, cells, right=()) -> int:  # type: ignore[no-untyped-def]
    """\\return the exit code."""
    if as_json:
        for row in rows:
            print_json(row)
    elif rows:
        print_table(titles, (cells(row) for row in rows), right)
    else:
        note("nothing found")
    return 0 if rows else NOTHING


def write_answer(content: bytes) -> None:
    """JSON in lines that people can read; all else as it came, on a terminal without what would steer it."""
    if not content:
        return
    try:
        sys.stdout.write(json.dumps(json.loads(content), indent=2) + "\n")
    except ValueError:
        if sys.stdout.isatty():
            lines = content.decode(errors="replace").splitlines()
            sys.stdout.write("\n".join(map(printable, lines)) + "\n")
            return
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
