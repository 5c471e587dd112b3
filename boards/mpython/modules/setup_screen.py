"""What the display shows during set-up: a QR code that lets a phone join, the same in words, states."""

from _frozen import qr_code, ssd1106
from machine import I2C, Pin
from micropython import const

_SCALE = const(2)  # dots a module: with one, phones do not read it
_MARGIN = const(3)
_LINE = const(8)
_COLUMNS = const(16)


class Screen:
    """A display that is broken or absent troubles nobody: the serial line says the same."""

    def __init__(self):
        i2c = I2C(0, scl=Pin("I2C_SCL"), sda=Pin("I2C_SDA"), freq=400000)
        self._display = ssd1106.SSD1106_I2C(128, 64, i2c)
        self._shown = None
        self._work = None  # that is left of the picture

    def invite(self, name, key, address):
        """Show how to join: the code on the left, name, key and address beside it."""
        if self._is_shown((name, key)):
            return
        lines = name[:8], name[8:], "", key[:5], key[5:], "", address
        self._work = self._draw(lines, "WIFI:T:WPA;S:%s;P:%s;;" % (name, key))

    def show(self, *lines):
        """Show lines of 16 letters; what is longer goes on in the next."""
        if self._is_shown(lines):
            return
        cut = []
        for line in lines:
            while line:
                cut.append(line[:_COLUMNS])
                line = line[_COLUMNS:]
        self._work = self._draw(cut, None)

    def _is_shown(self, what):
        was = self._shown
        self._shown = what
        return what == was

    def _draw(self, lines, code):
        # In pieces, one without a code; the last of them is for the display, 25 ms.
        left = 0
        self._display.fill(0)
        if code:
            self._draw_code((yield from qr_code.encode(code.encode())))
            left = 64
            yield
        for row, line in enumerate(lines):
            self._display.text(line, left, row * _LINE, 1)
        self._display.show()

    def _draw_code(self, code):
        # Lit is light: the board's black frame around it would be dark modules, so the margin is lit.
        side = qr_code.SIZE * _SCALE + 2 * _MARGIN
        self._display.fill_rect(0, 0, side, side, 1)
        for y in range(qr_code.SIZE):
            for x in range(qr_code.SIZE):
                if code.pixel(x, y):
                    self._display.fill_rect(
                        _MARGIN + x * _SCALE, _MARGIN + y * _SCALE, _SCALE, _SCALE, 0
                    )

    def step(self):
        """Draw a piece of what is to be shown: words at once. Blocks for 30 ms at most."""
        if self._work:
            try:
                next(self._work)
            except (StopIteration, OSError):
                self._work = None

    def close(self):
        self._work = None
        try:
            self._display.fill(0)
            self._display.show()
        except OSError:
            pass
