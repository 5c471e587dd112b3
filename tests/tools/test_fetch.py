"""ci/build/fetch.sh: where MicroPython's source comes from, and that half of one is never used."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

# Replaces what talks to the network; each way of fetching may succeed or break off half-way.
STUBS = """
. ci/build/functions.sh
CI_BUILD={build}
fetch() {{ mkdir -p "$1/ports/unix"; [ "$2" = whole ]; touch "$1/ports/unix/Makefile"; }}
ci_clone_micropython() {{ fetch "$1" {clone}; }}
ci_unpack_debian_micropython() {{ fetch "$1" {debian}; }}
ci_debian_mirror() {{ echo {mirror}; }}
"""


@pytest.fixture(autouse=True)
def no_source_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MICROPYTHON_DIR", raising=False)


def find(
    root: Path,
    build: Path,
    clone: str = "half",
    debian: str = "half",
    mirror: str = "mirror",
    setting: str = "",
    after: str = "",
) -> subprocess.CompletedProcess[str]:
    stubs = STUBS.format(build=build, clone=clone, debian=debian, mirror=mirror)
    script = f"{setting}{stubs}{after}ci_find_micropython"
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


def test_other_pins_fetch_again(root: Path, tmp_path: Path) -> None:
    """The old source is thrown away, but not before the new one is there."""
    assert find(root, tmp_path, "whole").returncode == 0
    (tmp_path / "micropython" / "old").touch()
    assert find(root, tmp_path).returncode == 0  # nothing is asked for
    pins = "MICROPYTHON_TAG=v1.29.0\n"
    assert find(root, tmp_path, after=pins).returncode != 0
    assert (tmp_path / "micropython" / "old").exists()
    assert find(root, tmp_path, "whole", after=pins).returncode == 0
    assert not (tmp_path / "micropython" / "old").exists()


def test_link_to_own_source_is_left_alone(root: Path, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "micropython").symlink_to("own")
    assert find(root, tmp_path).stdout.strip() == str(tmp_path / "own")


def test_machine_without_debian_is_not_sent_there(root: Path, tmp_path: Path) -> None:
    result = find(root, tmp_path, debian="whole", mirror="")
    assert result.returncode != 0
    assert "Debian" not in result.stderr and "MICROPYTHON_DIR=/path/to/it" in result.stderr


def test_given_source_is_used_or_named(root: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    setting = f"MICROPYTHON_DIR={given}\n"
    result = find(root, tmp_path, "whole", setting=setting)
    assert result.returncode != 0
    assert f"MICROPYTHON_DIR={given} holds no MicroPython source" in result.stderr
    (given / "ports" / "unix").mkdir(parents=True)
    (given / "ports" / "unix" / "Makefile").touch()
    assert find(root, tmp_path, setting=setting).stdout.strip() == str(given)


@pytest.mark.parametrize("folder", ["project", "source"])
def test_path_with_space_is_refused(root: Path, tmp_path: Path, folder: str) -> None:
    """MicroPython's make would write into a folder named by the half behind the space."""
    here = tmp_path / ("my project" if folder == "project" else "project")
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "ci" / "build", here / "ci" / "build", ignore=unwanted)
    given = tmp_path / ("my source" if folder == "source" else "source")
    (given / "ports" / "unix").mkdir(parents=True)
    (given / "ports" / "unix" / "Makefile").touch()
    result = find(here, tmp_path, setting=f"MICROPYTHON_DIR='{given}'\n")
    assert result.returncode == 1 and result.stdout == ""
    assert "takes no spaces in a path" in result.stderr


def test_two_makes_fetch_once(root: Path, tmp_path: Path) -> None:
    stubs = STUBS.format(build=tmp_path, clone="whole", debian="half", mirror="mirror")
    slow = 'ci_clone_micropython() { echo fetched >&2; sleep 1; fetch "$1" whole; }\n'
    command = ["bash", "-c", f"{stubs}{slow}ci_find_micropython"]
    both = [subprocess.Popen(command, cwd=root, stdout=-1, stderr=-1, text=True) for _ in range(2)]
    outputs = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum(said.count("fetched") for _, said in outputs) == 1
    assert {found for found, _ in outputs} == {f"{tmp_path / 'micropython'}\n"}


# A git that fails as often as the file `failures` has lines.
GIT = """#!/bin/sh
echo "$@" >> {folder}/calls
[ -s {folder}/failures ] || exit 0
sed -i 1d {folder}/failures
echo "fatal: the network is down" >&2
exit 128
"""


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_git_that_fails_is_tried_once_more(root: Path, tmp_path: Path, failures: int) -> None:
    (tmp_path / "git").write_text(GIT.format(folder=tmp_path))
    (tmp_path / "git").chmod(0o755)
    (tmp_path / "failures").write_text("x\n" * failures)
    script = f"""
. ci/build/functions.sh
CI_BUILD={tmp_path} PATH={tmp_path}:$PATH
ci_git log clone here
"""
    result = subprocess.run(["bash", "-c", script], cwd=root, capture_output=True, text=True)
    assert (result.returncode == 0) is (failures < 2)
    assert ("the network is down" in result.stderr) is (failures == 2)
    assert (tmp_path / "calls").read_text() == "clone here\n" * min(failures + 1, 2)
