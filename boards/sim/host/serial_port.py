"""A serial port for the simulated board, which esptool's relatives (mpremote, Thonny) can open.

Two pseudo-terminals with a copier between them: one is the board's own terminal, where Ctrl-C is a
signal, the other looks like a plain serial line to whoever opens `name`.
"""

from __future__ import annotations

import contextlib
import os
import select
import tty
from collections.abc import Iterator

# A line on which nothing moves for so long is one that nobody reads; what is sent on is lost,
# as on a cable that nobody has plugged in.
_PATIENCE = 1.0  # s


class SerialPort:
    """Copies both ways as long as somebody asks for `lines`; what the board printed is in `said`."""

    def __init__(self) -> None:
        self.said = bytearray()
        self._board, self._terminal = os.openpty()
        self._line, self._other_end = os.openpty()
        tty.setraw(self._other_end)  # kept open: closed by the last tool, it would be an error
        self.name = os.ttyname(self._other_end)
        self._stalled: set[int] = set()
        for end in (self._board, self._line):
            os.set_blocking(end, False)

    def take_terminal(self) -> None:
        """In the board's process, before its program begins: make the terminal its own."""
        os.login_tty(self._terminal)

    def leave_terminal(self) -> None:
        """In this process: the terminal belongs to the board alone."""
        os.close(self._terminal)

    def type(self, data: bytes) -> None:
        self._write(self._board, data)

    def lines(self) -> Iterator[bytes]:
        """Yield each line that the board prints, until its program has ended."""
        pending = b""
        with contextlib.suppress(OSError):  # the last process has let go of the terminal
            while True:
                pending += self._copy()
                *whole, pending = pending.split(b"\n")
                yield from whole
        if pending:
            yield pending

    def _copy(self) -> bytes:
        printed = b""
        ready, _, _ = select.select([self._board, self._line], [], [])
        if self._board in ready:
            printed = os.read(self._board, 4096)
            self.said += printed
            self._write(self._line, printed)
        if self._line in ready:
            self._write(self._board, os.read(self._line, 4096))
        return printed

    def _write(self, end: int, data: bytes) -> None:
        while data:
            patience = 0 if end in self._stalled else _PATIENCE
            if not select.select([], [end], [], patience)[1]:
                self._stalled.add(end)
                return
            self._stalled.discard(end)
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(end, data) :]

    def close(self) -> None:
        for end in (self._board, self._line, self._other_end):
            os.close(end)
