"""Which serial port the board is at."""

from __future__ import annotations

from serial.tools.list_ports import comports

from ci.boards import Board
from ci.problem import Problem


def find_port(asked: str, board: Board | None = None) -> str:
    """Return `asked`, or the only port that a USB-serial adapter of the boards is plugged into.

    Without `board`, adapters of any board count. Raises Problem if there is none, or more than one.
    """
    if asked:
        return asked
    ports = [port for port in comports() if port.vid is not None]
    found = [
        port.device for port in ports if board is None or (port.vid, port.pid) in board.usb_ids
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise Problem(f"more than one board is plugged in: add PORT=<one of {', '.join(found)}>")
    others = ", ".join(port.device for port in ports)
    raise Problem(
        "no board found on USB: plug it in with a cable that carries data, install its driver "
        f"(docs/troubleshooting.md), or add PORT={others or '<port>'}"
    )
