"""Erase a board's whole flash.

python -m ci.board.erase mpython [--port PORT]
"""

from __future__ import annotations

import argparse

from esptool.cmds import erase_flash

from ci.boards import load_board
from ci.board.chip import LINE_ERRORS, connect, disconnect
from ci.board.ports import find_port
from ci.problem import Problem, run


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="erase", description="Erase a board's whole flash.")
    parser.add_argument("board")
    parser.add_argument("--port", default="")
    options = parser.parse_args(arguments)
    board = load_board(options.board)
    port = find_port(options.port, board)
    chip = connect(board, port)
    print(f"EVERYTHING on the board at {port} is erased: firmware, programs and settings.")
    try:
        erase_flash(chip)
    except LINE_ERRORS as error:
        raise Problem(f"the flash could not be erased ({error}): try again") from error
    finally:
        disconnect(chip)
    print(f"Done: the board is empty. `make flash BOARD={board.name}` brings it back to life.")


if __name__ == "__main__":
    run(main)
