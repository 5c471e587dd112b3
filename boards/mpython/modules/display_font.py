"""Fonts for the display: Chinese from the partition `font`, and MicroPython's own.

Each has `height`, in dots, and `load`, which makes the FrameBuffer `glyph` the picture of a
character. What a font does not have becomes an empty box.

ci/image/font.py makes the partition's content, and says how it is laid out. An update over the air
never changes the table, so a board that version 0.1 was flashed to has no such partition.
"""

import framebuf
import struct
from esp32 import Partition
from micropython import const

_BEGIN = b"FONT\x01\x00\x10\x00"  # format 1, 16 dots high
_COUNTS = const(8)  # at this byte: of the narrow characters and of the wide ones
_INDEX = const(16)
_NARROW = const(16)  # bytes of a character of 8 dots' width
_WIDE = const(32)  # of one of 16


def find():
    """Return the Font of the board, or MicroPython's if it has none."""
    try:
        return Font(Partition("font"))
    except OSError:
        return BuiltInFont()


class Font:
    """GB2312's characters and ASCII, 16 dots high, 16 or 8 wide.

    Raises OSError if there is no font in the partition.
    """

    height = 16

    def __init__(self, partition):
        header = bytearray(_INDEX)
        partition.readblocks(0, header)
        narrow, wide = struct.unpack_from("<HH", header, _COUNTS)
        end = _INDEX + narrow * (2 + _NARROW) + wide * (2 + _WIDE)
        if header[: len(_BEGIN)] != _BEGIN or end > partition.info()[3]:
            raise OSError("the partition holds no font")
        self._partition = partition
        self._narrow = narrow
        self._wide = wide
        self._code = bytearray(2)
        dots = bytearray(_WIDE)
        self._dots = (memoryview(dots)[:_NARROW], dots)
        self._glyphs = (
            framebuf.FrameBuffer(dots, 8, 16, framebuf.MONO_VLSB),
            framebuf.FrameBuffer(dots, 16, 16, framebuf.MONO_VLSB),
        )
        self.glyph = None

    def load(self, character):
        """Make `glyph` the picture of a character, and return its width in dots.

        Reads the flash up to 24 times, two bytes each, and once for the picture.
        """
        code = ord(character)
        glyphs = _INDEX + 2 * (self._narrow + self._wide)
        place = self._find(code, _INDEX, self._narrow)
        if place >= 0:
            return self._read(0, glyphs + _NARROW * place)
        place = self._find(code, _INDEX + 2 * self._narrow, self._wide)
        if place >= 0:
            return self._read(1, glyphs + _NARROW * self._narrow + _WIDE * place)
        is_wide = code > 0x7F
        width = 16 if is_wide else 8
        self.glyph = self._glyphs[is_wide]
        self.glyph.fill(0)
        self.glyph.rect(0, 0, width - 1, 16, 1)
        return width

    def _find(self, code, start, count):
        # The place among `count` sorted code points, the first of which is at byte `start`; else -1.
        entry = self._code
        low = 0
        while low < count:
            middle = (low + count) // 2
            self._partition.readblocks(0, entry, start + 2 * middle)
            found = entry[0] | entry[1] << 8
            if found == code:
                return middle
            if found < code:
                low = middle + 1
            else:
                count = middle
        return -1

    def _read(self, is_wide, offset):
        self._partition.readblocks(0, self._dots[is_wide], offset)
        self.glyph = self._glyphs[is_wide]
        return 16 if is_wide else 8


class BuiltInFont:
    """MicroPython's font: ASCII, 8 x 8 dots."""

    height = 8

    def __init__(self):
        self.glyph = framebuf.FrameBuffer(bytearray(8), 8, 8, framebuf.MONO_VLSB)

    def load(self, character):
        """Make `glyph` the picture of a character, and return its width in dots."""
        self.glyph.fill(0)
        if " " <= character <= "~":
            self.glyph.text(character, 0, 0, 1)
        else:
            self.glyph.rect(0, 0, 7, 8, 1)
        return 8
