"""A client of flowlensd's API, out of the standard library: JSON, tokens, and what may go wrong in one line."""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from .common import SERVER, USAGE, Failure

LONGEST = 256 * 1024 * 1024  # octets of an answer


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token goes to the server that was named and to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Server:
    """One flowlensd. \\param token  None: the one kept for it, if any."""

    def __init__(self, url: str, *, token: str | None = None, ca: Path | None = None) -> None:
        parts = urllib.parse.urlsplit(url)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.path.strip("/")
            or parts.query
            or parts.username
        ):
            raise Failure(f"--url '{url}' is no address of a flowlensd; give http://127.0.0.1:8000 or the like", USAGE)
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.is_private = (
            parts.scheme == "https" or parts.hostname in ("localhost", "::1") or parts.hostname.startswith("127.")
        )
        self.token = token or os.environ.get("FLOWLENS_TOKEN") or kept_tokens().get(self.url, {}).get("token")
        handlers: list[Any] = [NoRedirects(), urllib.request.ProxyHandler({})]
        if parts.scheme == "https":
            try:
                handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)))
            except (OSError, ssl.SSLError) as problem:
                raise Failure(f"--ca {ca}: {problem}", USAGE) from None
        self._opener = urllib.request.build_opener(*handlers)

    def ask(self, method: str, path: str, *, query: list[tuple[str, str]] | None = None, body: Any = None) -> bytes:
        """The body of a good answer. \\throws Failure with what the server says is wrong."""
        if not path.startswith("/") or not path.isascii() or any(c <= " " for c in path):
            raise Failure(f"'{path}' is no path; give /api/v1/assets or the like", USAGE)
        url = self.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {"Accept": "application/json", "User-Agent": "flowlens"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if self.token:
            self.expect_private()
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=60) as answer:
                content: bytes = answer.read(LONGEST + 1)
        except urllib.error.HTTPError as refused:
            raise Failure(f"{self.url}{path}: {said(refused)}", SERVER) from None
        except urllib.error.URLError as problem:
            raise Failure(
                f"{self.url}: {why(problem.reason)}; is flowlensd there? --url names another", SERVER
            ) from None
        except (OSError, ValueError) as problem:
            raise Failure(f"{self.url}: {why(problem)}", SERVER) from None
        if len(content) > LONGEST:
            raise Failure(
                f"{self.url}{path}: the answer has more than {LONGEST:,} octets; ask for less, by --param filter=…",
                SERVER,
            )
        return content

    def json(self, method: str, path: str, *, query: list[tuple[str, str]] | None = None, body: Any = None) -> Any:
        content = self.ask(method, path, query=query, body=body)
        try:
            return json.loads(content) if content else None
        except ValueError:
            raise Failure(f"{self.url}{path}: the answer is no JSON; is that a flowlensd?", SERVER) from None

    def expect_private(self) -> None:
        """\\throws Failure where others on the way could read along."""
        if not self.is_private:
            raise Failure(f"{self.url}: passwords and tokens go over https only, or to this machine itself", USAGE)


def said(refused: urllib.error.HTTPError) -> str:
    """What an answer like RFC 9457 says."""
    hint = "; 'flowlens api login' gets a token" if refused.code == 401 else ""
    try:
        problem = json.loads(refused.read(100_000))
        return f"{refused.code}: {problem.get('detail') or problem.get('title')}{hint}"
    except (ValueError, AttributeError, OSError):
        return f"{refused.code} {refused.reason}{hint}"


def why(reason: object) -> str:
    return str(getattr(reason, "strerror", None) or getattr(reason, "verify_message", None) or reason)


# Tokens are kept in one file that only its owner can read, by server.


def token_file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "flowlens" / "tokens.json"


def kept_tokens() -> dict[str, dict[str, str]]:
    path = token_file()
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise Failure(f"{path}: no JSON; remove it, and log in again", USAGE) from None
    return {url: entry for url, entry in kept.items() if isinstance(entry, dict)} if isinstance(kept, dict) else {}


def keep_token(url: str, entry: dict[str, str] | None) -> None:
    """\\param entry  `token` and `id`; None: forget it."""
    kept = kept_tokens()
    if entry is None:
        kept.pop(url, None)
    else:
        kept[url] = entry
    path = token_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(kept, file)
    new.replace(path)
