"""tests/run.py: what has failed is tried again, alone, and passes only with three times of three."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

# A test that fails in the runs named in FAILS; each run adds a byte to a file.
FAILING = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("name", {names})
def test_it(name):
    runs = Path(name)
    runs.write_text((runs.read_text() if runs.exists() else "") + "x")
    {body}
"""


class Tree:
    """A tree with tests/run.py and one file of tests."""

    def __init__(self, root: Path, source: Path) -> None:
        self.root = root
        (root / "tests").mkdir()
        shutil.copy(source / "tests" / "run.py", root / "tests")
        (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "-n 2"\n')
        self.report = root / "build" / "reports" / "passed-later.txt"

    def start(self, body: str, *arguments: str, names: str = "['a']") -> subprocess.Popen[str]:
        (self.root / "test_it.py").write_text(FAILING.format(names=names, body=body))
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith("PYTEST")
        }
        return subprocess.Popen(
            [sys.executable, "-m", "tests.run", *arguments],
            cwd=self.root,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, body: str, *arguments: str, names: str = "['a']") -> tuple[int, str]:
        with self.start(body, *arguments, names=names) as process:
            said, _ = process.communicate(timeout=300)
        return process.returncode, said

    def runs(self, name: str = "a") -> int:
        return len((self.root / name).read_text())


@pytest.fixture
def tree(tmp_path: Path, root: Path) -> Tree:
    return Tree(tmp_path, root)


def test_what_passes_is_run_once(tree: Tree) -> None:
    status, said = tree.run("pass")
    assert (status, tree.runs(), tree.report.exists()) == (0, 1, False), said


def test_what_failed_once_is_tried_three_times_and_named(tree: Tree) -> None:
    status, said = tree.run("assert len(runs.read_text()) > 1, 'the reason'")
    assert (status, tree.runs()) == (0, 4), said
    assert "the reason" in said and "1 failed" in said
    line = "failed, then passed 3 times of 3, alone: test_it.py::test_it[a]"
    assert line in said and tree.report.read_text() == line + "\n"


@pytest.mark.parametrize("failing", [2, 3, 4])
def test_one_failed_try_fails(tree: Tree, failing: int) -> None:
    status, said = tree.run(f"assert len(runs.read_text()) not in (1, {failing})")
    assert (status, tree.runs(), tree.report.exists()) == (1, failing, False), said


def test_github_shows_them(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    status, said = tree.run("assert len(runs.read_text()) > 1")
    assert status == 0 and "\n::warning title=Test passed only when tried again::" in said


def test_many_failures_are_not_tried(tree: Tree) -> None:
    status, said = tree.run("assert len(runs.read_text()) > 1", names="list('abcd')")
    assert (status, [tree.runs(name) for name in "abcd"]) == (1, [1, 1, 1, 1]), said


def test_run_ended_early_fails(tree: Tree) -> None:
    """With -x the others were not run: what fails may pass, and nobody knows of them."""
    status, said = tree.run("assert len(runs.read_text()) > 1", "-x", names="list('abc')")
    assert status != 0 and "Try 1" not in said, said


@pytest.mark.parametrize("body", ["pass\nassert False", "pass\n  nonsense"])
def test_file_that_cannot_be_read_fails(tree: Tree, body: str) -> None:
    status, said = tree.run(body)
    assert status != 0 and not tree.report.exists(), said


def test_failure_after_several_tests_is_tried_with_them(tree: Tree) -> None:
    """A fixture of a whole file ends with the last of its tests, which is not the one to blame."""
    conftest = """
import pytest

@pytest.fixture(scope="module", autouse=True)
def left_over(request):
    yield
    assert request.session.testscollected < 2
"""
    (tree.root / "conftest.py").write_text(conftest)
    status, said = tree.run("pass", "-n0", names="list('ab')")
    assert (status, [tree.runs(name) for name in "ab"]) == (1, [2, 2]), said


def test_markers_select_in_tries_too(tree: Tree) -> None:
    """What is run by `make test-browser` alone is left out without its -m."""
    (tree.root / "conftest.py").write_text(
        "def pytest_collection_modifyitems(config, items):\n"
        "    assert config.option.markexpr == 'not slow'\n"
    )
    status, said = tree.run("assert len(runs.read_text()) > 1", "-m", "not slow")
    assert (status, tree.runs()) == (0, 4), said


def test_try_that_hangs_is_ended(tree: Tree) -> None:
    path = tree.root / "tests" / "run.py"
    path.write_text(path.read_text().replace("SECONDS = 240", "SECONDS = 3"))
    body = "import time; assert len(runs.read_text()) > 1; time.sleep(600)"
    status, said = tree.run(body)
    # Whether the test has begun by then is not ours to say.
    assert status == 1 and "== The 3 s for all tries are over" in said, said
    assert "Try 2" not in said and not tree.report.exists()


@pytest.mark.parametrize(
    "inherited", [signal.default_int_handler, signal.SIG_IGN], ids=["terminal", "background"]
)
def test_interrupted_try_ends_what_it_started(tree: Tree, inherited: Any) -> None:
    """By `timeout`, which asks tests/run.py alone, and by Ctrl-C: fixtures end boards and brokers."""
    conftest = """
from pathlib import Path
import pytest

@pytest.fixture(autouse=True)
def broker():
    yield
    Path("ended").write_text("")
"""
    (tree.root / "conftest.py").write_text(conftest)
    hang = "Path('hangs').touch(); import time; time.sleep(600)"
    body = f"assert len(runs.read_text()) > 1; Path('ended').unlink(); {hang}"
    before = signal.signal(signal.SIGINT, inherited)
    try:
        process = tree.start(body)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        while not (tree.root / "hangs").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=300)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, said
    assert (tree.root / "ended").exists() and "Traceback" not in said, said
    assert not tree.report.exists()
