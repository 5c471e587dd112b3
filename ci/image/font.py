"""The font of a board's display: GB2312 and ASCII at 16 dots, made of GNU Unifont.

    python -m ci.image.font unifont.hex boards/mpython/font.bin

All numbers are little endian. boards/mpython/modules/display_font.py reads it:

    16 bytes   "FONT"; format, height, count of narrow characters, count of wide ones, 16 bits each;
               CRC-32 of the next three parts
    index      16-bit code points, sorted: the narrow characters', then the wide ones'
    narrow     16 bytes each: 8 x 16 dots as framebuf.MONO_VLSB
    wide       32 bytes each: 16 x 16 dots
    licence    the text beside the file, to its end
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from ci.problem import Problem, run

PARTITION = "font"
HEIGHT = 16

_HEADER = struct.Struct("<4sHHHHL")
_MAGIC = b"FONT"
_FORMAT = 1
_NARROW, _WIDE = 16, 32  # bytes of a character
_CODE = 2  # bytes of a code point
_ASCII = [chr(code) for code in range(0x20, 0x7F)]


def gb2312(first: int = 1, last: int = 87) -> set[str]:
    """Return the characters in rows of GB2312, from 1 to 9 signs, from 16 level 1, from 56 level 2.

    A dot and a dash, which its tables map in two ways, are in it as both.
    """
    found = set()
    for row in range(first, last + 1):
        for cell in range(1, 95):
            code = bytes((0xA0 + row, 0xA0 + cell))
            try:
                found |= {code.decode("gb2312"), code.decode("gbk")}
            except UnicodeDecodeError:
                pass  # no character there
    return found


def _dots(rows: str, width: int) -> bytes:
    # Unifont writes rows from left to right; the display's bytes stand upright, their top in bit 0.
    digits = width // 4
    lines = [int(rows[start : start + digits], 16) for start in range(0, len(rows), digits)]
    return bytes(
        sum((lines[page + bit] >> (width - 1 - x) & 1) << bit for bit in range(8))
        for page in (0, 8)
        for x in range(width)
    )


def make_font(unifont: str, licence: str) -> bytes:
    """Return the font, of the lines of a unifont.hex. Raises Problem if a character is missing."""
    rows = dict(line.split(":") for line in unifont.split())
    narrow, wide = {}, {}
    for character in sorted({*_ASCII, *gb2312()}):
        code = ord(character)
        text = rows.get(f"{code:04X}", "")
        if len(text) == 2 * _NARROW:
            narrow[code] = _dots(text, 8)
        elif len(text) == 2 * _WIDE:
            wide[code] = _dots(text, 16)
        else:
            raise Problem(f"the font has no {character!r} 16 dots high: is it unifont.hex?")
    codes = [*narrow, *wide]
    content = struct.pack(f"<{len(codes)}H", *codes)
    content += b"".join([*narrow.values(), *wide.values()])
    header = _HEADER.pack(_MAGIC, _FORMAT, HEIGHT, len(narrow), len(wide), zlib.crc32(content))
    return header + content + licence.encode()


def check_font(data: bytes, source: str) -> None:
    """Raise Problem, naming `source`, unless `data` begins with a whole font."""
    if len(data) >= _HEADER.size:
        magic, version, height, narrow, wide, checksum = _HEADER.unpack_from(data)
        size = narrow * (_CODE + _NARROW) + wide * (_CODE + _WIDE)
        content = data[_HEADER.size :][:size]
        known = (magic, version, height) == (_MAGIC, _FORMAT, HEIGHT)
        if known and len(content) == size and zlib.crc32(content) == checksum:
            return
    raise Problem(f"the font in {source} is cut off or damaged: build or download it again")


def main(arguments: list[str]) -> None:
    if len(arguments) != 2:
        raise Problem("give the path of a unifont.hex, and the file to write")
    unifont, target = map(Path, arguments)
    licence = target.with_name(f"{target.stem}-licence.txt").read_text(encoding="utf-8")
    font = make_font(unifont.read_text(encoding="ascii"), licence)
    is_old = target.exists() and target.read_bytes() == font
    target.write_bytes(font)
    print(f"{target}  {len(font)} bytes, {'the same as before' if is_old else 'changed'}")


if __name__ == "__main__":
    run(main)
