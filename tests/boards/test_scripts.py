"""Runs each script of scripts/ on each simulated board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ci.boards import Board

pytestmark = pytest.mark.simulator


def test_script_on_board(script: Path, run_script: Callable[..., str], board: Board) -> None:
    run_script(script)
