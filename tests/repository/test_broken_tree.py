"""Nothing passes by mistake: what is broken on purpose stops `make`, and leaves nothing behind.

Each test damages a copy of the project in which an earlier build has left its outcome.
"""

import shutil
from pathlib import Path

import pytest

from ci.boards import ROOT, board_names
from tests.tools.project import Project, copy_project

BOARD = board_names()[0]
OTHER = board_names()[-1]

# What `make lint` checks in a copy, half a minute for the whole tree: what is damaged below, and
# each kind of files.
CHECKED = (
    "boards/sim/sim_io.h",
    "ci/build/simulator.sh",
    "firmware/topicmatch/modtopicmatch.c",
    "modules/topicmatch.py",
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy whose simulators are built, and old; the objects they share are another board's."""
    project = copy_project(tmp_path / "project")
    ignored = ["*", "!*/", *(f"!/{name}" for name in CHECKED)]
    (project.root / ".git" / "info" / "exclude").write_text("\n".join(ignored))
    for name in ("sim", "built-from"):
        copy = shutil.copytree if (ROOT / "build" / name).is_dir() else shutil.copy
        copy(ROOT / "build" / name, project.build / name)
    (project.build / "sim" / "board").write_text(f"{OTHER}\n")
    for board in board_names():
        program = project.build / f"sim-{board}" / "micropython"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\necho an old board\n")
        program.chmod(0o755)
    return project


def refuse(project: Project, *command: str) -> str:
    """Check that make stops before anything runs; return what it said."""
    result = project.call("make", *command)
    assert result.status != 0
    assert "passed" not in result.said and "an old board" not in result.said
    assert not (project.build / "tested").exists()
    return result.said


def damage_module(project: Project) -> None:
    """Write what CPython takes, and black, but not the board."""
    project.edit("modules/topicmatch.py", "", "\nmatch 1:\n    case 1:\n        pass\n")


@pytest.mark.compiler
@pytest.mark.simulator
def test_module_with_syntax_error_stops_make(project):
    damage_module(project)
    run = ["run", f"BOARD={BOARD}", "SECONDS=7"]
    for target in (run, run, ["test"]):  # nor does it pass the second time
        assert "SyntaxError" in refuse(project, *target)
        assert not (project.build / f"sim-{BOARD}" / "micropython").exists()


@pytest.mark.compiler
@pytest.mark.simulator
def test_c_file_that_does_not_compile_stops_make(project):
    project.edit("firmware/topicmatch/modtopicmatch.c", "", "\n#error broken on purpose\n")
    assert "broken on purpose" in refuse(project, "test")
    assert not (project.build / f"sim-{BOARD}" / "micropython").exists()


def test_impossible_pin_stops_make_and_leaves_no_stamp(project):
    project.edit("pyproject.toml", "pytest==", "pytest==0.0.99.")
    for _ in range(2):
        said = refuse(project, "test")
        assert "Installing the host tools of group 'test'" in said and "0.0.99" in said
        assert not (project.build / "venv" / "test.installed").exists()


def test_renewed_constraints_are_installed(project):
    """A stamp is of the packages and of what they need in turn."""
    project.edit("ci/build/constraints.txt", "", "pytest==0.0.99\n")
    assert "Installing the host tools of group 'test'" in refuse(project, "test")


def test_moved_folder_can_be_linted(project):
    """pip writes the folder's path into the first line of clang-format."""
    binaries = project.build / "venv" / "bin"
    real = binaries.resolve()
    binaries.unlink()
    binaries.mkdir()
    for path in real.iterdir():
        (binaries / path.name).symlink_to(path)
    (binaries / "clang-format").unlink()
    script = (real / "clang-format").read_text().partition("\n")[2]
    (binaries / "clang-format").write_text(f"#!/moved/build/venv/bin/python\n{script}")
    (binaries / "clang-format").chmod(0o755)
    result = project.call("bash", "-c", ". ci/build/functions.sh; ci_lint")
    assert result.status == 0, result.said


@pytest.mark.parametrize("function", ["ci_lint", "ci_format"])
def test_unpacked_archive_is_named(project, function):
    """Not: "Python files are not formatted"."""
    shutil.rmtree(project.root / ".git")
    script = f". ci/build/functions.sh; {function}"
    result = project.call("bash", "-c", script, GIT_CEILING_DIRECTORIES=str(project.root.parent))
    assert result.status == 1 and "git clone it" in result.said
    assert "formatted" not in result.said


def test_own_variable_python_stays_own(project):
    """Not the Makefile's value, which MicroPython's make would call."""
    rule = 'show: ; @echo "PYTHON is $${PYTHON-unset}"'
    result = project.call("make", "--eval", rule, "show", PYTHON="python3")
    assert result.said == "PYTHON is unset\n"


def test_shell_function_in_condition_is_refused(project):
    """There `set -e` is off: it would go on after its first failed command."""
    project.edit(
        "ci/build/simulator.sh", "", "\nci_try_board() {\n    ci_prepare_tests && ci_say x\n}\n"
    )
    result = project.call("bash", "-c", ". ci/build/functions.sh; ci_lint_shell")
    assert result.status == 1 and "SC2310" in result.said
