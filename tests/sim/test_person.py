"""What a person types at `make run` reaches the simulated board's pins and its radio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import person
from person import Hands
from simulated_board import BoardError, SimulatedBoard

pytestmark = pytest.mark.simulator

# Prints what changes at the mPython board's parts.
PROGRAM = """
import time
from machine import ADC, I2C, Pin, TouchPad
i2c = I2C(0, scl=Pin("I2C_SCL"), sda=Pin("I2C_SDA"))
i2c.writeto_mem(0x26, 0x11, b"\\0")
parts = {
    "a": Pin("BUTTON_A", Pin.IN).value,
    "light": lambda: ADC(Pin("LIGHT"), atten=ADC.ATTN_11DB).read_uv() // 100000,
    "sound": lambda: ADC(Pin("SOUND"), atten=ADC.ATTN_11DB).read_uv() // 100000,
    "touch": lambda: TouchPad(Pin("TOUCH_P")).read() < 400,
    "face": lambda: i2c.readfrom_mem(0x26, 7, 1)[0] > 127,
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
def hands(board: SimulatedBoard, monkeypatch: pytest.MonkeyPatch) -> Hands:
    monkeypatch.setattr(
        person, "_PRESS", 1.0
    )  # s; a shorter one passes by a program that a busy PC lets wait
    return Hands(board)


@pytest.mark.parametrize(
    "typed, printed",
    [
        (["press a"], ["a 0", "a 1"]),
        (["hold A", "release A"], ["a 0", "a 1"]),
        (["light 300"], ["light 6"]),
        (["light 1000", "light 0"], ["light 20", "light 1"]),
        (["sound 40"], ["sound 13"]),
        (["face down", "Face  up"], ["face True", "face False"]),
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


@pytest.mark.parametrize(
    "line",
    [
        "on",
        "press",
        "press x",
        "hold the line",
        "light red",
        "light left 3",
        "temperature 20",
        "face",
        "wifi",
    ],
)
def test_other_words_are_for_light(hands: Hands, line: str) -> None:
    assert not hands.obey(line)


def test_help_offers_what_board_has(hands: Hands) -> None:
    help = "\n".join(hands.help())
    assert "a touch pad (h, n, o, p, t, y)" in help
    assert "light 300:" in help and "shake" in help and "temperature" not in help
    assert "a button (a, b)" in help


def test_what_is_felt_outlasts_reset(board: SimulatedBoard, hands: Hands) -> None:
    hands.obey("light 300")
    board.wait_line("light 6")
    hands.obey("reset")
    board.wait("second start", lambda: board.lines.count("ready") == 2)
    hands.obey("light 1000")
    board.wait_line("light 20")
    assert board.lines[-2:] == ["ready", "light 20"], "it was bright when the program began"


@pytest.mark.parametrize(
    "command",
    [
        {"name": "voltage", "id": 39, "millivolts": 3301},
        {"name": "voltage", "id": 39},
        {"name": "voltage", "id": 40, "millivolts": 1},
        {"name": "acceleration", "x": 16001},
    ],
)
def test_what_cannot_be_is_refused(board: SimulatedBoard, command: dict) -> None:
    with pytest.raises(BoardError, match="unknown command or value"):
        board.command(**command)
