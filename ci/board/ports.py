"""Which serial port the board is at."""

from __future__ import annotations

from pathlib import Path

from serial.tools.list_ports import comports

from ci.boards import Board, board_names, load_board
from ci.problem import Problem


def cannot_open(port: str) -> Problem:
    """Return what is to be said of a serial port that does not open."""
    return Problem(
        f"{port} cannot be opened: is it a board's serial port, is it there, and does no other "
        "program use it? See docs/troubleshooting.md"
    )


def plugged_in(board: Board | None) -> list[str]:
    """Return the ports of USB-serial adapters of a board, or, without one, of any board."""
    boards = [board] if board else [load_board(name) for name in board_names()]
    ids = frozenset().union(*(one.usb_ids for one in boards))
    return sorted(port.device for port in comports() if (port.vid, port.pid) in ids)


def port_exists(port: str) -> bool:
    """Return whether there is a serial port of that name now."""
    return Path(port).exists() or any(port == found.device for found in comports())


def find_ports(asked: str, board: Board | None = None) -> list[str]:
    """Return the ports in `asked`, separated by spaces, or all that boards are plugged in at.

    A board is known by its USB-serial adapter; without `board`, any board's counts. Raises Problem
    if there is none.
    """
    ports = asked.split() or plugged_in(board)
    if not ports:
        others = ", ".join(port.device for port in comports() if port.vid is not None)
        raise Problem(
            "no board found on USB: plug it in with a cable that carries data, install its driver "
            f"(docs/troubleshooting.md), or add PORT={others or '<port>'}"
        )
    return ports


def find_port(asked: str, board: Board | None = None) -> str:
    """Return the one port that `find_ports` finds. Raises Problem if there are several."""
    ports = find_ports(asked, board)
    if len(ports) > 1:
        raise Problem(f"several boards are plugged in: add PORT=<one of {', '.join(ports)}>")
    return ports[0]
