"""What the 5x5 matrix shows during set-up: name and key of the board's network, then states, as a text
that moves through it again and again."""

import time
from _frozen import display
from micropython import const

_COLUMN_TIME = const(180)  # ms; slow enough to write digits down

_COLOUR = (0, 120, 120)


class Screen:
    def __init__(self):
        self._display = display.Display()
        self._text = ""
        self._columns = None  # those that are still to come
        self._last = time.ticks_ms()

    def invite(self, name, key, address):
        """Show how to join; the key in two groups of five, or digits are lost."""
        self.show(name, "KEY " + key[:5], key[5:])

    def show(self, *lines):
        text = "  ".join(lines)
        if text != self._text:
            self._text = text
            self._columns = None

    def step(self):
        """Move the text on by a column if it is time to."""
        now = time.ticks_ms()
        if time.ticks_diff(now, self._last) < _COLUMN_TIME:
            return
        self._last = now
        if self._columns is None:
            self._columns = display.columns(self._text)
            self._display.begin_scroll(_COLOUR)
        try:
            self._display.push(next(self._columns))
        except StopIteration:
            self._columns = None

    def close(self):
        self._display.clear()
