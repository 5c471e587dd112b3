"""How a missing Debian package is installed: by root, by sudo without a password, or by hand."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.boards import ROOT

NOBODY = 65534
APT_GET = "apt-get -q -o DPkg::Lock::Timeout=300"
APT = '#!/bin/sh\necho "$ROOT_BY apt-get $*" >> "$CALLS"\n'
SUDO = """#!/bin/sh
[ "$1" = -n ] || exit 9
shift
[ "$SUDO_ASKS" ] && exit 1
ROOT_BY=sudo exec "$@"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter, with the scripts and a stand-in for apt-get."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "ci" / "build", folder / "ci" / "build", ignore=unwanted)
        for path in (folder, folder / "bin", folder / "build"):
            path.mkdir(exist_ok=True)
            path.chmod(0o777)
        write_command(folder, "apt-get", APT)
        yield folder


def write_command(folder: Path, name: str, text: str) -> None:
    path = folder / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


def install(folder: Path, **environment: str) -> tuple[int, str, str]:
    """Install a package; return the status, what was said, and the calls of apt-get."""
    return run(folder, "ci_install_package wanted wanted-package", **environment)


def run(folder: Path, call: str, **environment: str) -> tuple[int, str, str]:
    """Call a function; return the status, what was said, and the calls of apt-get."""
    user = {} if os.getuid() else {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    calls = folder / "build" / "calls"
    result = subprocess.run(
        ["bash", "-c", f". ci/build/functions.sh; {call}"],
        cwd=folder,
        env={"PATH": f"{folder}/bin:/usr/bin:/bin", "CALLS": str(calls), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **user,
    )
    return result.returncode, result.stdout, calls.read_text() if calls.exists() else ""


def test_sudo_without_password_is_used(folder):
    write_command(folder, "sudo", SUDO)
    status, said, calls = install(folder)
    assert status == 0, said
    assert calls.splitlines() == [
        f"sudo {APT_GET} update",
        f"sudo {APT_GET} -y install --no-install-recommends wanted-package",
    ]


def test_lists_are_updated_once(folder):
    write_command(folder, "sudo", SUDO)
    two = "ci_install_package a a-package; ci_install_package b b-package"
    status, said, calls = run(folder, two)
    assert status == 0, said
    assert [line.split()[-1] for line in calls.splitlines()] == [
        "update",
        "a-package",
        "b-package",
    ]


@pytest.mark.parametrize("sudo", ["asks", "missing"])
def test_user_is_told_what_to_type(folder, sudo):
    write_command(folder, "sudo", SUDO if sudo == "asks" else "#!/bin/sh\nexit 127\n")
    status, said, calls = install(folder, SUDO_ASKS="1")
    assert status == 1 and calls == ""
    assert said == "error: the tests need 'wanted'; type: sudo apt-get install wanted-package\n"


def test_root_needs_no_sudo(folder):
    write_command(folder, "id", "#!/bin/sh\necho 0\n")
    status, said, calls = install(folder)
    assert status == 0, said
    assert calls.splitlines()[-1].strip().startswith(f"{APT_GET} -y install")


PYTHON_WITHOUT_PIP = """#!/bin/sh
case "$1" in
*/check_python.py) echo missing ;;
*/group.py) echo nothing ;;
*) echo "venv was called" ;;
esac
"""


def test_python_without_pip_says_what_to_install(folder):
    """On Ubuntu, where Debian's packages are not to be had."""
    write_command(folder, "python3", PYTHON_WITHOUT_PIP)
    write_command(folder, "apt-get", "#!/bin/sh\n")
    status, said, _ = run(folder, "ci_install_group test")
    assert status == 1
    assert said.splitlines()[1:] == [
        "error: this machine's Python brings no pip; type: sudo apt-get install python3-venv"
    ]


def test_environment_of_another_python_is_made_again(folder):
    """pip is there, but for the Python that the machine had before."""
    binaries = folder / "build" / "venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("pip", "python"):
        (binaries / name).write_text("#!/bin/sh\nexit 1\n")
        (binaries / name).chmod(0o755)
    write_command(folder, "python3", PYTHON_WITHOUT_PIP.replace("missing", "bundled"))
    _, said, _ = run(folder, "ci_install_group test")
    assert "Making a Python environment" in said


def test_failed_installation_fails(folder):
    write_command(folder, "sudo", SUDO)
    write_command(folder, "apt-get", "#!/bin/sh\necho cannot reach the mirror\nexit 100\n")
    status, said, _ = install(folder)
    assert status == 1 and "cannot reach the mirror" in said


def test_source_that_fails_stops_nothing_else(folder):
    """As Microsoft's on GitHub's runners, with 403, in August 2026: apt-get update fails for it."""
    write_command(folder, "sudo", SUDO)
    write_command(folder, "apt-get", APT + "case $* in *update) echo E: 403; exit 100 ;; esac\n")
    two = "ci_install_package a a-package; ci_install_package b b-package"
    status, said, calls = run(folder, two)
    assert status == 0, said
    assert "E: 403" in said and said.count("Going on") == 1
    assert [line.split()[-1] for line in calls.splitlines()] == [
        "update",
        "a-package",
        "b-package",
    ]
