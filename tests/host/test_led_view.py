"""led_view: how frames are drawn."""

from __future__ import annotations

import io

import pytest

from led_view import LedView, is_colourful
from simulated_board import Frame


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def frame(*colours: tuple[int, int, int]) -> Frame:
    return Frame(0.0, 17, colours)


def test_frame_is_read_in_the_order_of_the_wire() -> None:
    event = {"event": "frame", "t": 1500000, "pin": 17, "data": "0102030a0b0c"}
    assert Frame.from_event(event) == Frame(1.5, 17, ((2, 1, 3), (11, 10, 12)))


def test_plain_lines_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    LedView("mpython", out).show(frame((255, 128, 0), (0, 0, 0), (0, 0, 1)))
    assert out.getvalue() == "leds: #ff8000 #000000 #000001\n"


def test_the_matrix_is_shown_as_the_board_has_it() -> None:
    out = io.StringIO()
    colours = tuple((index, 0, 0) for index in range(25))
    LedView("bpi-bit", out).show(frame(*colours))
    rows = out.getvalue().removeprefix("leds: ").strip().split(" / ")
    # The strip begins in the top right corner and runs down (docs/boards/bpi-bit.md).
    assert rows[0] == "#140000 #0f0000 #0a0000 #050000 #000000"
    assert rows[4] == "#180000 #130000 #0e0000 #090000 #040000"


def test_the_same_frame_is_drawn_once() -> None:
    out = io.StringIO()
    view = LedView("mpython", out)
    for _ in range(2):
        view.show(frame((1, 1, 1), (1, 1, 1), (1, 1, 1)))
    assert out.getvalue() == "leds: all #010101\n"


def test_colours_on_a_terminal_are_24_bit_and_bright_enough_to_see(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    LedView("mpython", out).show(frame((0, 6, 0), (0, 3, 0), (0, 0, 0)))
    assert "\x1b[38;2;0;255;0m" in out.getvalue()
    assert "\x1b[38;2;0;127;0m" in out.getvalue()
    assert "\x1b[38;2;40;40;40m" in out.getvalue(), "an LED that is off can be seen, too"


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert not is_colourful(Terminal())
