"""Espressif's image format: whether a program is whole, how long it is, and for which chip."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from esptool.bin_image import LoadFirmwareImage
from esptool.loader import ESPLoader
from esptool.targets import CHIP_DEFS
from esptool.util import FatalError

from ci.image.partitions import parse_size
from ci.problem import Problem

_HEADER = struct.Struct("<BBBBIBBBBH")  # up to the chip's number
_DIGEST_SIZE = 32


@dataclass(frozen=True)
class Program:
    """The header of a bootloader or an application, and its length in bytes with its digest."""

    flash_size: int
    size: int


def chip_title(chip: str) -> str:
    """Return a chip's name as it is written on the board: esp32s3 is ESP32-S3."""
    return CHIP_DEFS[chip].CHIP_NAME


def _chip_of(number: int) -> str:
    for name, rom in CHIP_DEFS.items():
        if getattr(rom, "IMAGE_CHIP_ID", None) == number:
            return chip_title(name)
    return f"an unknown chip (number {number})"


def read_program(data: bytes, chip: str, source: str) -> Program:
    """Check the program at the start of `data`; bytes behind it do not matter.

    Raises Problem, naming `source`, if it is no program, for another chip, cut off or damaged.
    """
    if len(data) < _HEADER.size or data[0] != ESPLoader.ESP_IMAGE_MAGIC:
        raise Problem(f"{source} holds no program for an ESP chip: is it the right file?")
    number = _HEADER.unpack_from(data)[9]
    rom = CHIP_DEFS[chip]
    if number != rom.IMAGE_CHIP_ID:
        raise Problem(f"{source} is made for {_chip_of(number)}, not for {chip_title(chip)}")
    damaged = f"{source} is cut off or damaged: build or download it again"
    try:
        image = LoadFirmwareImage(chip, data)
    except (FatalError, RuntimeError, struct.error, TypeError) as error:
        raise Problem(damaged) from error
    if image.checksum != image.calculate_checksum():
        raise Problem(damaged)
    if not image.append_digest or image.stored_digest != image.calc_digest:
        raise Problem(damaged)
    sizes = {value: name for name, value in rom.FLASH_SIZES.items()}
    size_name = sizes.get(image.flash_size_freq & 0xF0)
    if size_name is None:
        raise Problem(damaged)
    return Program(parse_size(size_name), image.data_length + _DIGEST_SIZE)
