"""Draws the LEDs of a simulated board in a terminal, or tells of them in plain lines."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Protocol

from simulated_board import Frame  # puts the project's folder on the path
from ci.boards import Board
from ci.build.board_facts import facts

Colour = tuple[int, int, int]
_BLOCK = "█"


class Stream(Protocol):
    """What LEDs are drawn on: standard output, or a Screen."""

    encoding: str

    def isatty(self) -> bool: ...

    def write(self, text: str, /) -> object: ...

    def flush(self) -> None: ...


def is_colourful(stream: Stream) -> bool:
    """Tell whether to use colours: a terminal that has them, and no NO_COLOR in the environment."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    try:
        _BLOCK.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


DARK = (40, 40, 40)
_FAINTEST = 80  # of 255: on a screen, less would look like an LED that is off


def brighten(colour: Colour, full: int) -> Colour:
    """Scale a dimmed colour so that it can be seen on a screen, its hue kept; off is dark grey.

    `full` is the value of a channel that is shown at its brightest. Eyes see the square root of an
    LED's light, more or less: the lowest settings differ, and the faintest can be seen.
    """
    brightest = max(colour)
    if brightest == 0:
        return DARK
    shown = _FAINTEST + round((255 - _FAINTEST) * min(1, brightest / full) ** 0.5)
    red, green, blue = colour
    return red * shown // brightest, green * shown // brightest, blue * shown // brightest


class LedView:
    """Shows each new frame: in colour as blocks, otherwise as one line of text."""

    def __init__(self, board: Board, stream: Stream = sys.stdout) -> None:
        leds = facts(board)
        columns = leds.LED_COLUMNS
        rows = leds.LED_COUNT // columns
        self.full = 255 * leds.LED_BRIGHTNESS // 100  # what 100 % of the board's setting sends
        self.rows = [[leds.led_index(x, y) for x in range(columns)] for y in range(rows)]
        self.stream = stream
        self.colourful = is_colourful(stream)
        self.last: tuple[Colour, ...] | None = None

    def show(self, frame: Frame) -> None:
        if frame.colours == self.last:
            return
        self.last = frame.colours
        text = self.colour_text(frame) if self.colourful else self.plain_text(frame)
        self.stream.write(text)  # at once: other threads print too
        self.stream.flush()

    def plain_text(self, frame: Frame) -> str:
        if len(set(frame.colours)) == 1:
            return "leds: all #%02x%02x%02x\n" % frame.colours[0]
        rows = [
            " ".join("#%02x%02x%02x" % frame.colours[index] for index in row) for row in self.rows
        ]
        # A person reads a row a line, a program all in one.
        return "leds: " + ("\n      " if self.stream.isatty() else " / ").join(rows) + "\n"

    def colour_text(self, frame: Frame) -> str:
        lines = []
        # Three blocks an LED, and fewer where the terminal would break the row.
        room = shutil.get_terminal_size().columns - 2
        led = _BLOCK * max(1, min(3, (room + 1) // len(self.rows[0]) - 1))
        for row in self.rows:
            cells = [
                f"\x1b[38;2;%d;%d;%dm{led}\x1b[0m" % brighten(frame.colours[index], self.full)
                for index in row
            ]
            lines.append("  " + " ".join(cells))
        return "\n".join(lines) + "\n"
