"""The chip's own loader, by esptool: reach it, and be sure that it is the right chip."""

from __future__ import annotations

from esptool.cmds import attach_flash, detect_chip, detect_flash_size, run_stub
from esptool.loader import ESPLoader
from esptool.util import FatalError
from serial import SerialException

from ci.board.ports import cannot_open
from ci.boards import Board
from ci.image.esp_image import chip_title
from ci.image.partitions import parse_size
from ci.problem import Problem

# What esptool raises when the line is bad or the chip stops answering.
LINE_ERRORS = (FatalError, SerialException, OSError)

_ATTEMPTS = 3


def connect(board: Board, port: str) -> ESPLoader:
    """Return esptool's loader, running in the chip's RAM, with the flash attached.

    Nothing has been written then. Blocks for a few seconds. Raises Problem if no chip answers or it
    is another one than the board's.
    """
    try:
        chip = detect_chip(port, connect_attempts=_ATTEMPTS)
    except LINE_ERRORS as error:
        if isinstance(error.__context__, SerialException):
            raise cannot_open(port) from error
        raise Problem(
            f"no chip answers at {port}: unplug the board, plug it in again and retry; early boards "
            "need their download buttons (docs/troubleshooting.md)"
        ) from error
    try:
        expected = chip_title(board.chip)
        if chip.CHIP_NAME != expected:
            reason = board.other_chips.get(chip.CHIP_NAME, "this is another board")
            raise Problem(
                f"the chip at {port} is {chip.CHIP_NAME}, {board.product} has {expected}: {reason}"
            )
        chip = run_stub(chip)
        attach_flash(chip)
        return chip
    except LINE_ERRORS as error:
        disconnect(chip)
        raise Problem(f"the chip at {port} stopped answering ({error}): try again") from error
    except Problem:
        disconnect(chip)
        raise


def disconnect(chip: ESPLoader) -> None:
    """Close the serial port."""
    chip._port.close()


def flash_size(chip: ESPLoader) -> int | None:
    """Return the bytes of the flash that is soldered in, or None if its answer is not known."""
    name = detect_flash_size(chip)
    return parse_size(name) if name else None
