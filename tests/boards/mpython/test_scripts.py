"""Runs each script of scripts/ on the simulated board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.simulator


def test_script(script: Path, run_script: Callable[..., str]) -> None:
    run_script(script)
