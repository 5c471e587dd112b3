"""What a board's build left behind, checked: the programs' places, sizes and free room.

python -m ci.image.built mpython     prints them as a table
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ci.boards import ROOT, Board, load_board
from ci.image.esp_image import read_program
from ci.image.partitions import Layout, contents, parse_size, read_binary
from ci.problem import Problem, run


def build_folder(board: str, root: Path = ROOT) -> Path:
    """Return the folder that MicroPython's port builds `board` in."""
    return root / "build" / board


@dataclass(frozen=True)
class Part:
    """A file that is written to the flash, and the room it has there."""

    name: str
    path: Path
    offset: int
    size: int
    room: int


@dataclass(frozen=True)
class Build:
    """The outputs of one board's build."""

    folder: Path
    layout: Layout
    parts: tuple[Part, ...]  # bootloader, partition table, contents of partitions, application

    @property
    def application(self) -> Part:
        return self.parts[-1]


def read_sdkconfig(path: Path) -> dict[str, str]:
    """Return the settings of an sdkconfig file, without CONFIG_ and quotes; unset ones are absent."""
    settings = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        name, equals, value = line.partition("=")
        if equals and name.startswith("CONFIG_"):
            settings[name.removeprefix("CONFIG_")] = value.strip('"')
    return settings


def read_build(board: Board, folder: Path) -> Build:
    """Read and check the outputs in `folder`. Raises Problem if one is missing or does not fit."""
    paths = {
        "sdkconfig": folder / "sdkconfig",
        "bootloader": folder / "bootloader" / "bootloader.bin",
        "partition table": folder / "partition_table" / "partition-table.bin",
        "application": folder / "micropython.bin",
    }
    for name, path in paths.items():
        if not path.is_file():
            raise Problem(f"no {name} at {path}: run `make build BOARD={board.name}` first")

    settings = read_sdkconfig(paths["sdkconfig"])
    try:
        chip = settings["IDF_TARGET"]
        flash_size = parse_size(settings["ESPTOOLPY_FLASHSIZE"])
        bootloader_offset = int(settings["BOOTLOADER_OFFSET_IN_FLASH"], 0)
        table_offset = int(settings["PARTITION_TABLE_OFFSET"], 0)
    except (KeyError, ValueError) as error:
        raise Problem(f"{paths['sdkconfig']} lacks or garbles {error}: build again") from error
    if chip != board.chip:
        raise Problem(
            f"{folder} was built for {chip!r}, but board {board.name} has {board.chip!r}: remove "
            "the folder and build again"
        )
    if bootloader_offset != board.flash_offset:
        raise Problem(
            f"board.json of {board.name} says flash_offset {board.flash_offset:#x}, the build has "
            f"its bootloader at {bootloader_offset:#x}: correct board.json"
        )

    table = paths["partition table"]
    layout = read_binary(table.read_bytes(), table_offset, flash_size, str(table))
    slot = layout.application
    first_partition = min(partition.offset for partition in layout.partitions)
    rows = [
        ("bootloader", paths["bootloader"], bootloader_offset, table_offset),
        ("partition table", table, table_offset, first_partition),
    ]
    rows += [(row.name, path, row.offset, row.end) for row, path in contents(board.folder, layout)]
    rows += [("application", paths["application"], slot.offset, slot.end)]
    parts = []
    for name, path, offset, end in rows:
        content = path.read_bytes()
        part = Part(name, path, offset, len(content), end - offset)
        if name in ("bootloader", "application"):
            program = read_program(content, chip, str(part.path))
            if program.flash_size != flash_size:
                raise Problem(
                    f"{part.path} is set for {program.flash_size} bytes of flash, sdkconfig for "
                    f"{flash_size}: remove {folder} and build again"
                )
        if part.size > part.room:
            raise Problem(
                f"the {name} of {board.name} has {part.size} bytes, {part.size - part.room} more "
                f"than its {part.room}: freeze less, or build it smaller"
            )
        parts.append(part)
    return Build(folder, layout, tuple(parts))


def size_table(build: Build) -> str:
    """Return the table of parts, offsets, sizes and free room, for people."""
    rows = [("part", "offset", "size", "free")]
    for part in build.parts:
        rows.append((part.name, f"{part.offset:#x}", f"{part.size}", f"{part.room - part.size}"))
    files = build.layout.filesystem
    rows.append(("filesystem", f"{files.offset:#x}", f"{files.size}", ""))
    return "\n".join(
        f"{name:<16}{offset:>10}{size:>10}{free:>10}".rstrip() for name, offset, size, free in rows
    )


def main(arguments: list[str]) -> None:
    board = load_board(arguments[0] if arguments else "")
    print(size_table(read_build(board, build_folder(board.name))))


if __name__ == "__main__":
    run(main)
