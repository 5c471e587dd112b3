"""ci/lint/commits.py: what is said of which commit message, and where there is no history."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ci.lint import commits

REASON = "\n\nThe broker is slow.\n"


def git(tree: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(tree), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with the file modules/wifi.py, committed once."""
    tree = tmp_path / "tree"
    (tree / "modules").mkdir(parents=True)
    (tree / "modules" / "wifi.py").write_text("pass\n")
    git(tmp_path, "init", "-q", str(tree))
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "begin")
    return tree


def problems(tree: Path, message: str, lines: int = 1) -> list[str]:
    """Commit a change of so many lines with this message; return what is said of it."""
    base = git(tree, "rev-parse", "HEAD")
    with (tree / "modules" / "wifi.py").open("a") as file:
        file.write("x = 1\n" * lines)
    git(tree, "commit", "-q", "-a", "-m", message)
    (commit,) = commits.read_commits(tree, base)
    return commits.find_problems(commit)


@pytest.mark.parametrize(
    "message",
    [
        "modules/wifi.py: Wait for longer.",
        "modules: Wait for longer.",
        "modules, modules/wifi.py: Wait for longer." + REASON,
        "modules/wifi.py: " + "W" * 54 + ".",
        "modules/wifi.py: " + "W" * 54 + ". (#12)",  # as GitHub squashes pull request 12
    ],
)
def test_message_by_rule_has_no_problem(tree: Path, message: str) -> None:
    assert problems(tree, message) == []


@pytest.mark.parametrize(
    "message, problem",
    [
        ("Wait for longer.", "begins with no path"),
        ("wifi: Wait for longer.", "'wifi' is no file or folder of the tree"),
        ("modules, wifi: Wait.", "'wifi' is no file or folder of the tree"),
        ("modules/wifi.py: wait for longer.", "small letter"),
        ("modules/wifi.py: Wait for longer", "full stop"),
        ("modules/wifi.py: " + "W" * 55 + ".", "73 characters, above 72"),
        ("modules/wifi.py: Wait.\nFor longer.", "no blank line"),
    ],
)
def test_message_against_rule_is_told(tree: Path, message: str, problem: str) -> None:
    (said,) = problems(tree, message)
    assert problem in said


@pytest.mark.parametrize("body, told", [("", True), (REASON, False)])
def test_large_change_needs_reason(tree: Path, body: str, told: bool) -> None:
    said = problems(tree, "modules/wifi.py: Wait for longer." + body, lines=31)
    assert bool(said) == told


def test_moved_file_needs_no_reason(tree: Path) -> None:
    problems(tree, "modules: Grow." + REASON, lines=200)
    git(tree, "mv", "modules/wifi.py", "modules/station.py")
    git(tree, "commit", "-q", "-m", "modules/wifi.py: Rename it to station.py.")
    (commit,) = commits.read_commits(tree, "HEAD^")
    assert commits.find_problems(commit) == []


def test_dependabot_words_its_own_commits(tree: Path) -> None:
    base = git(tree, "rev-parse", "HEAD")
    author = f"{commits.DEPENDABOT} <49699333+dependabot[bot]@users.noreply.github.com>"
    message = "Bump the actions group across 1 directory with 5 updates"
    git(tree, "commit", "-q", "--allow-empty", "--author", author, "-m", message)
    git(tree, "commit", "-q", "--allow-empty", "-m", message)
    (commit,) = commits.read_commits(tree, base)
    assert commit.id == git(tree, "rev-parse", "HEAD")
    assert commits.find_problems(commit)


def test_shallow_clone_is_not_checked(tree: Path, tmp_path: Path) -> None:
    base = git(tree, "rev-parse", "HEAD")
    problems(tree, "no path")
    git(tmp_path, "clone", "-q", "--depth", "1", tree.as_uri(), str(tmp_path / "shallow"))
    assert commits.read_commits(tmp_path / "shallow", base) is None


def test_unpacked_archive_is_not_checked(tmp_path: Path) -> None:
    assert commits.read_commits(tmp_path, commits.FIRST) is None
