"""ci/build/fetch.sh: where MicroPython's source comes from, and that half of one is never used."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

# Replaces what talks to the network; each way of fetching may succeed or break off half-way.
STUBS = """
. ci/build/functions.sh
CI_BUILD={build}
fetch() {{ mkdir -p "$1/ports/unix"; if [ "$2" = whole ]; then touch "$1/ports/unix/Makefile"; else return 1; fi; }}
ci_clone_micropython() {{ fetch "$1" {clone}; }}
ci_unpack_debian_micropython() {{ fetch "$1" {debian}; }}
"""


def find(
    root: Path, build: Path, clone: str = "half", debian: str = "half", setting: str = ""
) -> subprocess.CompletedProcess[str]:
    script = (
        setting + STUBS.format(build=build, clone=clone, debian=debian) + "ci_find_micropython"
    )
    return subprocess.run(["bash", "-c", script], cwd=root, capture_output=True, text=True)


@pytest.mark.parametrize("clone, debian", [("whole", "half"), ("half", "whole")])
def test_first_way_that_works_is_used(root: Path, tmp_path: Path, clone: str, debian: str) -> None:
    result = find(root, tmp_path, clone, debian)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(tmp_path / "micropython")
    assert not (tmp_path / "micropython.partial").exists()


def test_half_source_never_gets_name(root: Path, tmp_path: Path) -> None:
    result = find(root, tmp_path)
    assert result.returncode != 0
    assert "MICROPYTHON_DIR=/path/to/it" in result.stderr
    assert not (tmp_path / "micropython").exists()
    # What an interrupted run has left behind is thrown away by the next.
    (tmp_path / "micropython.partial" / "rubbish").mkdir(parents=True, exist_ok=True)
    assert find(root, tmp_path, "whole").returncode == 0
    assert not (tmp_path / "micropython" / "rubbish").exists()


def test_given_source_is_used_or_named(root: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    setting = f"MICROPYTHON_DIR={given}\n"
    result = find(root, tmp_path, "whole", setting=setting)
    assert result.returncode != 0
    assert f"MICROPYTHON_DIR={given} holds no MicroPython source" in result.stderr
    (given / "ports" / "unix").mkdir(parents=True)
    (given / "ports" / "unix" / "Makefile").touch()
    assert find(root, tmp_path, setting=setting).stdout.strip() == str(given)
