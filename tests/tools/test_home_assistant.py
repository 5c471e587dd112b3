"""Which Home Assistant a machine can have, by the Pythons that it has."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = """
. ci/build/functions.sh
ci_find_python() {{ case $1 in {pythons}) echo "/python$1" ;; esac; }}
{call}
"""


def call(root: Path, pythons: str, function: str) -> subprocess.CompletedProcess[str]:
    script = SCRIPT.format(pythons=pythons, call=function)
    return subprocess.run(["bash", "-c", script], cwd=root, capture_output=True, text=True)


@pytest.mark.parametrize(
    "pythons, chosen",
    [("3.11|3.13", "2025.4.4 /python3.13"), ("3.11", "2024.3.3 /python3.11")],
)
def test_newest_for_pythons_is_chosen(root: Path, pythons: str, chosen: str) -> None:
    result = call(root, pythons, "ci_choose_home_assistant")
    assert (result.returncode, result.stdout.strip()) == (0, chosen), result.stderr


@pytest.mark.parametrize("function", ["ci_check_home_assistant", "ci_prepare_home_assistant"])
def test_machine_without_python_says_so(root: Path, function: str) -> None:
    result = call(root, "none", function)
    assert result.returncode == 1
    assert "Home Assistant needs Python 3.13, or 3.11" in result.stderr
    assert "sudo apt-get install python3.13" in result.stderr
