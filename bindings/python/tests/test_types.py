"""The stubs say what is there: mypy reads them, stubtest holds them against the module."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import flowlens
from flowlens import _core

PACKAGE = Path(flowlens.__file__).parent
SETTINGS = Path(__file__).parent.parent / "pyproject.toml"


def plain_environment() -> dict[str, str]:
    """Without a sanitizer: mypy is long at work, and loads nothing of ours."""
    left_out = ("LD_PRELOAD", "PYTHONMALLOC")
    return {**{k: v for k, v in os.environ.items() if k not in left_out}, "MYPYPATH": str(PACKAGE.parent)}


def test_the_package_and_its_stubs_are_typed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(SETTINGS), "--cache-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        env=plain_environment(),
        cwd=SETTINGS.parent,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# What pybind11 does otherwise than stubs can say: its types have a type of their own, those that nobody makes an
# __init__ that refuses; and functions that became methods call their first parameter what it is.
KNOWN = re.compile(
    r"is inconsistent, metaclass differs$"
    r"|\.__init__ is inconsistent, stub does not have \*args parameter"
    r'|Graph\.\w+ is inconsistent, stub parameter "self" differs from runtime parameter "graph"'
)


def test_the_stubs_are_the_module() -> None:
    environment = plain_environment()
    environment |= {k: os.environ[k] for k in ("LD_PRELOAD",) if k in os.environ}  # it imports the module
    environment["PYTHONPATH"] = str(PACKAGE.parent)
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "--concise", "--mypy-config-file", str(SETTINGS), "flowlens._core"],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("flowlens")]
    assert len(told) > 10, done.stdout + done.stderr  # it has looked
    assert [line for line in told if not KNOWN.search(line)] == []


def parameters_of_stub(function: ast.FunctionDef) -> list[str]:
    a = function.args
    names = [p.arg for p in a.posonlyargs + a.args]
    return [*names, *(["*"] if a.kwonlyargs else []), *(p.arg for p in a.kwonlyargs)]


def parameters_of_module(doc: str) -> list[str]:
    """Out of what pybind11 writes: `decode(self: Decoder, payload: object, *, exporter: object) -> FlowBatch`."""
    inside = doc[doc.index("(") + 1 : doc.index(") -> ")]
    depth, part, parts = 0, "", []
    for letter in inside:
        depth += (letter in "[({") - (letter in "])}")
        if letter == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += letter
    return [p.split(":")[0].split("=")[0].strip() for p in [*parts, part] if p.strip()]


# Their parameters have no name that anyone could use.
OF_PYTHON = {"__getitem__", "__contains__", "__eq__", "__exit__"}


def test_the_parameters_are_the_module_s() -> None:
    """stubtest cannot see parameters of what is made in C++."""
    compared = 0
    for node in ast.parse((PACKAGE / "_core.pyi").read_text()).body:
        scope = getattr(_core, node.name) if isinstance(node, ast.ClassDef) else _core
        for function in node.body if isinstance(node, ast.ClassDef) else [node]:
            if not isinstance(function, ast.FunctionDef) or function.name in OF_PYTHON:
                continue
            doc = getattr(getattr(scope, function.name, None), "__doc__", None) or ""
            if not doc.startswith(f"{function.name}("):
                continue  # a property, or made in Python
            stub, made = parameters_of_stub(function), parameters_of_module(doc)
            assert stub == made, f"{scope}.{function.name}"
            compared += 1
    assert compared > 60


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
