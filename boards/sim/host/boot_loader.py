"""The simulated board's boot loader: chooses a slot, then starts the board's program.

    python boot_loader.py build/sim-mpython/micropython [argument ...]

The rules are those of ESP-IDF v5.5's bootloader_utility.c with rollback: an application that was
chosen and not kept has had its one try at the next reset, whatever its cause.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from flash_chip import FlashChip, NorFlash, PowerCut
from ci.image.esp_image import read_program  # flash_chip has put the project on the path
from ci.image.partitions import SECTOR, Layout, Region
from ci.problem import Problem

NEW, PENDING_VERIFY, VALID, INVALID, ABORTED = range(5)
BLANK = 0xFFFFFFFF

_ENTRY = struct.Struct("<L20sLL")
_VERSION = slice(48, 80)  # in an image, see esp_app_desc_t
_PROJECT = slice(80, 112)
_BAD = "bad-"  # begins the project name of an image that plays a bad one


@dataclass(frozen=True)
class Entry:
    """One of the two sectors of otadata."""

    sequence: int = BLANK  # counts the choices; says the slot, too
    label: bytes = b"\xff" * 20
    state: int = BLANK
    checksum: int = BLANK

    @property
    def is_intact(self) -> bool:
        return self.sequence != BLANK and self.checksum == checksum(self.sequence)

    @property
    def is_refused(self) -> bool:
        return self.sequence == BLANK or self.state in (INVALID, ABORTED)


def checksum(sequence: int) -> int:
    return zlib.crc32(struct.pack("<L", sequence), BLANK)


def read_entries(flash: NorFlash, otadata: Region) -> list[Entry]:
    return [
        Entry(*_ENTRY.unpack(flash.read(otadata.offset + sector * SECTOR, _ENTRY.size)))
        for sector in range(2)
    ]


def active_entry(entries: list[Entry]) -> int | None:
    """Return the number of the entry that counts: the later of those that are valid."""
    valid = [n for n in range(2) if entries[n].is_intact and not entries[n].is_refused]
    return max(valid, key=lambda n: (entries[n].sequence, -n)) if valid else None


def write_entry(flash: NorFlash, otadata: Region, sector: int, entry: Entry) -> None:
    address = otadata.offset + sector * SECTOR
    flash.erase(address)
    flash.write(address, _ENTRY.pack(entry.sequence, entry.label, entry.state, entry.checksum))


def choose_slot(flash: NorFlash, layout: Layout, is_whole: Callable[[Region], bool]) -> int | None:
    """Return the number of the slot to start, None if no image is whole; notes it in otadata."""
    (otadata,) = [region for region in layout.partitions if region.name == "otadata"]
    slots = layout.applications
    entries = read_entries(flash, otadata)
    for sector, entry in enumerate(entries):
        if entry.state == PENDING_VERIFY:
            entries[sector] = replace(entry, state=ABORTED)
            write_entry(flash, otadata, sector, entries[sector])
    first = 0
    active = active_entry(entries)
    if active is not None:
        entry = entries[active]
        first = (entry.sequence - 1) % len(slots)
        if entry.state == NEW:
            write_entry(flash, otadata, active, replace(entry, state=PENDING_VERIFY))
    for number in [*range(first, -1, -1), *range(first + 1, len(slots))]:
        if is_whole(slots[number]):
            if not any(entry.is_intact for entry in entries):
                chosen = Entry(number + 1, state=VALID, checksum=checksum(number + 1))
                write_entry(flash, otadata, 0, chosen)
            return number
    return None


def is_whole_program(data: bytes) -> bool:
    try:
        read_program(data, "esp32", "the slot")
    except Problem:
        return False
    return True


def _text(image: bytes, place: slice) -> str:
    return image[place].split(b"\0")[0].decode(errors="replace")


def main(arguments: list[str]) -> None:
    chip = FlashChip(Path(os.environ["SIM_FLASH_CHIP"]))
    cut = int(os.environ.get("SIM_CUT") or 0)
    flash = NorFlash(chip.data, cut, int(os.environ.get("SIM_TEAR") or 50))
    data = chip.data
    try:
        number = choose_slot(
            flash, chip.layout, lambda slot: is_whole_program(data[slot.offset : slot.end])
        )
    except PowerCut:
        return
    if number is None:
        sys.exit("sim: the boot loader finds no whole application, and would try forever")
    if cut:
        os.environ["SIM_CUT"] = str(cut - flash.operations)
    slot = chip.layout.applications[number]
    image = data[slot.offset : slot.offset + _PROJECT.stop]
    project = _text(image, _PROJECT)
    os.environ["SIM_SLOT"] = str(slot.offset)
    os.environ["SIM_VERSION"] = _text(image, _VERSION).rpartition("/")[2]
    os.environ["SIM_BAD"] = project.removeprefix(_BAD) if project.startswith(_BAD) else ""
    os.execv(arguments[0], arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
