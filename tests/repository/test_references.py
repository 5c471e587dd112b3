"""What the tree refers to is in the tree: rules, goals, defects, statements, pages and files."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.lint.words import read_prose

# Where each kind of reference is defined, in the first column of a table.
DEFINED_IN = {"R": "docs/conformance.md", "G": "benchmarks/README.md", "D": "docs/umqtt.md"}

REFERENCE = re.compile(r"(?<![\w./#-])([RGD][1-9]\d?)(?![\w./-])")
STATEMENT = re.compile(r"\[(?:MQTT)?-(\d+[.-]\d+\.\d+-\d+)\]")
LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = r"(?:benchmarks|boards|ci|docs|firmware|modules|tests)/[\w./-]*"
PATH = re.compile(rf"(?<![\w./-]){_PATH}")
PATH_IN_PAGE = re.compile(f"`({_PATH})`")

# No statement, on purpose.
NO_STATEMENT = {"0.0.0-0"}


@pytest.fixture(scope="module")
def texts() -> dict[Path, str]:
    """Every text file of the tree, by its path."""
    root = Path(__file__).resolve().parents[2]
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    suffixes = {".py", ".c", ".h", ".sh", ".md", ".txt", ".toml", ".yml", ".csv", ""}
    return {
        root / name: (root / name).read_text(encoding="utf-8")
        for name in names
        if name and Path(name).suffix in suffixes and (root / name).is_file()
    }


def first_cells(page: str) -> set[str]:
    return set(re.findall(r"^\| (\S+) +\|", page, re.MULTILINE))


def test_rules_goals_and_defects_are_defined(root: Path, texts: dict[Path, str]) -> None:
    defined = {kind: first_cells((root / page).read_text()) for kind, page in DEFINED_IN.items()}
    found = set()
    unknown = []
    for path, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            for name in REFERENCE.findall(line):
                found.add(name)
                if name not in defined[name[0]]:
                    unknown.append(f"{path.relative_to(root)}:{number}: {name}")
    assert not unknown
    assert {name[0] for name in found} == set(DEFINED_IN)


def test_statements_exist_in_standards(root: Path, texts: dict[Path, str]) -> None:
    """3.1.1's are listed by the protocol's tests; of 5.0's only the topic matcher cites some."""
    listed = (root / "tests" / "umqtt" / "protocol" / "statements.txt").read_text()
    known = set(re.findall(r"^(\d\S+) ", listed, re.MULTILINE)) | NO_STATEMENT
    assert len(known) > 100
    page = (root / "docs" / "conformance.md").read_text()
    for row in re.findall(r"^\|.*\| (MQTT-\d.*) \|$", page, re.MULTILINE):
        known.update(_numbers(row))
    unknown = []
    for path, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            for statement in STATEMENT.findall(line):
                # The standard has a misprint in this one: [MQTT-3-8.3-4].
                if statement.replace("3-8.3-4", "3.8.3-4") not in known:
                    unknown.append(f"{path.relative_to(root)}:{number}: {statement}")
    assert not unknown


def _numbers(cell: str) -> Iterator[str]:
    """Yield the statements that a table cell names: "MQTT-1.5.4-1 to -3", "MQTT-4.8.2-1, -2"."""
    section, first = re.match(r"MQTT-(\d+\.\d+\.\d+)-(\d+)", cell).groups()
    last = re.search(r"-(\d+)$", cell)[1]
    for number in range(int(first), int(last) + 1):
        yield f"{section}-{number}"


def anchors(page: str) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


def is_release(root: Path, target: Path) -> bool:
    """Tell whether a link leads to what a host shows two levels above the tree: OWNER/NAME/releases."""
    return target.resolve().is_relative_to((root / ".." / ".." / "releases").resolve())


def test_links_in_pages_lead_somewhere(root: Path, texts: dict[Path, str]) -> None:
    broken = []
    for path, text in texts.items():
        if path.suffix != ".md":
            continue
        for target in LINK.findall(text):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            page = path.parent / name if name else path
            if is_release(root, page):
                continue
            if not page.exists() or (anchor and anchor not in anchors(page.read_text())):
                broken.append(f"{path.relative_to(root)}: {target}")
    assert not broken


def test_paths_in_pages_and_comments_exist(root: Path, texts: dict[Path, str]) -> None:
    missing = []
    checked = 0
    for path, text in texts.items():
        if path.suffix == ".md":
            named = [] if path.name == "CHANGELOG.md" else PATH_IN_PAGE.findall(text)
        else:
            named = [name for _, piece in read_prose(path, text) for name in PATH.findall(piece)]
        for name in named:
            checked += 1
            name = name.rstrip(".")
            if not (root / name).exists() and not (path.parent / name).exists():
                missing.append(f"{path.relative_to(root)}: {name}")
    assert not missing
    assert checked > 50


def test_tree_refers_to_nothing_outside(root: Path, texts: dict[Path, str]) -> None:
    """But for the makers' tutorials, which `make test-tutorials` looks for."""
    outside = [
        str(path.relative_to(root))
        for path, text in texts.items()
        if re.search(r'\.\./shared\b|parent / "shared"', text) and path != Path(__file__)
    ]
    assert outside == ["tests/tutorials/texts.py"]
