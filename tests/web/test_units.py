"""What needs no browser: the page's own unit tests, under Node."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def test_units_pass_under_node(root: Path) -> None:
    built = root / "build" / "web"
    assert built.exists(), "the page was not built; type: make page"
    path = f"{root}/build/venv/bin:{os.environ['PATH']}"
    result = subprocess.run(
        ["npm", "test"],
        cwd=built,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout
    assert "fail 0" in result.stdout and "pass 0" not in result.stdout
