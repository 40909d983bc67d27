from __future__ import annotations

from pathlib import Path

import pytest
from messages import exporters_capture

import flowlens


@pytest.fixture()
def capture(tmp_path: Path) -> Path:
    return exporters_capture(tmp_path / "exporters.pcap")


@pytest.fixture()
def graph(capture: Path) -> flowlens.Graph:
    return flowlens.map(capture)
