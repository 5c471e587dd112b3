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


def test_page_facts_are_whole_while_they_are_made(root: Path, tmp_path: Path) -> None:
    """`make run` makes them again, and these tests may be under way"""
    script = f"""
        . {root}/ci/build/functions.sh
        CI_BUILD={tmp_path} CI_WEB={tmp_path}/web CI_PAGE={tmp_path}/index.html
        mkdir "$CI_WEB"
        ci_tool() {{ cat "$CI_WEB/facts.json" >&2; echo new; }}
        ci_page_sources() {{ echo same; }}
        echo same >"$CI_PAGE.sources"
        echo old >"$CI_WEB/facts.json"
        ci_update_page
        cat "$CI_WEB/facts.json"
    """
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=300)
    assert (result.stderr, result.stdout) == ("old\n", "new\n")
