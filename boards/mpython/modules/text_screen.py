"""The display as a place for texts: eight lines of 16 letters, or four that have Chinese in them."""

from _frozen import ssd1106
from machine import I2C, Pin
from micropython import const

_WIDTH = const(128)  # dots
_HEIGHT = const(64)


class Screen:
    def __init__(self, lamp):
        i2c = I2C(0, scl=Pin("I2C_SCL"), sda=Pin("I2C_SDA"), freq=400000)
        self._display = ssd1106.SSD1106_I2C(_WIDTH, _HEIGHT, i2c)
        self._small = self._large = None  # the fonts, from when they are needed

    def is_there(self):
        """Return whether the display answers; makes it dark."""
        return self._draw("", None)

    def show(self, text):
        """Show a text in place of the last one; a line that is too long goes on in the next.

        Blocks for 25 ms and for the pictures of at most 128 letters.
        """
        self._draw(text, self._font(text))

    def _font(self, text):
        from _frozen import display_font

        if len(text) == len(text.encode()):  # ASCII
            if self._small is None:
                self._small = display_font.BuiltInFont()
            return self._small
        if self._large is None:
            self._large = display_font.find()
        return self._large

    def _draw(self, text, font):
        x = y = 0
        try:
            self._display.fill(0)
            for character in text:
                if character == "\n":
                    x, y = 0, y + font.height
                    continue
                width = font.load(character)
                if x + width > _WIDTH:
                    x, y = 0, y + font.height
                if y >= _HEIGHT:
                    break
                self._display.blit(font.glyph, x, y)
                x += width
            self._display.show()
        except OSError:  # it was there, and its plug is out
            return False
        return True
