"""led_view: how frames are drawn."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from ci.boards import Board
from ci.build.board_facts import facts
from led_view import LedView, is_colourful
from simulated_board import Frame
from tests.boards.demo_board import LEDS, make_demo_board

DARK = [(0, 0, 0)] * (LEDS - 2)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def demo(tmp_path: Path) -> Board:
    return make_demo_board(tmp_path)


def frame(*colours: tuple[int, int, int]) -> Frame:
    return Frame(0.0, 17, colours)


def test_frame_is_read_in_order_of_wire() -> None:
    event = {"event": "frame", "t": 1500000, "pin": 17, "data": "0102030a0b0c"}
    assert Frame.from_event(event) == Frame(1.5, 17, ((2, 1, 3), (11, 10, 12)))


def test_plain_lines_where_there_is_no_terminal(demo: Board) -> None:
    out = io.StringIO()
    LedView(demo, out).show(frame((255, 128, 0), (0, 0, 1), *DARK))
    assert out.getvalue().startswith("leds: #ff8000 #000001 #000000 #000000 / ")


def test_rows_are_shown_as_board_has_them(demo: Board) -> None:
    out = io.StringIO()
    colours = tuple((index, 0, 0) for index in range(LEDS))
    LedView(demo, out).show(frame(*colours))
    rows = out.getvalue().removeprefix("leds: ").strip().split(" / ")
    # The strip's second row runs back.
    assert rows == ["#000000 #010000 #020000 #030000", "#070000 #060000 #050000 #040000"]


def test_same_frame_is_drawn_once(demo: Board) -> None:
    out = io.StringIO()
    view = LedView(demo, out)
    for _ in range(2):
        view.show(frame(*[(1, 1, 1)] * LEDS))
    assert out.getvalue() == "leds: all #010101\n"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def drawn(out: Terminal) -> list[tuple[int, int, int]]:
    found = re.findall(r"38;2;(\d+);(\d+);(\d+)m", out.getvalue())
    return [(int(red), int(green), int(blue)) for red, green, blue in found]


def test_colours_on_terminal_are_24_bit_and_bright(demo: Board, terminal: Terminal) -> None:
    LedView(demo, terminal).show(frame((0, 6, 0), (0, 1, 0), *DARK))
    dim, faintest, off = drawn(terminal)[:3]
    assert off == (40, 40, 40), "an LED that is off can be seen, too"
    assert 255 > dim[1] > faintest[1] >= 2 * off[1]
    assert dim[0] == dim[2] == faintest[0] == faintest[2] == 0


def test_another_brightness_looks_different(terminal: Terminal, board: Board) -> None:
    view = LedView(board, terminal)
    for percent in (100, 40, 10):
        # As modules/rgb.py rounds it.
        leds = facts(board)
        scale = int(leds.LED_BRIGHTNESS / 100 * percent / 100 * 256 + 0.5)
        view.show(frame(*[((255 * scale + 255) >> 8, 0, 0)] * leds.LED_COUNT))
    shades = sorted({colour[0] for colour in drawn(terminal)}, reverse=True)
    assert shades[0] == 255
    assert len(shades) == 3
    assert min(above - below for above, below in zip(shades, shades[1:])) >= 30


@pytest.mark.parametrize("columns, blocks", [(80, 3), (14, 2), (13, 2), (12, 1), (3, 1)])
def test_rows_fit_into_narrow_terminal(
    demo: Board, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, columns: int, blocks: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    LedView(demo, terminal).show(frame((0, 6, 0), (0, 1, 0), *DARK))
    first = re.sub(r"\x1b\[[^m]*m", "", terminal.getvalue().splitlines()[0])
    assert first == "  " + " ".join(["█" * blocks] * 4)
    assert len(first) <= columns or blocks == 1


def test_rows_without_colour_are_lines_on_terminal(demo: Board, terminal: Terminal) -> None:
    terminal.encoding = "ascii"
    LedView(demo, terminal).show(frame((255, 128, 0), (0, 0, 1), *DARK))
    assert terminal.getvalue() == (
        "leds: #ff8000 #000001 #000000 #000000\n      #000000 #000000 #000000 #000000\n"
    )


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert not is_colourful(Terminal())


def test_terminal_without_blocks_gets_plain_lines(terminal: Terminal) -> None:
    assert is_colourful(terminal)
    terminal.encoding = "ascii"  # LC_ALL=POSIX
    assert not is_colourful(terminal)
