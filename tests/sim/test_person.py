"""What a person types at `make run` reaches the simulated board's pins and its radio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from person import Hands
from simulated_board import SimulatedBoard

pytestmark = pytest.mark.simulator

# Prints what changes at the mPython board's parts.
PROGRAM = """
import time
from machine import ADC, Pin, TouchPad
parts = {
    "a": Pin("BUTTON_A", Pin.IN).value,
    "light": ADC(Pin("LIGHT")).read,
    "touch": lambda: TouchPad(Pin("TOUCH_P")).read() < 400,
}
last = {name: read() for name, read in parts.items()}
print("ready")
while True:
    for name, read in parts.items():
        value = read()
        if value != last[name]:
            last[name] = value
            print(name, value)
    time.sleep_ms(5)
"""


@pytest.fixture
def board(tmp_path: Path) -> Iterator[SimulatedBoard]:
    script = tmp_path / "parts.py"
    script.write_text(PROGRAM)
    with SimulatedBoard("mpython", arguments=(str(script),)) as board:
        board.wait_line("ready")
        yield board


@pytest.fixture
def hands(board: SimulatedBoard) -> Hands:
    return Hands(board)


@pytest.mark.parametrize(
    "typed, printed",
    [
        (["press a"], ["a 0", "a 1"]),
        (["hold A", "release A"], ["a 0", "a 1"]),
        (["light 300"], ["light 300"]),
        (["touch p"], ["touch True", "touch False"]),
    ],
)
def test_command_reaches_its_part(
    board: SimulatedBoard, hands: Hands, typed: list[str], printed: list[str]
) -> None:
    for line in typed:
        assert hands.obey(line)
        board.wait_line(printed[typed.index(line)])
    board.wait_line(printed[-1])
    assert board.lines[-len(printed) :] == printed


def test_button_held_through_reset_stays_down(board: SimulatedBoard, hands: Hands) -> None:
    hands.obey("hold a")
    board.wait_line("a 0")
    hands.obey("reset")
    board.wait("reset", lambda: [e for e in list(board.events) if e.get("cause") == "hard"])
    board.wait("second start", lambda: board.lines.count("ready") == 2)
    hands.obey("release a")
    board.wait_line("a 1")
    assert board.lines[-2:] == ["ready", "a 1"], "it was down when the program began"


@pytest.mark.parametrize("line", ["on", "press", "press x", "hold the line", "light 5000", "wifi"])
def test_other_words_are_for_light(hands: Hands, line: str) -> None:
    assert not hands.obey(line)


def test_help_offers_what_board_has(hands: Hands) -> None:
    help = "\n".join(hands.help())
    assert "a touch pad (h, n, o, p, t, y)" in help
    assert "a button (a, b)" in help
