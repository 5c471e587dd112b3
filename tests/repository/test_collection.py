"""Which tests are run: tests/conftest.py leaves some out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def collect(root: Path, *arguments: str) -> str:
    """Return what pytest says that it would run."""
    command = [sys.executable, "-m", "pytest", "-n0", "-vv", "--collect-only", *arguments]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("markers, are_run", [("not qemu", False), ("makers", True)])
def test_makers_texts_are_run_only_if_named(root: Path, markers: str, are_run: bool) -> None:
    """As in `make test TESTS='-m "not qemu"'`."""
    assert ("[makers-" in collect(root, "tests/tutorials", "-m", markers)) is are_run
