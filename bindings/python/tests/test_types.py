"""The stubs say what is there: mypy reads them, stubtest holds them against the module."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import flowlens

PACKAGE = Path(flowlens.__file__).parent
SETTINGS = Path(__file__).parent.parent / "pyproject.toml"


def plain_environment() -> dict[str, str]:
    """Without a sanitizer: mypy is long at work, and loads nothing of ours."""
    left_out = ("LD_PRELOAD", "PYTHONMALLOC")
    return {**{k: v for k, v in os.environ.items() if k not in left_out}, "MYPYPATH": str(PACKAGE.parent)}


def run(module: str, *arguments: str) -> None:
    environment = plain_environment()
    if module == "mypy.stubtest":  # which imports the module
        environment |= {k: os.environ[k] for k in ("LD_PRELOAD",) if k in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, env=environment, cwd="/"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_and_its_stubs_are_typed(tmp_path: Path) -> None:
    run("mypy", "--config-file", str(SETTINGS), "--cache-dir", str(tmp_path))


def test_the_stubs_are_the_module(tmp_path: Path) -> None:
    run(
        "mypy.stubtest",
        "--mypy-config-file",
        str(SETTINGS),
        "flowlens._core",
        "--allowlist",
        str(Path(__file__).parent / "stubtest_allowed.txt"),
    )


def test_what_users_write_is_checked(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import flowlens\n"
        "for batch in flowlens.read('x.pcap'):\n"
        "    for flow in batch:\n"
        "        reveal_type(flow.octet_count)\n"
        "flowlens.read(5)\n"
    )
    environment = plain_environment()
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), str(program)],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
    )
    assert "int | None" in done.stdout or "Union[builtins.int, None]" in done.stdout, done.stdout
    assert 'incompatible type "int"' in done.stdout, done.stdout
