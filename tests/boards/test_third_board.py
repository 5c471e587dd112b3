"""A third board is one folder: in a copy of the tree it is checked, built and played with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ci.boards import ROOT, board_names
from tests.boards.demo_board import LEDS, NAME, make_demo_board
from tests.tools.project import micropython_source

# What the firmware and its tools are made of; build/ is what `make test` has made of it.
TREE = (
    "Makefile",
    "boards",
    "ci",
    "docs",
    "firmware",
    "manifest.py",
    "modules",
    "pyproject.toml",
    "web",
)
SHARED_BUILDS = ("venv", "mpy-cross", "web/node_modules")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with one folder more under boards/."""
    tree = tmp_path_factory.mktemp("tree")
    for name in TREE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, tree / name)
    make_demo_board(tree / "boards")
    build = tree / "build"
    build.mkdir()
    for name in SHARED_BUILDS:
        if (ROOT / "build" / name).exists():
            (build / name).parent.mkdir(exist_ok=True)
            (build / name).symlink_to(ROOT / "build" / name)
    # The simulator's objects are the same for every board, and take a minute and a half to make.
    shutil.copytree(ROOT / "build" / "sim", build / "sim")
    shutil.copy2(ROOT / "build" / "built-from", build / "built-from")
    return tree


def make(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-s", *arguments],
        cwd=tree,
        env={**os.environ, "MICROPYTHON_DIR": str(micropython_source())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_third_board_is_listed(tree: Path) -> None:
    assert make(tree, "boards").stdout.split() == sorted([*board_names(), NAME])


def test_third_board_passes_check(tree: Path) -> None:
    result = make(tree, "check", f"BOARD={NAME}")
    assert result.returncode == 0, result.stderr
    assert "modules frozen for ESP32" in result.stdout, result.stdout + result.stderr


def test_third_board_with_wrong_pin_is_not_simulated(tree: Path) -> None:
    pins = tree / "boards" / NAME / "pins.csv"
    text = pins.read_text()
    pins.write_text(text.replace("RGB,GPIO13", "RGB,GPIO6"))
    result = make(tree, "run", f"BOARD={NAME}", "SECONDS=1")
    pins.write_text(text)
    assert result.returncode != 0
    assert f"error: pins.csv of {NAME}: RGB cannot be GPIO6" in result.stderr
    assert not (tree / "build" / f"sim-{NAME}" / "micropython").exists()


def test_third_board_plays_remote_light(tree: Path) -> None:
    result = make(tree, "run", f"BOARD={NAME}", "SECONDS=15")
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert any(line.startswith(f"board: boot: {NAME} ") for line in lines)
    assert "board: lights: on #ffffff 100%" in lines and "board: lights: off" in lines
    # While it starts, the first LED is white: one line with each LED's colour, in two rows.
    starting = next(line for line in lines if line.startswith("leds: #"))
    assert len(re.findall(r"#\w{6}", starting)) == LEDS, starting
