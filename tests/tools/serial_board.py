"""The simulated board behind a serial port: its real prompt, friendly and raw, on a pseudo-terminal.

Two pseudo-terminals with a copier between them, because one is the board's own terminal, where
Ctrl-C is a signal, and the other must look like a plain serial line to the tools.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import tempfile
import termios
import threading
import tty
from pathlib import Path
from types import TracebackType


class SerialBoard:
    """Run as a context manager; `port` is then what the tools connect to."""

    def __init__(self, program: Path, flash: Path, open_network: str = "") -> None:
        self.program = program
        self.flash = flash
        self.open_network = open_network
        self.said = b""
        self._stop = threading.Event()

    def __enter__(self) -> SerialBoard:
        self.flash.mkdir(exist_ok=True)
        self._board, terminal = os.openpty()
        settings = termios.tcgetattr(terminal)
        settings[1] &= ~termios.OPOST  # the prompt ends its lines as on the chip, by itself
        termios.tcsetattr(terminal, termios.TCSANOW, settings)
        self._line, self._line_end = os.openpty()  # the end stays open, or closing it is an error
        tty.setraw(self._line_end)
        self.port = os.ttyname(self._line_end)
        self._folder = tempfile.TemporaryDirectory()
        self._control = socket.socket(socket.AF_UNIX)
        self._control.bind(f"{self._folder.name}/control")
        self._control.listen()
        self._process = subprocess.Popen(
            [self.program],
            env={
                **os.environ,
                "SIM_FLASH": str(self.flash),
                "SIM_CONTROL": f"{self._folder.name}/control",
            },
            preexec_fn=lambda: os.login_tty(terminal),
        )
        os.close(terminal)
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._copy, self._make_world)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._stop.set()
        self._control.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._control.close()
        for descriptor in (self._board, self._line, self._line_end):
            os.close(descriptor)
        self._folder.cleanup()

    def _copy(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select([self._board, self._line], [], [], 0.05)
            try:
                if self._board in ready:
                    data = os.read(self._board, 4096)
                    self.said += data
                    os.write(self._line, data)
                if self._line in ready:
                    os.write(self._board, os.read(self._line, 4096))
            except OSError:  # the program has ended
                return

    def _make_world(self) -> None:
        """Tell each program, a new one after every reset, what Wi-Fi there is."""
        commands = [{"command": "no_access_points"}]
        if self.open_network:
            commands.append({"command": "access_point", "ssid": self.open_network})
        commands.append({"command": "start"})
        while True:
            try:
                connection, _ = self._control.accept()
            except OSError:
                return
            # The program may end at any moment.
            with (
                contextlib.suppress(OSError, ValueError),
                connection,
                connection.makefile("rb") as events,
            ):
                for line in events:
                    if json.loads(line.decode(errors="replace"))["event"] == "power_on":
                        for command in commands:
                            connection.sendall(json.dumps(command).encode() + b"\n")

    def file(self, name: str) -> bytes:
        """Return a file on the board's filesystem."""
        return (self.flash / name).read_bytes()

    def type(self, text: bytes) -> None:
        """Type on the serial line, as a terminal program does."""
        os.write(self._line_end, text)

    def wait_until_said(self, text: bytes, seconds: float = 10) -> bool:
        """Wait for the board to print `text`."""
        for _ in range(int(seconds / 0.02)):
            if text in self.said:
                return True
            self._stop.wait(0.02)
        return False
