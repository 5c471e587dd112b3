"""Rules of the house that a look at the files can check."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from ci.boards import board_names

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


def test_no_file_names_registry(root: Path) -> None:
    found = [
        f"{path.relative_to(root)}: {host}"
        for path in tracked_files(root)
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]
    assert not found


def test_boards_are_folders_with_board_json(root: Path) -> None:
    listed = subprocess.run(
        ["make", "-s", "boards"], cwd=root, check=True, capture_output=True, text=True
    ).stdout.split()
    assert listed == sorted(path.parent.name for path in root.glob("boards/*/board.json"))
    for board in listed:
        json.loads((root / "boards" / board / "board.json").read_text())


@pytest.mark.parametrize("command", ["run"])
def test_unknown_board_is_answered_with_all_boards(root: Path, command: str) -> None:
    result = subprocess.run(
        ["make", "-s", command, "BOARD=nobody"], cwd=root, capture_output=True, text=True
    )
    assert result.returncode != 0
    there_are = ", ".join(board_names())
    assert f"there is no board 'nobody': add BOARD=<name>, one of {there_are}" in result.stderr


@pytest.mark.parametrize(
    "command, value, kind",
    [
        ("run", "SECONDS=abc", "number"),
        ("run", "SECONDS=0", "number"),
        ("soak", "HOURS=8h", "number"),
        ("soak", "HOURS=-1", "number"),
        ("soak", "SEED=x", "whole number"),
        ("fuzz", "SECONDS=abc", "whole number"),
        ("fuzz", "SECONDS=0.5", "whole number"),
        ("fuzz", "SECONDS=0", "whole number"),
    ],
)
def test_number_is_checked_before_anything_is_done(
    root: Path, command: str, value: str, kind: str
) -> None:
    result = subprocess.run(
        ["make", "-s", command, value], cwd=root, capture_output=True, text=True, timeout=120
    )
    assert result.returncode != 0
    assert result.stdout == ""
    name = value.partition("=")[0]
    said = f"error: {value} is not a {kind} above 0; type for example: {name}=15"
    assert [line for line in result.stderr.splitlines() if not line.startswith("make")] == [said]


@pytest.mark.parametrize("value", ["", "15", "0.1", "015"])
def test_number_is_accepted(root: Path, value: str) -> None:
    subprocess.run(
        ["bash", "-c", f". ci/build/functions.sh; ci_check_number SECONDS '{value}'"],
        cwd=root,
        check=True,
    )


def test_make_alone_leads_to_commands_that_exist(root: Path) -> None:
    def say(*arguments: str) -> str:
        command = ["make", "-s", *arguments]
        return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout

    named = re.findall(r"make ([a-z-]+)", say())
    assert len(named) >= 8
    assert set(named) - {"help"} <= set(
        re.findall(r"^  make ([a-z-]+)", say("help"), re.MULTILINE)
    )


def test_help_lists_every_target(root: Path) -> None:
    text = (root / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: ([a-z-]+)$", text, re.MULTILINE))
    shown = subprocess.run(
        ["make", "-s", "help"], cwd=root, check=True, capture_output=True, text=True
    ).stdout
    assert targets == set(re.findall(r"^  make ([a-z-]+)", shown, re.MULTILINE))


def test_recipe_lines_are_single_calls(root: Path) -> None:
    """After `&&` and the like `set -e` would be off; after `;` somebody would have to look."""
    lines = [line for line in (root / "Makefile").read_text().splitlines() if line[:1] == "\t"]
    assert len(lines) > 20
    for line in lines:
        assert not re.search(r"&&|\|\||;|`|\bfor\b|\bif\b", line.replace("$(if ", "")), line


def test_unknown_benchmark_is_refused_at_once(root: Path) -> None:
    result = subprocess.run(
        ["make", "-s", "bench", "BENCH=typo"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode != 0
    said = "error: there is no benchmark 'typo': BENCH= is one of device, page, swarm, topicmatch, umqtt, update"
    assert result.stderr.splitlines()[0] == said
