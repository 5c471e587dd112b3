"""Which tests are run: tests/conftest.py leaves some out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
