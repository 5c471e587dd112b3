"""The pictures in a board's font, read as its format says and not by the code that makes or uses it."""

from __future__ import annotations

import struct


class FontPictures:
    """A font's characters, each as its rows, with a # for a dot."""

    def __init__(self, data: bytes) -> None:
        self.magic, self.version, self.height, narrow, wide, self.checksum = struct.unpack_from(
            "<4sHHHHL", data
        )
        codes = struct.unpack_from(f"<{narrow + wide}H", data, 16)
        self.narrow = [chr(code) for code in codes[:narrow]]
        self.wide = [chr(code) for code in codes[narrow:]]
        self.first = 16 + 2 * len(codes)  # byte of the first picture
        self.end = self.first + 16 * narrow + 32 * wide
        self._data = data

    def __getitem__(self, character: str) -> list[str]:
        if character in self.narrow:
            width, at = 8, 16 * self.narrow.index(character)
        else:
            width, at = 16, 16 * len(self.narrow) + 32 * self.wide.index(character)
        upright = self._data[self.first + at :][: 2 * width]
        return [
            "".join(".#"[upright[y // 8 * width + x] >> y % 8 & 1] for x in range(width))
            for y in range(16)
        ]

    def line(self, text: str, width: int = 128) -> list[str]:
        """Return the 16 rows of a line of text, filled up to `width` dots."""
        pictures = [self[character] for character in text]
        return ["".join(row).ljust(width, ".") for row in zip(*pictures)]
