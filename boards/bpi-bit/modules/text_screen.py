"""The 5x5 matrix as a place for texts: each moves through it once, in place of the lamp."""

import time
from _frozen import display
from micropython import const

_COLUMN_TIME = const(150)  # ms


class Screen:
    def __init__(self, lamp):
        self._lamp = lamp

    def is_there(self):
        return True

    def show(self, text):
        """Move a text through the matrix, in the lamp's colour; "" ends it."""
        self._lamp.play(_Text(text, self._lamp.colour()) if text else None)


class _Text:
    # A motion, as those of device/effects.py.

    def __init__(self, text, colour):
        self._columns = display.columns(text)
        self._display = display.Display()
        self._display.begin_scroll(colour)
        self._last = time.ticks_add(time.ticks_ms(), -_COLUMN_TIME)

    def step(self, now):
        if time.ticks_diff(now, self._last) >= _COLUMN_TIME:
            self._last = now
            try:
                self._display.push(next(self._columns))
            except StopIteration:
                return False
        return True
