"""The matcher's scripts once more, on an emulated Cortex-M3 with 140 KB of heap."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mcu.microcontroller import ROOT, Microcontroller

SEPARATOR = b"\n\n"
SCRIPTS = sorted((ROOT / "tests" / "firmware" / "scripts").glob("topicmatch_*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script(script: Path) -> None:
    text = script.read_text()
    if "WORKLOAD" in text:
        workload = (ROOT / "benchmarks" / "workloads" / "64.txt").read_bytes()
        filters, hits, misses = workload.split(SEPARATOR)
        # Of the topics, as many as the script uses.
        parts = [filters] + [b"\n".join(part.split(b"\n")[:16]) for part in (hits, misses)]
        text = f"WORKLOAD = {SEPARATOR.join(parts)!r}\n{text}"
    with Microcontroller() as board:
        assert board.run(text).endswith("ok\r\n")
