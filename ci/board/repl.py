"""A board's prompt over its serial port, by mpremote: files in, files out, restart."""

from __future__ import annotations

import contextlib
import hashlib
import io
import stat
import time
from collections.abc import Iterator

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from ci.board.ports import cannot_open
from ci.problem import Problem

_ATTEMPTS = 3  # a board that has just been plugged in may still be starting
_ANSWER_SECONDS = 5
_STOP_SECONDS = 2
_PROMPT_SECONDS = 0.5
_PROMPT = b">>> "
_CHUNK = 256

_ERRORS = (TransportError, OSError)

PROMPT = ">>>"  # what `Repl.lines` gives for it

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
        self.restarted = False
        self._transport = transport

    def exists(self, path: str) -> bool:
        """Return whether the board has a file or folder. Raises Problem if the line fails."""
        return self._stat(path) is not None

    def is_folder(self, path: str) -> bool:
        """Return whether the board has a folder. Raises Problem if the line fails."""
        mode = self._stat(path)
        return mode is not None and stat.S_ISDIR(mode)

    def _stat(self, path: str) -> int | None:
        try:
            return self._transport.fs_stat(path).st_mode
        except FileNotFoundError:
            return None
        except _ERRORS as error:
            raise Problem(
                f"the board at {self.port} does not say what {path} is: {error}"
            ) from error

    def files(self, folder: str = "/") -> list[tuple[str, int]]:
        """Return the path and the size of every file below a folder, sorted; a folder ends in /.

        Raises Problem if the line fails.
        """
        try:
            entries = self._transport.fs_listdir(folder)
        except _ERRORS as error:
            raise Problem(f"the board at {self.port} does not list {folder}: {error}") from error
        found = []
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = folder + entry.name
            if stat.S_ISDIR(entry.st_mode):
                found += [(path + "/", 0), *self.files(path + "/")]
            else:
                found.append((path, entry.st_size))
        return found

    def read_file(self, path: str) -> bytes | None:
        """Return a file's content, or None if there is none. Raises Problem if the line fails."""
        try:
            return bytes(self._transport.fs_readfile(path))
        except FileNotFoundError:
            return None
        except _ERRORS as error:
            raise Problem(f"the board at {self.port} does not give {path}: {error}") from error

    def has_file(self, path: str, data: bytes) -> bool:
        """Return whether a file holds `data`, by its digest. Raises Problem if the line fails."""
        try:
            return self._transport.fs_hashfile(path, "sha256") == hashlib.sha256(data).digest()
        except FileNotFoundError:
            return False
        except _ERRORS as error:
            raise Problem(f"the board at {self.port} does not read {path}: {error}") from error

    def make_folders(self, path: str) -> None:
        """Make the folders that a file's path needs. Raises Problem if one cannot be made."""
        folder = ""
        for name in path.split("/")[1:-1]:
            folder += "/" + name
            if not self.exists(folder):
                try:
                    self._transport.fs_mkdir(folder)
                except _ERRORS as error:
                    raise Problem(
                        f"the board at {self.port} cannot make {folder}: {error}"
                    ) from error

    def replace_file(self, path: str, data: bytes) -> None:
        """Write a file so that the board has the old one or the new one, whole, at any moment.

        Raises Problem if the line or the filesystem fails; the old file is then still there.
        """
        new = path + ".new"
        try:
            self._transport.fs_writefile(new, data, _CHUNK)
            # A file read back would put its passwords on the line in the clear.
            if not self.has_file(new, data):
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
        """Restart the board, as its reset button does. Raises Problem if the line fails."""
        try:
            self._transport.exec_raw_no_follow(_RESTART)
        except _ERRORS as error:
            raise Problem(
                f"the board at {self.port} does not restart ({error}): press its reset button"
            ) from error
        self.restarted = True

    def lines(self, seconds: float) -> Iterator[str]:
        """Give each line that the board prints after `restart`, until it shows its prompt.

        The prompt is the last one. Ends `seconds` from now. Raises Problem if the line fails.
        """
        serial = self._transport.serial
        serial.timeout = _PROMPT_SECONDS
        received = b""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                received += serial.read(max(1, serial.in_waiting))
            except _ERRORS as error:
                raise Problem(f"the board at {self.port} is gone: {error}") from error
            *whole, received = received.split(b"\n")
            yield from (line.decode(errors="replace").strip() for line in whole)
            if received == _PROMPT:
                yield PROMPT
                return


@contextlib.contextmanager
def open_repl(port: str) -> Iterator[Repl]:
    """Stop what a board runs and give its prompt; blocks for up to 15 s. Raises Problem.

    Afterwards the board is as it was found: at its prompt, or, restarted, in its program.
    """
    try:
        transport = SerialTransport(port, timeout=_ANSWER_SECONDS)
    except _ERRORS as error:
        raise cannot_open(port) from error
    try:
        was_at_prompt = _is_at_prompt(transport)
        enter(port, transport)
        repl = Repl(port, transport)
        try:
            yield repl
        finally:
            if not repl.restarted:
                _leave(repl, transport, was_at_prompt)
    finally:
        with contextlib.suppress(OSError):
            transport.close()


def _is_at_prompt(transport: SerialTransport) -> bool:
    transport.serial.timeout = _PROMPT_SECONDS
    transport.serial.write(b"\r")
    received = transport.read_until(
        1, _PROMPT, timeout=_PROMPT_SECONDS, timeout_overall=_PROMPT_SECONDS
    )
    transport.serial.timeout = _ANSWER_SECONDS
    return received.endswith(_PROMPT)


def _leave(repl: Repl, transport: SerialTransport, to_prompt: bool) -> None:
    # A Ctrl-C on this side may have come in the middle of a command: begin again.
    try:
        enter(repl.port, transport)
        if to_prompt:
            transport.exit_raw_repl()
        else:
            repl.restart()
    except (Problem, *_ERRORS):
        print(f"{repl.port}: the board is left stopped; press its reset button")


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
