"""The display as a place for texts: eight lines of 16 letters, in MicroPython's font.

That has ASCII alone; others, such as Chinese ones, become boxes. A Chinese font of 16 x 16 dots
takes 216 KB, for which the image has no room.
"""

from _frozen import ssd1106
from machine import I2C, Pin
from micropython import const

_LINES = const(8)
_COLUMNS = const(16)
_FONT = const(8)  # dots, both ways
_BOX = const(127)


class Screen:
    def __init__(self, lamp):
        i2c = I2C(0, scl=Pin("I2C_SCL"), sda=Pin("I2C_SDA"), freq=400000)
        self._display = ssd1106.SSD1106_I2C(128, 64, i2c)

    def is_there(self):
        """Return whether the display answers; makes it dark."""
        return self._draw(())

    def show(self, text):
        """Show a text in place of the last one; a line that is too long goes on in the next."""
        lines = []
        text = "".join([letter if ord(letter) < _BOX else chr(_BOX) for letter in text])
        for line in text.split("\n"):
            lines.append(line[:_COLUMNS])
            for begin in range(_COLUMNS, len(line), _COLUMNS):
                lines.append(line[begin : begin + _COLUMNS])
        self._draw(lines[:_LINES])

    def _draw(self, lines):
        try:
            self._display.fill(0)
            for row, line in enumerate(lines):
                self._display.text(line, 0, row * _FONT, 1)
            self._display.show()
        except OSError:  # it was there, and its plug is out
            return False
        return True
