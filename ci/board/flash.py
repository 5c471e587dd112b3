"""Write an image to a board.

    python -m ci.board.flash mpython [--port PORT] [--factory] [--file FILE]

The file, the chip and the size of its flash are checked before anything is written.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import time
from pathlib import Path

from esptool.cmds import read_flash, reset_chip, write_flash
from esptool.loader import ESPLoader

from ci.boards import ROOT, Board, load_board
from ci.board.chip import LINE_ERRORS, connect, disconnect, flash_size
from ci.image.flash_image import FlashImage, read_flash_image
from ci.image.images import BAUD, DIST
from ci.image.partitions import TABLE_SIZE, Layout, read_binary
from ci.board.ports import find_port
from ci.problem import Problem, run

SAFE_BAUD = 115200
_RESET_SECONDS = 0.5


def find_image(board: Board, factory: bool, dist: Path = DIST) -> Path:
    """Return the board's image in dist/. Raises Problem if there is not exactly one."""
    kind = "factory" if factory else "update"
    found = sorted(dist.glob(f"{board.name}-v*-{kind}.bin"))
    if len(found) == 1:
        return found[0]
    if found:
        raise Problem(
            f"{dist} holds several images: add FILE=<one of {', '.join(map(str, found))}>"
        )
    raise Problem(
        f"no {kind} image of {board.name} in {dist}: download {board.name}-v<version>-{kind}.bin "
        f"from {releases(origin())} and add FILE=<where it is>; or build one with `make build "
        f"BOARD={board.name}`"
    )


def origin() -> str:
    """Return the address that this tree was cloned from; "" if it was not."""
    command = ["git", "-C", str(ROOT), "remote", "get-url", "origin"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:  # no git: a downloaded archive
        return ""


def releases(address: str) -> str:
    """Return where the releases of a repository are, by the address that it is cloned from."""
    place = re.fullmatch(r"(?:https://|ssh://git@|git@)([\w.-]+)[:/](.+?)(?:\.git)?/?", address)
    return f"https://{place[1]}/{place[2]}/releases" if place else "this project's releases"


def what_is_lost(image: FlashImage) -> str:
    """Return the sentence about what writing `image` erases."""
    if image.whole:
        return "EVERYTHING on the board is erased: programs, config.json and stored settings."
    return "The files on the board stay; only what programs stored in NVS is erased."


def _check_flash_size(board: Board, port: str, found: int | None, image: FlashImage) -> None:
    needed = image.layout.flash_size
    if found is None or found == needed:
        return
    megabyte = 1024 * 1024
    sizes = f"the board at {port} has {found // megabyte} MB of flash, this image of {board.name}"
    if found < needed:
        raise Problem(f"{sizes} needs {needed // megabyte} MB: is it another board?")
    if image.whole:
        # MicroPython refuses to mount a filesystem that is smaller than the room it finds.
        raise Problem(
            f"{sizes} has a filesystem for {needed // megabyte} MB: if it is the right board, run "
            f"`make erase BOARD={board.name}`, then `make flash BOARD={board.name}`"
        )


def _check_table(board: Board, port: str, chip: ESPLoader, image: FlashImage) -> None:
    """Refuse to keep files that another firmware's table put elsewhere: they would be damaged."""
    found = read_flash(chip, image.layout.table_offset, TABLE_SIZE, no_progress=True)
    if found != b"\xff" * TABLE_SIZE and not _has_files_where(image.layout, found):
        raise Problem(
            f"the flash of the board at {port} is divided for another firmware, whose files this "
            f"one cannot keep: add FACTORY=1 to erase them (`make build BOARD={board.name}` makes "
            "the image)"
        )


def _has_files_where(layout: Layout, table: bytes) -> bool:
    # Slots may differ: an earlier version's were larger, with the files behind them at the same place.
    try:
        found = read_binary(table, layout.table_offset, layout.flash_size, "the flash")
    except Problem:
        return False
    return found.filesystem == layout.filesystem


def write_image(board: Board, port: str, image: FlashImage) -> None:
    """Write `image` at 460800 baud and, if the line does not carry that, at 115200.

    Blocks for a minute or two. Raises Problem if the board is not the right one, before anything is
    written, or if the line fails at both speeds.
    """
    started = False
    for baud in (BAUD, SAFE_BAUD):
        chip = connect(board, port)
        try:
            _check_flash_size(board, port, flash_size(chip), image)
            if not image.whole and not started:
                _check_table(board, port, chip, image)
            print(what_is_lost(image), flush=True)
            started = True  # from here on the table in the flash may be half-written
            if baud != SAFE_BAUD:
                chip.change_baud(baud)
            write_flash(chip, [(image.offset, image.data)])
            reset_chip(chip)
            return
        except LINE_ERRORS as error:
            failure = str(error)
            print(f"Writing at {baud} baud failed: {failure}", flush=True)
            time.sleep(_RESET_SECONDS)
        finally:
            disconnect(chip)
    raise Problem(
        f"the image could not be written ({failure}): the board does not start until it is; use "
        "another cable or USB socket and run the same command again"
    )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="flash", description="Write an image to a board.")
    parser.add_argument("board")
    parser.add_argument("--port", default="")
    parser.add_argument("--factory", action="store_true")
    parser.add_argument("--file", default="")
    options = parser.parse_args(arguments)
    board = load_board(options.board)
    path = Path(options.file) if options.file else find_image(board, options.factory)
    image = read_flash_image(path, board.chip)
    if options.factory and not image.whole:
        raise Problem(f"{path} is an update image: leave out FACTORY=1, or give a factory image")
    if image.whole and not options.factory:
        raise Problem(
            f"{path} erases everything on the board: add FACTORY=1, or give an update image"
        )
    port = find_port(options.port, board)
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    print(f"{shown} -> {board.product} at {port}", flush=True)
    write_image(board, port, image)
    print("Done: the board restarts. Fill in its config.json with `make config`.")


if __name__ == "__main__":
    run(main)
