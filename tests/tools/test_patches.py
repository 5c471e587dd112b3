"""ci/build/patches: a patch applies, compiles, and does what it is for."""

import os
import subprocess
from pathlib import Path

import pytest

from ci.boards import ROOT
from tests.tools import machine_timer

PATCHES = ROOT / "ci" / "build" / "patches"


def run(folder: Path) -> list[int]:
    """Return resets of a timer group, and the two groups' counts, after 1,200 starts of a timer."""
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", "timer"]
    subprocess.run([*command, "ports/esp32/machine_timer.c"], cwd=folder, check=True)
    result = subprocess.run([folder / "timer"], capture_output=True, text=True, check=True)
    return [int(word) for word in result.stdout.split()]


@pytest.mark.compiler
def test_timer_patch_acquires_each_index_once(tmp_path):
    path = tmp_path / "ports" / "esp32" / "machine_timer.c"
    path.parent.mkdir(parents=True)
    path.write_text(machine_timer.SOURCE)
    resets, *_ = run(tmp_path)
    assert resets > 0  # the model has the fault
    patch = PATCHES / "esp32-timer-acquire-once.patch"
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    subprocess.run(["git", "apply", patch], cwd=tmp_path, env=environment, check=True)
    assert run(tmp_path) == [0, 2, 2]


def test_every_patch_says_what_it_is_for():
    for path in PATCHES.iterdir():
        about = path.read_text(encoding="utf-8").partition("\n--- a/")[0]
        assert path.suffix == ".patch" and "MicroPython's" in about and len(about) > 100
