"""The simulated board on a serial port, for the tools: its real prompt, and what it has said."""

from __future__ import annotations

from pathlib import Path

from simulated_board import AccessPoint, SimulatedBoard


class SerialBoard:
    """Run as a context manager; `port` is then what the tools connect to."""

    def __init__(
        self, program: Path, flash: Path, open_network: str = "", number: int = 1
    ) -> None:
        self.flash = flash
        points = (AccessPoint(open_network),) if open_network else ()
        self._board = SimulatedBoard(
            executable=program,
            flash=flash,
            access_points=points,
            environment={"SIM_ID": str(number)},
            serial=True,
        )

    def __enter__(self) -> SerialBoard:
        self._board.__enter__()
        self.port = self._board.port.name
        return self

    def __exit__(self, *exception: object) -> None:
        self._board.__exit__(*exception)

    @property
    def said(self) -> bytes:
        return bytes(self._board.port.said)

    def forget(self) -> None:
        """Begin `said` again."""
        self._board.port.said.clear()

    def file(self, name: str) -> bytes:
        """Return a file on the board's filesystem."""
        return (self.flash / name).read_bytes()

    def type(self, text: bytes) -> None:
        """Type on the serial line, as a terminal program does."""
        self._board.port.type(text)

    def wait_until_said(self, text: bytes, seconds: float = 60) -> bool:
        """Wait for the board to print `text`."""
        return bool(self._board.wait(repr(text), lambda: text in self.said, seconds))

    def wait_until_prompt(self, seconds: float = 60) -> bool:
        """Wait for the board to show its prompt, after which it has printed nothing."""
        return bool(self._board.wait("prompt", lambda: self.said.endswith(b">>> "), seconds))
