"""Texts: the BPI:bit's matrix shows them and then the lamp again; no display, no topic."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from simulated_board import Frame, SimulatedBoard
from tests.classroom import Person, settings
from tests.mosquitto import Mosquitto

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

Boot = Callable[..., SimulatedBoard]
ORANGE = '{"color": {"r": 255, "g": 128, "b": 0}, "brightness": 128}'
DARK = (0, 0, 0)


def configuration(broker: Mosquitto) -> dict[str, Any]:
    values = settings(broker)
    values["topics"]["display"] = "light/display"
    return {**values, "texts": True}


def columns(frame: Frame) -> list[str]:
    """Return the matrix's columns from the left, a # for each LED that is lit."""
    lit = ["#" if led != DARK else "." for led in frame.colours]
    return ["".join(lit[5 * (4 - x) : 5 * (4 - x) + 5]) for x in range(5)]


def wait_frames(board: SimulatedBoard, since: int, *wanted: Callable[[Frame], bool]) -> None:
    """Wait until the frames from number `since` on have been what is wanted, one after another."""

    def have_been() -> bool:
        frames = iter(board.frames()[since:])
        return all(any(map(each, frames)) for each in wanted)

    board.wait("such LED frames", have_been)


def test_text_moves_through_matrix_then_lamp_is_back(
    boot: Boot, mosquitto: Mosquitto, person: Person
) -> None:
    board = boot("bpi-bit", configuration(mosquitto))
    board.wait_line("mqtt: subscribed light/display qos=1")
    person.publish("light", ORANGE)
    board.wait_line("lights: on")
    # One colour: the first frame may still have the indicator's dot.
    lamp = board.wait_frame(
        lambda frame: DARK not in frame.colours and len(set(frame.colours)) == 1
    )
    before = len(board.frames())
    person.publish("light/display", "HI")
    wait_frames(
        board,
        before,
        lambda frame: columns(frame)[:4] == ["#####", "..#..", "#####", "....."],
        lambda frame: set(frame.colours) == {DARK},
        lambda frame: frame.colours == lamp.colours,
    )
    person.publish("light/display", b"\xff")
    board.wait_line("display: the text is not UTF-8")
    assert board.frames()[-1].colours == lamp.colours
    before = len(board.frames())
    person.publish("light/display", "")
    board.wait_frame(lambda frame: frame.colours == lamp.colours, since=before)
    # A command is newer than a text.
    before = len(board.frames())
    person.publish("light/display", "W" * 200)
    board.wait_frame(lambda frame: "#####" in columns(frame), since=before)
    before = len(board.frames())
    person.publish("light", "green")
    board.wait_line("lights: on #00ff00")
    green = board.wait_frame(
        lambda frame: all(red == 0 < green for red, green, _ in frame.colours), since=before
    )
    person.publish("light", "stats")
    person.receive("light/status/stats")
    assert board.frames()[-1].colours == green.colours


def test_board_without_display_takes_no_text(
    boot: Boot, mosquitto: Mosquitto, person: Person
) -> None:
    board = boot("mpython", configuration(mosquitto))
    board.wait_line("mqtt: subscribed light qos=1")
    person.publish("light", "stats")
    person.receive("light/status/stats")
    assert not any("subscribed light/display" in line for line in board.lines)
    topic = f"{board.board}/02514d000001/info"
    reader = Person(mosquitto, topic)
    assert json.loads(reader.receive(topic))["has"] == []
    reader.close()
