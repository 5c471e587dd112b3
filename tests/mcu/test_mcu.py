"""The matcher's scripts once more, on an emulated Cortex-M3 with 140 KB of heap."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mcu.microcontroller import ROOT, Microcontroller, with_workload

SCRIPTS = sorted((ROOT / "tests" / "firmware" / "scripts").glob("topicmatch_*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script(script: Path) -> None:
    text = script.read_text()
    if "WORKLOAD" in text:
        text = with_workload(text, 64)
    with Microcontroller() as board:
        assert board.run(text).endswith("ok\r\n")
