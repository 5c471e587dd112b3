"""Runs each script of scripts/ in the simulated firmware."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def test_script(script: Path, run_script: Callable[..., str]) -> None:
    run_script(script, timeout=300)
