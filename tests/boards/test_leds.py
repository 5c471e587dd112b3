"""The LEDs of each board are where its pins.csv says, and pins.csv says what its page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ci.boards import ROOT, Board
from ci.build.board_facts import facts, read_pins
from simulated_board import SimulatedBoard


@pytest.mark.simulator
def test_first_frame_is_sent_to_pin_named_rgb(board: Board, tmp_path: Path) -> None:
    with SimulatedBoard(board.name, flash=tmp_path) as simulated:
        simulated.wait("the first frame", simulated.frames)
        frame = simulated.frames()[0]
    assert frame.pin == read_pins(board)["RGB"]
    assert len(frame.colours) == facts(board).LED_COUNT


def test_page_of_board_has_pins_of_leds_and_buttons(board: Board) -> None:
    page = (ROOT / "docs" / "boards" / f"{board.name}.md").read_text(encoding="utf-8")
    leds = re.search(r"^\| (\d+) RGB LEDs .*?\| (\d+) \|", page, re.MULTILINE)
    buttons = re.search(r"^\| button A, button B \| (\d+), (\d+) \|", page, re.MULTILINE)
    assert leds is not None and buttons is not None
    pins = read_pins(board)
    assert leds.groups() == (str(facts(board).LED_COUNT), str(pins["RGB"]))
    assert buttons.groups() == (str(pins["BUTTON_A"]), str(pins["BUTTON_B"]))
