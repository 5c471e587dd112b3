"""Files that are written to the flash whole: what is in them, and where they go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from esptool.targets import CHIP_DEFS

from ci.image.esp_image import Program, read_program
from ci.image.font import PARTITION, check_font
from ci.image.partitions import Layout, find_table, read_binary
from ci.problem import Problem

_ERASED = b"\xff"


@dataclass(frozen=True)
class FlashImage:
    """A checked -update.bin or -factory.bin."""

    data: bytes
    offset: int  # the flash address of its first byte
    layout: Layout
    application: Program

    @property
    def end(self) -> int:
        return self.offset + len(self.data)

    @property
    def whole(self) -> bool:
        """Whether it replaces the users' files too, as a factory image does."""
        return self.end > self.layout.filesystem.offset

    def filesystem(self) -> bytes:
        """Return the bytes of the filesystem in a factory image."""
        region = self.layout.filesystem
        return self.data[region.offset - self.offset : region.end - self.offset]


def read_flash_image(path: Path, chip: str) -> FlashImage:
    """Read and check an image file. Raises Problem if it must not be written to a board.

    An update image starts with the bootloader, a factory image with erased flash up to it. Where
    the bootloader lies is fixed by the chip; everything else is read from the image.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}") from error
    bootloader_offset = CHIP_DEFS[chip].BOOTLOADER_FLASH_OFFSET
    gap = data[:bootloader_offset]
    offset = 0 if gap == _ERASED * bootloader_offset else bootloader_offset
    bootloader = read_program(data[bootloader_offset - offset :], chip, path.name)

    table_offset = find_table(data, offset)
    if table_offset is None:
        raise Problem(
            f"{path.name} is an application alone, for updates over the air: flash the file "
            "that ends in -update.bin or -factory.bin"
        )
    flash_size = bootloader.flash_size
    table = data[table_offset - offset :]
    layout = read_binary(table, table_offset, flash_size, path.name)

    for row in layout.partitions:
        if row.name == PARTITION:
            check_font(data[row.offset - offset : row.end - offset], path.name)
    slot = layout.application
    application_data = data[slot.offset - offset :]
    application = read_program(application_data, chip, f"the application in {path.name}")
    if application.size > slot.size:
        over = application.size - slot.size
        raise Problem(f"the application in {path.name} is {over} bytes too large for its slot")
    if offset + len(data) > flash_size:
        raise Problem(
            f"{path.name} is longer than the {flash_size} bytes of flash it was built for"
        )
    image = FlashImage(data, offset, layout, application)
    if image.offset != 0 and image.end > slot.end:
        raise Problem(f"{path.name} reaches behind the application's slot: build it again")
    if image.whole and image.end != layout.filesystem.end:
        raise Problem(f"{path.name} is cut off in its filesystem: build or download it again")
    return image
