"""The wheel is built as users build it, and the quick start runs in a fresh environment that has nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import messages

SOURCE = Path(os.environ["FLOWLENS_SOURCE"])
PACKAGE = SOURCE / "bindings" / "python"


def run(*command: str | Path, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LD_PRELOAD")}
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=cwd, env=environment)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_the_wheel_and_the_quick_start(tmp_path: Path) -> None:
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, PACKAGE, cwd=tmp_path)
    (wheel,) = tmp_path.glob("flowlens-*.whl")
    version = re.search(r"project\(flowlens VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text())
    assert version and wheel.name.startswith(f"flowlens-{version.group(1)}-cp")

    place = tmp_path / "fresh"
    run(sys.executable, "-m", "venv", place, cwd=tmp_path)
    python = place / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--no-index", wheel, cwd=tmp_path)

    quick_start = re.search(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text(), re.S)
    assert quick_start
    messages.exporters_capture(tmp_path / "capture.pcap")
    (tmp_path / "quick_start.py").write_text(quick_start.group(1))
    assert run(python, "quick_start.py", cwd=tmp_path) == "10.0.0.1 10.0.0.2 20\n"
    # Optional packages are optional.
    told = run(
        python,
        "-c",
        "import flowlens, sys; print(sorted({'numpy', 'pyarrow', 'pandas'} & set(sys.modules)))",
        cwd=tmp_path,
    )
    assert told == "[]\n"
    # The stubs are in it, and no part of the C++ project is.
    names = run(python, "-m", "zipfile", "-l", wheel, cwd=tmp_path)
    assert "flowlens/_core.pyi" in names and "flowlens/py.typed" in names
    assert not re.search(r"\.(hpp|a|cmake|pc)\b", names)
