"""The matcher's scripts once more, on an emulated Cortex-M3 with 140 KB of heap."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.microcontroller import Microcontroller, with_workload

pytestmark = pytest.mark.qemu

SCRIPTS = sorted((Path(__file__).parents[1] / "scripts").glob("*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script(path: Path) -> None:
    text = path.read_text()
    if "WORKLOAD" in text:
        text = with_workload(text, 64)
    with Microcontroller() as board:
        assert board.run(text).endswith("ok\r\n")
