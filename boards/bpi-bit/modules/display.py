"""The 5x5 matrix as micro:bit's programs use it: images, text, single dots.

Each dot has a level, 0 (dark) to 9, in one colour for the whole picture.
"""

import time
from _frozen import rgb
from micropython import const

_SIDE = const(5)

black = (0, 0, 0)
Red = (255, 0, 0)
Orange = (255, 128, 0)
Yellow = (255, 255, 0)
Green = (0, 255, 0)
Blue = (0, 0, 255)
Indigo = (0, 255, 255)
Purple = (255, 0, 255)

# Characters of three columns and five rows, five octal digits each: a digit is a row, its highest
# bit the left column. Strings stay in flash; a dict would be built in the heap. The A is 25755:
#
#     2   . # .
#     5   # . #
#     7   # # #
#     5   # . #
#     5   # . #
_CHARACTERS = " !\"#%'()*+,-./:;<=>?_°0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ROWS = (
    "00000222025500057575512452200012221422240525002720000240070000002112440202002024"
    "12421070704212461202000072520075557262276124761216557117461634757712227575775716"
    "25755656563444365556746477464434553557557222711152556554444757755655552555265644"
    "25563656553421672222555575555255775552555522271247"
)
_UNKNOWN = "77777"


class Image:
    """A picture of 5x5 levels, from text such as "09090:99999:99999:09990:00900"."""

    def __init__(self, rows="00000:00000:00000:00000:00000"):
        rows = rows.replace("\n", ":").strip(":").split(":")
        if len(rows) > _SIDE or any(len(row) > _SIDE for row in rows):
            raise ValueError("an image has five rows of five digits, with : between them")
        self._levels = bytearray(_SIDE * _SIDE)
        for y, row in enumerate(rows):
            for x, digit in enumerate(row):
                self._levels[_SIDE * y + x] = int(digit)

    def get_pixel(self, x, y):
        """Return the level in column x from the left, row y from the top."""
        return self._levels[_place(x, y)]

    def set_pixel(self, x, y, level):
        """Set the level, 0 to 9."""
        if not 0 <= level <= 9:
            raise ValueError("level is %r; allowed: 0 to 9" % level)
        self._levels[_place(x, y)] = level

    def copy(self):
        image = Image()
        image._levels[:] = self._levels
        return image

    def invert(self):
        """Return a picture that is dark where this one is light, and the other way round."""
        image = Image()
        image._levels[:] = bytes(9 - level for level in self._levels)
        return image


def _place(x, y):
    if not (0 <= x < _SIDE and 0 <= y < _SIDE):
        raise IndexError("no dot at (%d, %d)" % (x, y))
    return _SIDE * y + x


Image.HEART = Image("09090:99999:99999:09990:00900")
Image.HEART_SMALL = Image("00000:09090:09990:00900:00000")
Image.HAPPY = Image("00000:09090:00000:90009:09990")
Image.SAD = Image("00000:09090:00000:09990:90009")
Image.YES = Image("00000:00009:00090:90900:09000")
Image.NO = Image("90009:09090:00900:09090:90009")
Image.ARROW_N = Image("00900:09990:90909:00900:00900")
Image.ARROW_E = Image("00900:00090:99999:00090:00900")
Image.ARROW_S = Image("00900:00900:90909:09990:00900")
Image.ARROW_W = Image("00900:09000:99999:09000:00900")
Image.SQUARE = Image("99999:90009:90009:90009:99999")
Image.DIAMOND = Image("00900:09090:90009:09090:00900")


def _rows(character):
    # Lower case is shown as capitals: three columns cannot tell more.
    index = _CHARACTERS.find(character.upper())
    return _UNKNOWN if index < 0 else _ROWS[_SIDE * index : _SIDE * index + _SIDE]


def _character(character):
    rows = [bin(8 + int(row))[3:].replace("1", "9") for row in _rows(character)]
    return Image(":".join("0" + row for row in rows))


def columns(text):
    """Yield the columns of a text that moves through the matrix until it is out, as five bits each."""
    for character in text:
        rows = [int(row) for row in _rows(character)]
        for bit in (2, 1, 0):
            column = 0
            for row in rows:
                column = column << 1 | row >> bit & 1
            yield column
        yield 0
    for _ in range(_SIDE):
        yield 0


class Display:
    """The matrix. What shows several pictures waits until the last one is there."""

    def __init__(self):
        self._image = Image()
        self._colour = Red
        self._on = True

    def _draw(self):
        leds = rgb.leds()
        for y in range(_SIDE):
            for x in range(_SIDE):
                level = self._image.get_pixel(x, y) if self._on else 0
                leds[leds.xy(x, y)] = [part * level // 9 for part in self._colour]
        leds.write()

    def show(self, images, wait=True, color=Red, *, loop=False, delay=400, clear=False):
        """Show an Image, a text or number sign by sign, or a list of Images and signs.

        Several are shown `delay` ms each; with `loop` forever, with `clear` the matrix is dark
        at the end. `wait` is there for old programs: it always waits.
        """
        if isinstance(images, (int, float)):
            images = str(images)
        if isinstance(images, Image):
            images = (images,)
        while True:
            for image in images:
                self._image = _character(image) if isinstance(image, str) else image.copy()
                self._colour = color
                self._draw()
                if len(images) > 1 or loop or clear:
                    time.sleep_ms(delay)
            if not loop:
                break
        if clear:
            self.clear()

    def scroll(self, val, color=Red, delay=150):
        """Move a text or number through the matrix, `delay` ms a column; returns when it is out."""
        self.begin_scroll(color)
        for column in columns(str(val)):
            self.push(column)
            time.sleep_ms(delay)

    def begin_scroll(self, color):
        """Make the picture dark; `push` then moves a text in, in this colour."""
        self._colour = color
        self._image = Image()

    def push(self, column):
        """Move the picture to the left, and show a column of `columns` at the right edge."""
        levels = self._image._levels
        for y in range(_SIDE):
            row = _SIDE * y
            levels[row : row + _SIDE - 1] = levels[row + 1 : row + _SIDE]
            levels[row + _SIDE - 1] = 9 * (column >> _SIDE - 1 - y & 1)
        self._draw()

    def clear(self):
        """Make all dots dark."""
        self._image = Image()
        self._draw()

    def get_pixel(self, x, y):
        """Return the level in column x from the left, row y from the top."""
        return self._image.get_pixel(x, y)

    def set_pixel(self, x, y, level):
        """Set one dot's level, 0 to 9, in the colour shown last."""
        self._image.set_pixel(x, y, level)
        self._draw()

    def on(self):
        """Show again what `off` has hidden."""
        self._on = True
        self._draw()

    def off(self):
        """Make the matrix dark, and keep the picture."""
        self._on = False
        self._draw()

    def is_on(self):
        return self._on
