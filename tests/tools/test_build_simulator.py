"""When `make run` and `make test` build a simulated board again, with a stand-in compiler."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ci.boards import board_names
from tests.tools.project import Project, copy_project

BOARD = board_names()[0]
# Plays MicroPython's make: notes that it was called, and leaves a program.
MAKE = """
echo "$*" >> calls
mkdir -p build/sim
echo a program > build/sim/micropython
chmod +x build/sim/micropython
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = copy_project(tmp_path / "project")
    (project.build / "mpy-cross").unlink(missing_ok=True)
    forget = 'ci_forget_other_micropython "$(ci_find_micropython)"'
    assert project.call("bash", "-c", f". ci/build/functions.sh; {forget}").status == 0
    (project.build / "mpy-cross").mkdir()
    (project.build / "mpy-cross" / "mpy-cross").touch(mode=0o755)
    project.command("make", MAKE)
    return project


def builds(project: Project, **environment: str) -> int:
    """Ask for a simulated board; return how often one has been built by now."""
    command = f". ci/build/functions.sh; ci_build_simulator {BOARD}"
    result = project.call("bash", "-c", command, **environment)
    assert result.status == 0, result.said
    return len((project.root / "calls").read_text().splitlines())


def test_unchanged_board_is_built_once(project: Project) -> None:
    assert [builds(project), builds(project)] == [1, 1]
    project.edit("boards/sim/host/air.py", "", "# the PC's side\n")
    assert builds(project) == 1


def test_deleted_module_is_noticed(project: Project) -> None:
    assert builds(project) == 1
    (project.root / "modules" / "button.py").unlink()
    assert builds(project) == 2


def test_change_with_old_time_is_noticed(project: Project) -> None:
    """As an unpacked archive or rsync leaves it."""
    assert builds(project) == 1
    module = project.root / "modules" / "button.py"
    old = module.stat()
    project.edit("modules/button.py", "", "# another one\n")
    os.utime(module, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert builds(project) == 2


def test_other_release_at_same_place_is_noticed(project: Project, tmp_path: Path) -> None:
    """As `git checkout` leaves it, with mpy-cross, which is built once more, too."""
    header = tmp_path / "given" / "py" / "mpconfig.h"
    makefile = tmp_path / "given" / "ports" / "unix" / "Makefile"
    for path in (header, makefile):
        path.parent.mkdir(parents=True)
        path.write_text("1.28")
    made = MAKE + "mkdir -p build/mpy-cross\ninstall /dev/null build/mpy-cross/mpy-cross\n"
    project.command("make", made)
    given = str(tmp_path / "given")
    assert [builds(project, MICROPYTHON_DIR=given) for _ in range(2)] == [2, 2]
    header.write_text("1.28.1")
    assert [builds(project, MICROPYTHON_DIR=given) for _ in range(2)] == [4, 4]
