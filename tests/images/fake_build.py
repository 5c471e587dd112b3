"""Build outputs as ESP-IDF leaves them, made with esptool: well-formed, but no chip could run them."""

import random
import re
import struct
from hashlib import sha256
from pathlib import Path

from esptool.bin_image import ELFSection
from esptool.targets import CHIP_DEFS

from ci.boards import Board
from ci.image.partitions import table_binary

VERSION = "1.2.3"
APPLICATION_SIZE = 1_240_656  # what a trial build of BPI:bit had

_NOISE_SIZE = 100_000
_BOOTLOADER_ADDRESS = 0x3FFF0018
_IDF = b"v5.5.1"


def flash_size_of(board: Board) -> str:
    """Return the size of the board's flash as esptool writes it, such as 8MB."""
    settings = (board.folder / "sdkconfig.board").read_text(encoding="utf-8")
    (size,) = re.findall(r"^CONFIG_ESPTOOLPY_FLASHSIZE_(\w+)=y$", settings, re.MULTILINE)
    return size


def make_program(chip: str, address: int, content: bytes, flash_size: str) -> bytes:
    """Return an image of one segment, with checksum and digest."""
    rom = CHIP_DEFS[chip]
    image = rom.BOOTLOADER_IMAGE()
    image.segments = [ELFSection(b".program", address, content, 0)]
    image.flash_mode = 2  # DIO
    image.flash_size_freq = rom.FLASH_SIZES[flash_size] | rom.FLASH_FREQUENCY["40m"]
    return image.save(None)


def make_application(
    board: Board,
    version: str,
    size: int = 60_000,
    *,
    chip: str = "",
    flash_size: str = "",
    bad: str = "",
    seed: int = 0,
) -> bytes:
    """Return an application that says what it is, as boot loaders and updates look for it.

    `bad` names how it fails on a simulated board (boards/sim/modules/bad_image.py). Of two with the
    same version, another `seed` makes another build.
    """
    noise = random.Random(f"{board.name} {version} {bad} {seed}")
    # Mostly zeros, which esptool compresses: the fake line is slower than a real one.
    content = f"VERSION {version}".encode() + noise.randbytes(min(size, _NOISE_SIZE))
    descriptor = struct.pack(
        "<L12x32s32s32x32s32s80x",
        0xABCD5432,
        f"{board.name}/{version}".encode(),
        f"bad-{bad}".encode() if bad else b"micropython",
        _IDF,
        sha256(content).digest(),
    )
    chip = chip or board.chip
    address = CHIP_DEFS[chip].DROM_MAP_START + 0x20
    content = (descriptor + content).ljust(size, b"\0")
    return make_program(chip, address, content, flash_size or flash_size_of(board))


def make_build(
    board: Board,
    folder: Path,
    *,
    chip: str = "",
    flash_size: str = "",
    application_size: int = APPLICATION_SIZE,
    table: str = "",
) -> Path:
    """Fill `folder` with the outputs of a build of `board`, changed as asked."""
    chip = chip or board.chip
    flash_size = flash_size or flash_size_of(board)
    noise = random.Random(board.name)
    rom = CHIP_DEFS[chip]
    (folder / "bootloader").mkdir(parents=True)
    (folder / "partition_table").mkdir()
    (folder / "bootloader" / "bootloader.bin").write_bytes(
        make_program(chip, _BOOTLOADER_ADDRESS, noise.randbytes(17_000), flash_size)
    )
    (folder / "micropython.bin").write_bytes(
        make_application(board, VERSION, application_size, chip=chip, flash_size=flash_size)
    )
    csv = table or (board.folder / "partitions.csv").read_text(encoding="utf-8")
    (folder / "partition_table" / "partition-table.bin").write_bytes(table_binary(csv))
    (folder / "sdkconfig").write_text(
        f'CONFIG_IDF_TARGET="{chip}"\n'
        f"CONFIG_BOOTLOADER_OFFSET_IN_FLASH={rom.BOOTLOADER_FLASH_OFFSET:#x}\n"
        "CONFIG_PARTITION_TABLE_OFFSET=0x8000\n"
        f'CONFIG_ESPTOOLPY_FLASHSIZE="{flash_size}"\n'
        "# CONFIG_SPIRAM is not set\n",
        encoding="utf-8",
    )
    return folder
