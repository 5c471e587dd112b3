"""Where things lie in the flash: the partition table, and the filesystem that follows it.

The one place that reads tables. No offset is written down here: they come from the table's csv, from
the table a build made, or from the image that holds it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from esp_idf_defs import PartitionTable
from esp_idf_defs.partitions import APP_TYPE, InputError, MAX_PARTITION_LENGTH, PartitionDefinition

from ci.problem import Problem

SECTOR = 4096  # what the flash erases at once, and LittleFS's block
TABLE_SIZE = MAX_PARTITION_LENGTH

# MicroPython makes a "vfs" partition only if the table has neither of these.
_FILESYSTEM_LABELS = ("vfs", "ffat")


@dataclass(frozen=True)
class Region:
    """A named range of the flash, in bytes."""

    name: str
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


@dataclass(frozen=True)
class Layout:
    """A flash of a known size, divided by a table."""

    flash_size: int
    table_offset: int
    partitions: tuple[Region, ...]
    applications: tuple[Region, ...]  # the slots among the partitions; the first is flashed

    @property
    def application(self) -> Region:
        return self.applications[0]

    @property
    def filesystem(self) -> Region:
        """The partition that MicroPython keeps files in, by the rule it applies at boot.

        A "vfs" or "ffat" row of the table if there is one, else what is left behind the last
        partition (ports/esp32/main.c, v1.26 and later).
        """
        for partition in self.partitions:
            if partition.name in _FILESYSTEM_LABELS:
                return partition
        start = max(partition.end for partition in self.partitions)
        return Region("vfs", start, self.flash_size - start)


def _layout(table: PartitionTable, table_offset: int, flash_size: int, source: str) -> Layout:
    try:
        table.verify(table_offset)
        table.verify_size_fits(flash_size)
    except InputError as error:
        raise Problem(f"the partition table in {source} is wrong: {error}") from error
    regions = [Region(row.name, row.offset, row.size) for row in table]
    applications = [region for region, row in zip(regions, table) if row.type == APP_TYPE]
    if not applications:
        raise Problem(f"the partition table in {source} has no row of type app")
    return Layout(flash_size, table_offset, tuple(regions), tuple(applications))


def read_csv(path: Path, table_offset: int, flash_size: int) -> Layout:
    """Return the layout that a board's partitions.csv asks for. Raises Problem if it cannot be."""
    try:
        table = PartitionTable.from_csv(path.read_text(encoding="utf-8"), table_offset)
    except (InputError, UnicodeDecodeError, TypeError) as error:
        raise Problem(f"the partition table in {path} is wrong: {error}") from error
    return _layout(table, table_offset, flash_size, str(path))


def read_binary(data: bytes, table_offset: int, flash_size: int, source: str) -> Layout:
    """Return the layout of the binary table that `data` starts with. Raises Problem if damaged."""
    try:
        table = PartitionTable.from_binary(data[:TABLE_SIZE])
    except (InputError, UnicodeDecodeError) as error:
        raise Problem(f"the partition table in {source} is damaged: {error}") from error
    return _layout(table, table_offset, flash_size, source)


def contents(folder: Path, layout: Layout) -> list[tuple[Region, Path]]:
    """Return the partitions whose content lies in a board's folder, as <row's name>.bin.

    Raises Problem if such a file does not fit, or has no row before the slots: an update image ends
    with the application in the first one.
    """
    rows = {partition.name: partition for partition in layout.partitions}
    found = []
    for path in folder.glob("*.bin"):
        row = rows.get(path.stem)
        if row is None or row.offset > layout.application.offset:
            raise Problem(f"{path} needs a row {path.stem} in partitions.csv, before the slots")
        size = path.stat().st_size
        if size > row.size:
            raise Problem(f"{path} has {size} bytes, its row in partitions.csv only {row.size}")
        found.append((row, path))
    return sorted(found, key=lambda pair: pair[0].offset)


def find_table(data: bytes, base: int) -> int | None:
    """Return the flash address of the partition table in `data`, which starts at `base`."""
    for position in range(-base % SECTOR, len(data), SECTOR):
        if data.startswith(PartitionDefinition.MAGIC_BYTES, position):
            return base + position
    return None


def table_binary(csv: str) -> bytes:
    """Return the binary form of a table, as ESP-IDF's build writes it."""
    return PartitionTable.from_csv(csv).to_binary()


def parse_size(text: str) -> int:
    """Return the bytes of a flash size as sdkconfig and esptool write it, such as 4MB."""
    match = re.fullmatch(r"(\d+)(KB|MB)", text)
    if match is None:
        raise Problem(f"{text!r} is not a flash size such as 4MB")
    return int(match.group(1)) * {"KB": 1024, "MB": 1024 * 1024}[match.group(2)]
