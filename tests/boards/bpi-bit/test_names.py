"""microbit and the other modules of the BPI:bit: the names that docs/names.md promises, and what importing them costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.boards import load_board
from ci.build.board_facts import read_pins
from tests.boards.names import check_import, check_names

pytestmark = pytest.mark.simulator


@pytest.mark.parametrize(
    "section, begin",
    [("`from microbit import *`:", "from microbit import *\n"), ("Modules:", "")],
)
def test_names_are_as_documented(own_board: str, section: str, begin: str, tmp_path: Path) -> None:
    check_names(own_board, section, begin, tmp_path)


def test_import_is_silent_and_takes_little_memory(own_board: str) -> None:
    check_import(own_board, "microbit")


def test_edge_pins_have_names(own_board: str) -> None:
    pins = read_pins(load_board(own_board))
    assert {f"P{number}" for number in [*range(17), 19, 20]} <= set(pins)
    assert (pins["P19"], pins["P20"]) == (pins["I2C_SCL"], pins["I2C_SDA"])
