"""A board's prompt over its serial port, by mpremote: files in, files out, restart."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from ci.problem import Problem

_ATTEMPTS = 3  # a board that has just been plugged in may still be starting
_ANSWER_SECONDS = 5
_STOP_SECONDS = 2
_CHUNK = 256

_ERRORS = (TransportError, OSError)

_REPLACE = """
import os
os.rename({new!r}, {path!r})
"""

_RESTART = """
import machine
machine.reset()
"""


class Repl:
    """The raw prompt of one board. What it ran before has been stopped as by Ctrl-C."""

    def __init__(self, port: str, transport: SerialTransport) -> None:
        self.port = port
        self._transport = transport

    def read_file(self, path: str) -> bytes | None:
        """Return a file's content, or None if there is none. Raises Problem if the line fails."""
        try:
            return bytes(self._transport.fs_readfile(path))
        except FileNotFoundError:
            return None
        except _ERRORS as error:
            raise Problem(f"the board at {self.port} does not give {path}: {error}") from error

    def replace_file(self, path: str, data: bytes) -> None:
        """Write a file so that the board has the old one or the new one, whole, at any moment.

        Raises Problem if the line or the filesystem fails; the old file is then still there.
        """
        new = path + ".new"
        try:
            self._transport.fs_writefile(new, data, _CHUNK)
            # By digest: a file read back would put its passwords on the line in the clear.
            if self._transport.fs_hashfile(new, "sha256") != hashlib.sha256(data).digest():
                raise Problem(f"{path} arrived damaged at {self.port}: try another cable")
            self._transport.exec(_REPLACE.format(new=new, path=path))
        except _ERRORS as error:
            raise Problem(f"the board at {self.port} cannot store {path}: {error}") from error

    def execute(self, code: str) -> str:
        """Run code on the board and return what it printed. Raises Problem on an exception."""
        try:
            return self._transport.exec(code).decode().replace("\r\n", "\n")
        except TransportExecError as error:
            last = error.error_output.strip().splitlines()[-1]
            raise Problem(f"the board at {self.port} answered: {last}") from error
        except _ERRORS as error:
            raise Problem(f"the board at {self.port} stopped answering: {error}") from error

    def restart(self) -> None:
        """Restart the board, as its reset button does."""
        self._transport.exec_raw_no_follow(_RESTART)


@contextlib.contextmanager
def open_repl(port: str) -> Iterator[Repl]:
    """Stop what a board runs and give its prompt; blocks for up to 15 s. Raises Problem."""
    try:
        transport = SerialTransport(port, timeout=_ANSWER_SECONDS)
    except _ERRORS as error:
        raise Problem(
            f"{port} cannot be opened: is it there, and does no other program use it? See "
            "docs/troubleshooting.md"
        ) from error
    try:
        enter(port, transport)
        yield Repl(port, transport)
    finally:
        with contextlib.suppress(OSError):
            transport.close()


def enter(port: str, transport: SerialTransport) -> None:
    """Stop what the board runs and bring it to its raw prompt. Raises Problem if none comes."""
    for _ in range(_ATTEMPTS):
        try:
            # Ctrl-C ends what runs, which may take a moment; Ctrl-B ends a raw prompt left open.
            transport.serial.write(b"\r\x03\x02")
            transport.read_until(1, b">>> ", timeout=_STOP_SECONDS)
            with contextlib.redirect_stdout(io.StringIO()):  # mpremote prints what it received
                transport.enter_raw_repl(soft_reset=False, timeout_overall=_ANSWER_SECONDS)
            return
        except _ERRORS:
            continue
    raise Problem(
        f"no MicroPython prompt at {port}: press the board's reset button, hold button A in the "
        "first second after the LEDs light up (safe mode: no /main.py holds Ctrl-C back), and run "
        "the command again; a board with another firmware must be flashed first"
    )
