"""The boards' pins.csv gives pins their names, on the chip and in the simulation."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ci.boards import Board
from ci.build.board_facts import read_pins
from simulated_board import program

pytestmark = pytest.mark.simulator

PROBE = """
import sys
from machine import Pin
for name in sys.argv[1:]:
    assert Pin(name) is getattr(Pin.board, name)
    print(name, repr(Pin(name)))
for wrong in (lambda: Pin("P99"), lambda: Pin.board.P99):
    try:
        wrong()
    except (AttributeError, ValueError) as error:
        print(error)
"""


def test_pins_have_names_of_boards_list(tmp_path: Path, board: Board) -> None:
    wired = read_pins(board)
    script = tmp_path / "probe.py"
    script.write_text(PROBE)
    result = subprocess.run(
        [str(program(board.name)), str(script), *wired],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    *names, unknown, missing = result.stdout.splitlines()
    assert names == [f"{name} Pin({gpio})" for name, gpio in wired.items()]
    assert unknown == "invalid pin"
    assert "P99" in missing
