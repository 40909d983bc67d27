#!/usr/bin/env python3
"""Runs a program with ` --postgres URL` of a PostgreSQL of its own behind its arguments, in a temporary folder;
without a server installed, as it is."""
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/e2e"))
import postgres  # noqa: E402
from harness import Skipped  # noqa: E402


def main():
    with tempfile.TemporaryDirectory(prefix="flowlens-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            server = postgres.Server(folder)
        except (Skipped, KeyError) as why:
            print(f"without PostgreSQL: {why}", file=sys.stderr)
            return subprocess.call(sys.argv[1:])
        with server:
            return subprocess.call([*sys.argv[1:], "--postgres", server.url])


if __name__ == "__main__":
    sys.exit(main())
