"""A short run of the fuzzer, of the same inputs each time; `make fuzz FUZZ=update` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.device.update.fuzz import run_batch


@pytest.mark.simulator
def test_damaged_input_erases_and_starts_nothing(tmp_path: Path) -> None:
    assert not (problem := run_batch(tmp_path, 20, 300)), problem
