"""Check the commits since a base against the rule in CONTRIBUTING.md.

python -m ci.lint.commits [BASE]      BASE is a commit that is not checked itself; FIRST without it

Where the history does not reach back to BASE, as in a shallow clone or an unpacked archive, nothing
can be checked; that is said, and is no error. Dependabot words its commits itself: they are left out.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The last commit from before there was a rule.
FIRST = "8f4fe22e2203446a40b6d6eb62cfa5fe07db1c30"

DEPENDABOT = "dependabot[bot]"  # its name as an author

MAX_SUBJECT = 72
MAX_LINES_WITHOUT_BODY = 30

_NUMBER = re.compile(r" \(#\d+\)$")  # of a pull request: GitHub adds it where it squashes one
_SUBJECT = re.compile(r"(?P<paths>[^\s:,]+(?:, [^\s:,]+)*): (?P<sentence>.+)", re.DOTALL)


@dataclass(frozen=True)
class Commit:
    id: str
    subject: str
    body: str
    lines: int  # inserted and deleted, without those of moved files
    paths: frozenset[str]  # files and folders of its tree and of its parent's


def _git(tree: Path, *arguments: str) -> str:
    command = ["git", "-C", str(tree), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _paths(tree: Path, commit: str) -> frozenset[str]:
    names = set()
    for revision in (commit, f"{commit}^"):
        names.update(_git(tree, "ls-tree", "-rt", "--name-only", "-z", revision).split("\0"))
    return frozenset(names)


def read_commits(tree: Path, base: str) -> list[Commit] | None:
    """Return people's commits after `base`, without merges; None if the history is not there."""
    try:
        _git(tree, "merge-base", "--is-ancestor", base, "HEAD")
        ids = _git(tree, "rev-list", "--no-merges", "--reverse", f"{base}..HEAD").split()
    except (OSError, subprocess.CalledProcessError):
        return None
    commits = []
    for commit in ids:
        author, _, message = _git(tree, "show", "-s", "--format=%an%n%B", commit).partition("\n")
        if author == DEPENDABOT:
            continue
        subject, _, body = message.strip().partition("\n")
        lines = 0
        for line in _git(tree, "show", "--numstat", "-M", "--format=", commit).splitlines():
            inserted, deleted, _ = line.split("\t", 2)
            if inserted != "-":  # of a binary file
                lines += int(inserted) + int(deleted)
        commits.append(Commit(commit, subject, body, lines, _paths(tree, commit)))
    return commits


def find_problems(commit: Commit) -> list[str]:
    """Return what is wrong with a commit's message, each as one clause."""
    problems = []
    subject = _NUMBER.sub("", commit.subject)
    parts = _SUBJECT.fullmatch(subject)
    if not parts:
        problems.append(
            "begins with no path, as in 'modules/wifi.py: Join the strongest network.'"
        )
    else:
        for path in parts["paths"].split(", "):
            if path.rstrip("/") not in commit.paths:
                problems.append(f"'{path}' is no file or folder of the tree")
        if not parts["sentence"][0].isupper():
            problems.append("the sentence begins with a small letter")
    if not subject.endswith(".") or subject.endswith(".."):
        problems.append("the subject does not end with a full stop")
    if len(subject) > MAX_SUBJECT:
        problems.append(f"the subject has {len(subject)} characters, above {MAX_SUBJECT}")
    if commit.body and not commit.body.startswith("\n"):
        problems.append("no blank line follows the subject")
    if not commit.body.strip() and commit.lines > MAX_LINES_WITHOUT_BODY:
        problems.append(f"it changes {commit.lines} lines and gives no reason in a body")
    return problems


def main(arguments: list[str]) -> None:
    base = arguments[0] if arguments else FIRST
    commits = read_commits(ROOT, base)
    if commits is None:
        print(
            f"The history since {base[:8]} is not here: commits are not checked.", file=sys.stderr
        )
        return
    wrong = 0
    for commit in commits:
        for problem in find_problems(commit):
            wrong += 1
            print(f"{commit.id[:8]} {commit.subject}\n    {problem}", file=sys.stderr)
    if wrong:
        sys.exit(
            "error: change these messages, with git rebase -i; the rule is in CONTRIBUTING.md"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
