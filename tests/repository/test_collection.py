"""Which tests are run: tests/conftest.py leaves some out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.brokers.servers import KINDS
from tests.run import TRYING

# pytest on a machine of another kind.
PYTEST = "import platform, sys, pytest; name = sys.argv.pop(1); platform.machine = lambda: name; sys.exit(pytest.main())"


def collect(root: Path, *arguments: str, machine: str = "x86_64") -> str:
    """Return what pytest says that it would run."""
    command = [sys.executable, "-c", PYTEST, machine, "-n0", "-vv", "--collect-only", *arguments]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("markers, are_run", [("not qemu", False), ("makers", True)])
def test_makers_texts_are_run_only_if_named(root: Path, markers: str, are_run: bool) -> None:
    """As in `make test TESTS='-m "not qemu"'`."""
    assert ("[makers-" in collect(root, "tests/tutorials", "-m", markers)) is are_run


@pytest.mark.parametrize("machine, are_run", [("x86_64", True), ("aarch64", False)])
def test_what_is_for_x86_64_is_left_out_elsewhere(root: Path, machine: str, are_run: bool) -> None:
    files = ("tests/topicmatch/test_topicmatch.py", "tests/umqtt/protocol/test_fuzz.py")
    said = collect(root, *files, machine=machine)
    assert ("test_router_equals_list[32]" in said) is are_run
    assert ("test_short_run_finds_nothing" in said) is are_run
    assert "test_router_equals_list[native]" in said and "test_defect_is_found" in said
    assert ("Not run:" in said) is not are_run


def test_only_tests_in_browser_need_playwright(root: Path) -> None:
    """tests/conftest.py leaves these files out where it is missing, as it is in `make test`."""
    files = [
        *(root / "tests" / "page").glob("test_*.py"),
        root / "tests" / "setup" / "test_improv_clients.py",
    ]
    for file in files:
        assert "pytest.mark.browser" in file.read_text(), file


# A plugin for pytest that runs no test, and notes which of its processes would have.
NOTES = """
import os, pathlib

def pytest_runtest_protocol(item):
    with pathlib.Path(os.environ["NOTES"], os.environ["PYTEST_XDIST_WORKER"]).open("a") as notes:
        notes.write(item.nodeid + "\\n")
    return True
"""


def test_each_broker_is_started_by_one_process(root: Path, tmp_path: Path) -> None:
    """In `make test-brokers`; each process starts the brokers of its own tests."""
    (tmp_path / "notes_plugin.py").write_text(NOTES)
    (recipe,) = re.findall(r"\$\(RUN_TESTS\) (.* -m brokers) ", (root / "Makefile").read_text())
    notes = tmp_path / "notes"
    notes.mkdir()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "notes_plugin", *recipe.split(), "tests/brokers"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "NOTES": str(notes), TRYING: "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    found: dict[str, list[str]] = {kind.name: [] for kind in KINDS}
    for path in notes.iterdir():
        ids = path.read_text()
        for name in found:
            # After its name come the end or another parameter; `-trixie` is a broker of its own.
            if re.search(rf"\[{name}(\]|-(?!trixie))", ids):
                found[name].append(path.name)
    assert all(len(workers) == 1 for workers in found.values()), found
    assert len(list(notes.iterdir())) == 2
