"""The simulated board's flash chip, from outside: a file that a board and its boot loader share.

`sim_flash.c` is the board's side of it, with the same rules.
"""

from __future__ import annotations

import mmap
from collections.abc import MutableSequence
from pathlib import Path

import simulated_board  # noqa: F401, puts the project's folder on the path
from ci.boards import Board
from ci.image.built import read_sdkconfig
from ci.image.partitions import (
    SECTOR,
    Layout,
    contents,
    parse_size,
    read_binary,
    read_csv,
    table_binary,
)

TABLE_OFFSET = 0x8000
_SIZE_SETTING = "ESPTOOLPY_FLASHSIZE_"


class FlashAbuse(Exception):
    """A write that a chip would take, and that leaves neither the old bytes nor the new."""


class PowerCut(Exception):
    """The power has failed in the middle of an operation."""


class NorFlash:
    """NOR flash: an erase sets a sector to ones, a write can only clear bits.

    Each is an operation. At number `cut` the power fails: `tear` percent of it are done, and
    PowerCut is raised.
    """

    def __init__(self, data: MutableSequence[int], cut: int = 0, tear: int = 50) -> None:
        self.data = data
        self.cut = cut
        self.tear = tear
        self.operations = 0

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.data[address : address + size])

    def erase(self, address: int) -> None:
        """Erase a sector. A torn erase leaves pieces of the old content here and there."""
        if address % SECTOR:
            raise FlashAbuse(f"an erase at {address:#x}, where no sector begins")
        size = SECTOR // 16
        done = self._begin()
        for piece in range(16):
            if piece * 7 % 16 * 100 < done * 16:
                at = address + piece * size
                self.data[at : at + size] = b"\xff" * size
        self._end()

    def write(self, address: int, data: bytes) -> None:
        """Write. Raises FlashAbuse where that would have to set a bit."""
        done = len(data) * self._begin() // 100
        old = int.from_bytes(self.data[address : address + done], "big")
        if int.from_bytes(data[:done], "big") & ~old:
            raise FlashAbuse(f"a write at {address:#x} to flash that was not erased")
        self.data[address : address + done] = data[:done]
        self._end()

    def _begin(self) -> int:
        self.operations += 1
        return self.tear if self.operations == self.cut else 100

    def _end(self) -> None:
        if self.operations == self.cut:
            raise PowerCut


def board_layout(board: Board) -> Layout:
    """Return the layout of a board's flash, of its partitions.csv and its flash size."""
    settings = read_sdkconfig(board.folder / "sdkconfig.board")
    (size,) = [name for name in settings if name.startswith(_SIZE_SETTING)]
    flash_size = parse_size(size.removeprefix(_SIZE_SETTING))
    return read_csv(board.folder / "partitions.csv", TABLE_OFFSET, flash_size)


class FlashChip:
    """A chip in the file `path`, which boards and boot loaders open for themselves."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r+b") as file:
            self.data = mmap.mmap(file.fileno(), 0)
        table = self.data[TABLE_OFFSET : TABLE_OFFSET + SECTOR]
        self.layout = read_binary(table, TABLE_OFFSET, len(self.data), str(path))

    def install(self, application: bytes, slot: int = 0) -> None:
        """Put an application into a slot, as over USB: what else is there stays."""
        region = self.layout.applications[slot]
        room = application.ljust(region.size, b"\xff")
        self.data[region.offset : region.end] = room

    def slot(self, number: int) -> bytes:
        """Return what is in a slot."""
        region = self.layout.applications[number]
        return self.data[region.offset : region.end]


def make_chip(board: Board, path: Path, application: bytes) -> FlashChip:
    """Make the chip of a board that USB has just written.

    It has the table, what lies in the board's folder for its partitions, and the application.
    """
    layout = board_layout(board)
    table = table_binary((board.folder / "partitions.csv").read_text(encoding="utf-8"))
    blank = bytearray(b"\xff" * layout.flash_size)
    blank[TABLE_OFFSET : TABLE_OFFSET + len(table)] = table
    for row, content in contents(board.folder, layout):
        data = content.read_bytes()
        blank[row.offset : row.offset + len(data)] = data
    path.write_bytes(blank)
    chip = FlashChip(path)
    chip.install(application)
    return chip
