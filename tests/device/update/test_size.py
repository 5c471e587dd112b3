"""The update's code in flash."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks.umqtt import mpy_tool

MAX_BYTECODE = 10 * 1024


@pytest.mark.simulator
def test_bytecode_is_small(root: Path, tmp_path: Path) -> None:
    tool = mpy_tool()
    folder = root / "modules" / "device"
    size = 0
    for path in [*(folder / "update").glob("*.py"), folder / "slot.py"]:
        output = tmp_path / "module.mpy"
        compiler = root / "build" / "mpy-cross" / "mpy-cross"
        subprocess.run([compiler, "-O2", "-o", output, path], check=True)
        pending = [tool.read_mpy(str(output)).raw_code]
        while pending:
            code = pending.pop()
            size += len(code.fun_data)
            pending += code.children
    assert 5_000 < size <= MAX_BYTECODE, size
