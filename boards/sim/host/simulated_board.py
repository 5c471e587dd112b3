"""One simulated board as a child process, and the test side of its control channel.

The channel is described in boards/sim/README.md. Everything here is for the host: the firmware in
the child does not know that it is being watched.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serial_port import SerialPort

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT))  # for `ci`, where a program of this folder is started by itself

DEFAULT_BOARD = "mpython"  # as in the Makefile
_CHUNK = 65536  # bytes that are received at once
_EVENTS_TIME = 5  # s that a line waits for events before it
_BOOT_LOADER = Path(__file__).with_name("boot_loader.py")


class BoardError(Exception):
    """The simulated board did not do what it should, said in one sentence."""


def program(board: str) -> Path:
    """Return the path of a simulated board's program, which `make run` or `make test` builds."""
    path = ROOT / "build" / f"sim-{board}" / "micropython"
    if not path.exists():
        raise BoardError(f"{path} is missing; type: make run BOARD={board}")
    return path


@dataclass(frozen=True)
class AccessPoint:
    ssid: str
    password: str = ""
    rssi: int = -50
    channel: int = 6
    hidden: bool = False
    refusal: int = 15  # the reason a wrong password gives: 15, or 202 or 205 as some routers

    security: int | None = None  # ESP-IDF's kind; else open or WPA2, as there is a password

    def command(self) -> dict[str, Any]:
        fields = {key: value for key, value in self.__dict__.items() if value is not None}
        return {"command": "access_point", **fields}


@dataclass(frozen=True)
class Frame:
    """The LEDs' colours after one write, as (red, green, blue) in the strip's order."""

    time: float
    pin: int
    colours: tuple[tuple[int, int, int], ...]

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Frame:
        wire = bytes.fromhex(event["data"])
        colours = tuple((wire[i + 1], wire[i], wire[i + 2]) for i in range(0, len(wire), 3))
        return cls(event["t"] / 1e6, event["pin"], colours)


def _is_unhandled(connection: socket.socket | None) -> bool:
    """Whether there are events that have been sent, and not yet handled."""
    if connection is None:
        return False
    try:
        waiting = fcntl.ioctl(connection, termios.FIONREAD, bytes(4))
    except (OSError, ValueError):  # closed meanwhile
        return False
    return any(waiting)


@dataclass
class SimulatedBoard:
    """Start with `with SimulatedBoard(...) as board:`; leaving the block switches it off.

    arguments:  the program's arguments; empty boots the firmware as power-on does
    flash:      the folder that is the board's filesystem; a temporary one if None
    executable: another program than the board's own, such as the one for 32 bits
    flash_chip: the file that is its flash chip, see flash_chip.py; started by a boot loader, then
    serial:     put the serial line on a pseudo-terminal; `port.name` is then what tools open
    on_event:   called in a thread of its own with each event, if given
    on_line:    called in a thread of its own with each line of serial output, if given
    """

    board: str = DEFAULT_BOARD
    arguments: tuple[str, ...] = ()
    flash: Path | None = None
    access_points: tuple[AccessPoint, ...] = (AccessPoint("classroom"),)
    commands: tuple[dict[str, Any], ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    executable: Path | None = None
    flash_chip: Path | None = None
    serial: bool = False
    on_event: Callable[[dict[str, Any]], None] | None = None
    on_line: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._described = threading.Event()  # the board knows its world, and has begun
        self._channel: socket.socket | None = None
        self._refusal = ""  # of the world that it was told at power on

    # Life ------------------------------------------------------------------------

    def __enter__(self) -> SimulatedBoard:
        self._folder = Path(tempfile.mkdtemp(prefix="sim-"))
        if self.flash is None:
            self.flash = self._folder / "flash"
        self.flash.mkdir(parents=True, exist_ok=True)
        address = self._folder / "control"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(address))
        self._listener.listen(1)
        self.port = SerialPort() if self.serial else None
        pipe = None if self.port else subprocess.PIPE
        command = [str(self.executable or program(self.board)), *self.arguments]
        hardware = {"SIM_CONTROL": str(address), "SIM_FLASH": str(self.flash)}
        if self.flash_chip:
            command = [sys.executable, str(_BOOT_LOADER), *command]
            hardware |= {"SIM_FLASH_CHIP": str(self.flash_chip)}
            hardware |= {"SIM_BOOT_LOADER": f"exec {shlex.join(command)}"}
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **self.environment, **hardware},
            stdin=pipe,
            stdout=pipe,
            stderr=None if self.port else subprocess.STDOUT,
            umask=0o077,  # its flash holds passwords
            # Ctrl-C in the terminal is for the person's program, not for the board.
            start_new_session=not self.port,
            preexec_fn=self.port.take_terminal if self.port else None,
        )
        if self.port:
            self.port.leave_terminal()
        self._control = threading.Thread(target=self._read_channel, daemon=True)
        self._reader = threading.Thread(target=self._read_serial, daemon=True)
        for thread in (self._control, self._reader):
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        # shutdown, not close alone, wakes a thread that waits in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in (self._control, self._reader):
            thread.join(60)
        self._listener.close()  # not before: another socket would get its number
        for line in (self.process.stdin, self.process.stdout, self.port):
            if line:
                line.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def interrupt(self) -> None:
        """Press Ctrl-C on the serial line."""
        if self.port:
            self.port.type(b"\x03")
        else:
            self.process.send_signal(signal.SIGINT)

    def type(self, text: str) -> None:
        """Type on the serial line."""
        if self.port:
            self.port.type(text.encode())
            return
        assert self.process.stdin
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    # The control channel ----------------------------------------------------------

    def _read_channel(self) -> None:
        # A reset is a new program, which connects again and finds the same world.
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._channel = connection
                self._follow(connection, self._receive_events(connection))
            with self._changed:
                self._channel = None
                self._changed.notify_all()

    def _receive_events(self, connection: socket.socket) -> Iterator[dict[str, Any]]:
        # An event leaves the socket once it has been handled: _is_unhandled looks there.
        rest = b""
        # The program may end at any moment, in the middle of a line, too.
        with contextlib.suppress(OSError, ValueError):
            while data := connection.recv(_CHUNK, socket.MSG_PEEK):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    yield json.loads(line.decode(errors="replace"))
                connection.recv(len(data), socket.MSG_WAITALL)
                with self._changed:
                    self._changed.notify_all()

    def _follow(self, connection: socket.socket, events: Iterator[dict[str, Any]]) -> None:
        for event in events:
            if event["event"] in ("done", "refused"):
                self._answers.put(event)
                continue
            if event["event"] == "power_on":
                self._described.clear()
            with self._changed:
                self.events.append(event)
                self._changed.notify_all()
            if event["event"] == "power_on":  # is kept by now: from here on it may print
                self._describe_world(connection, events)
                self._described.set()
            if self.on_event:
                self.on_event(event)

    def _describe_world(self, connection: socket.socket, events: Iterator[dict[str, Any]]) -> None:
        world = [{"command": "no_access_points"}]
        world += [point.command() for point in self.access_points]
        world += [*self.commands, {"command": "start"}]
        for command in world:
            with contextlib.suppress(OSError):  # a program that has ended sends no events either
                connection.sendall(json.dumps(command, ensure_ascii=False).encode() + b"\n")
            for answer in events:
                if answer["event"] == "refused":
                    self._refusal = f"{command}: {answer['reason']}"
                if answer["event"] in ("done", "refused"):
                    break

    def command(self, name: str, timeout: float = 60, **values: Any) -> None:
        """Send one command and wait until the board's world has obeyed it."""
        self.at_once({"command": name, **values}, timeout=timeout)

    def at_once(self, *commands: dict[str, Any], timeout: float = 60) -> None:
        """Send commands between which no time passes on the board, and wait for their answers."""
        if self._channel is None:
            raise BoardError(f"the simulated board is not running: {self.tail()}")
        # Until then the answers are those of the world's description.
        self._described.wait(timeout)
        lines = [json.dumps(command, ensure_ascii=False) + "\n" for command in commands]
        self._channel.sendall("".join(lines).encode())
        for line in lines:
            answer = self._answers.get(timeout=timeout)
            if answer["event"] == "refused":
                raise BoardError(f"the simulated board refuses {line}: {answer['reason']}")

    # What happened ----------------------------------------------------------------

    def _read_serial(self) -> None:
        for raw in self.port.lines() if self.port else self.process.stdout:
            line = raw.decode(errors="replace").rstrip("\r\n")
            with self._changed:
                # What the board did before it printed a line is known with the line, though it comes
                # by another way. Not forever: an on_event may wait for a line.
                self._changed.wait_for(lambda: not _is_unhandled(self._channel), _EVENTS_TIME)
                self.lines.append(line)
                self._changed.notify_all()
            if self.on_line:
                self.on_line(line)
        with self._changed:
            self._changed.notify_all()

    def tail(self, count: int = 15) -> str:
        return "the board's last lines were:\n" + "\n".join(self.lines[-count:])

    def frames(self) -> list[Frame]:
        return [Frame.from_event(event) for event in self.events if event["event"] == "frame"]

    def wait(self, what: str, condition: Callable[[], Any], timeout: float = 60) -> Any:
        """Wait until `condition()` is true and return its value; BoardError names `what`."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not (value := condition()):
                left = deadline - time.monotonic()
                if self._refusal:
                    raise BoardError(f"the simulated board refuses {self._refusal}")
                if left <= 0:
                    raise BoardError(f"no {what} within {timeout} s; {self.tail()}")
                if self._has_ended():
                    raise BoardError(f"no {what} before the board's program ended; {self.tail()}")
                self._changed.wait(min(left, 0.5))
            return value

    def _has_ended(self) -> bool:
        # Its last words may be unread when it is gone: they count until both ways are empty.
        all_read = self._channel is None and not self._reader.is_alive()
        return self.process.poll() is not None and all_read

    def wait_line(self, text: str, timeout: float = 60, since: int = 0) -> str:
        """Wait for a line of serial output that contains `text`, from line number `since` on."""
        return self.wait(
            f"line with {text!r}",
            lambda: next((line for line in self.lines[since:] if text in line), None),
            timeout,
        )

    def wait_frame(
        self, wanted: Callable[[Frame], bool], timeout: float = 60, since: int = 0
    ) -> Frame:
        """Wait for a frame for which `wanted` is true, from frame number `since` on."""
        return self.wait(
            "such LED frame",
            lambda: next((frame for frame in self.frames()[since:] if wanted(frame)), None),
            timeout,
        )
