"""The board's RGB LEDs: a strip of three on mPython, a 5x5 matrix on the BPI:bit.

`fill` and item assignment change colours in memory; `write` sends them to the LEDs, scaled by the
brightness. A colour is (red, green, blue), each 0..255; values outside are clipped to that range.
The board's pins.csv says which pin they are on: RGB, and RGB_POWER if their supply has a switch.
"""

import time
from _frozen import board, neopixel
from machine import Pin
from micropython import const

# What one of an LED's three colours takes at its brightest (data sheet WS2812B). Milliamperes.
_CHANNEL_CURRENT = const(20)

# How long the supply may take to rise once it is switched on: what is sent before is lost, and the
# first frame is the cue for safe mode. Milliseconds; not measured on a board.
_POWER_UP = const(5)

_leds = None


def leds():
    """Return the board's LEDs: always the same object, made at the first call."""
    global _leds
    if _leds is None:
        _leds = RGB()
    return _leds


def _clip(value):
    return 0 if value < 0 else 255 if value > 255 else int(value)


class RGB:
    """The LEDs of this board; get them with `rgb.leds()`.

    Making it switches the LEDs' supply on where a pin does that (BPI:bit revision 1.2: GPIO2 must
    be high before data is sent) and blanks LEDs that still glow from before a reset.
    """

    def __init__(self):
        if hasattr(Pin.board, "RGB_POWER"):
            Pin("RGB_POWER", Pin.OUT, value=1)
            time.sleep_ms(_POWER_UP)
        self.n = board.LED_COUNT
        self._wire = neopixel.NeoPixel(Pin("RGB"), self.n)  # GRB, 800 kHz
        self._colours = [(0, 0, 0)] * self.n
        self._is_limit_told = False
        self._cover = None
        self._covered = 0
        self.brightness(board.LED_BRIGHTNESS / 100)
        self.write()

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return self._colours[index]

    def __setitem__(self, index, colour):
        red, green, blue = colour
        self._colours[index] = (_clip(red), _clip(green), _clip(blue))

    def fill(self, colour):
        """Give all LEDs one colour; `write` shows it."""
        self[0] = colour
        for index in range(1, self.n):
            self._colours[index] = self._colours[0]

    def xy(self, x, y):
        """Return the index of the LED in column x from the left and row y from the top.

        Raises IndexError outside the board's LEDs.
        """
        columns = board.LED_COLUMNS
        if not (0 <= x < columns and 0 <= y < self.n // columns):
            raise IndexError("no LED at (%d, %d)" % (x, y))
        return board.led_index(x, y)

    def brightness(self, *value):
        """Set the brightness, 0.0 (dark) to 1.0, for the next `write`; without a value return it.

        Raises ValueError outside that range. Above the board's default the supply may not be able
        to feed all LEDs at full white: see `write`.
        """
        if not value:
            return self._brightness
        if not 0 <= value[0] <= 1:
            raise ValueError("brightness is %r; allowed: 0.0 to 1.0" % value[0])
        self._brightness = value[0]
        # What is not 0 is not dark, however little of it the board's setting leaves.
        self._scale = max(1, int(value[0] * 256 + 0.5)) if value[0] else 0

    def cover(self, colour, count=1):
        """Show `colour` in place of what is drawn on the first `count` LEDs, until cover(None);
        `write` sends it. At the board's own brightness, which its supply can feed in white, to be
        seen whatever `brightness` says.
        """
        self._covered = count
        scale = int(board.LED_BRIGHTNESS / 100 * 256 + 0.5)
        self._cover = colour and tuple([(part * scale + 255) >> 8 for part in colour])

    def _affordable_scale(self):
        # That of the brightness, or what the board's supply can feed if that is less.
        total = 0
        for red, green, blue in self._colours:
            total += red + green + blue
        # Each channel may be rounded up by one.
        most = (board.LED_MAX_CURRENT * 255 // _CHANNEL_CURRENT - 3 * self.n) * 256
        if total * self._scale <= most:
            return self._scale
        if not self._is_limit_told:
            self._is_limit_told = True
            wanted = total * self._scale // 256 * _CHANNEL_CURRENT // 255
            print("rgb: these colours take %d mA; dimmed to %d" % (wanted, board.LED_MAX_CURRENT))
        return most // total

    def write(self):
        """Send the colours to the LEDs. Blocks for 30 us an LED.

        Colours that would take more current than the board's supply gives are dimmed, all alike;
        the first time a line says so.
        """
        scale = self._affordable_scale()
        # Rounded up: what is not black must not become black in a dim setting.
        round_up = 255 if scale else 0
        for index in range(self.n):
            red, green, blue = self._colours[index]
            self._wire[index] = (
                (red * scale + round_up) >> 8,
                (green * scale + round_up) >> 8,
                (blue * scale + round_up) >> 8,
            )
        if self._cover is not None:
            for index in range(self._covered):
                self._wire[index] = self._cover
        self._wire.write()
