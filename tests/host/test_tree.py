"""Rules of the house that a look at the files can check."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

# Hosts of package registries, written so that this file does not name them either.
REGISTRIES = [
    ".".join(name)
    for name in (
        ("debian", "org"),
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
    )
]


def tracked_files(root: Path) -> list[Path]:
    names = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    return [root / name for name in names if name and (root / name).is_file()]


def test_nothing_names_a_registry(root: Path) -> None:
    found = [
        f"{path.relative_to(root)}: {host}"
        for path in tracked_files(root)
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]
    assert not found


def test_every_board_is_a_folder_with_a_board_json(root: Path) -> None:
    listed = subprocess.run(
        ["make", "-s", "boards"], cwd=root, check=True, capture_output=True, text=True
    ).stdout.split()
    assert listed == sorted(path.parent.name for path in root.glob("boards/*/board.json"))
    assert set(listed) >= {"mpython", "bpi-bit"}
    for board in listed:
        json.loads((root / "boards" / board / "board.json").read_text())


@pytest.mark.parametrize("command", ["run"])
def test_an_unknown_board_names_the_boards_there_are(root: Path, command: str) -> None:
    result = subprocess.run(
        ["make", "-s", command, "BOARD=microbit"], cwd=root, capture_output=True, text=True
    )
    assert result.returncode != 0
    assert "there is no board 'microbit'; try one of: bpi-bit mpython" in result.stderr


def test_help_lists_every_target(root: Path) -> None:
    text = (root / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: ([a-z-]+)$", text, re.MULTILINE))
    shown = subprocess.run(
        ["make", "-s", "help"], cwd=root, check=True, capture_output=True, text=True
    ).stdout
    assert targets == set(re.findall(r"^  make ([a-z-]+)", shown, re.MULTILINE))
