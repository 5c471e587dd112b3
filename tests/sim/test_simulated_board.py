"""The PC's side of the simulated board."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulated_board import DEFAULT_BOARD, BoardError, SimulatedBoard, program as program_of

pytestmark = pytest.mark.simulator

PROGRAM = """
import time
print("first")
time.sleep_ms(200)
print("last")
"""


def slow_reader(line: str) -> None:
    if line == "first":
        time.sleep(3)


@pytest.fixture
def program(tmp_path: Path) -> tuple[str, ...]:
    script = tmp_path / "script.py"
    script.write_text(PROGRAM)
    return (str(script),)


def test_last_line_of_program_that_has_ended(program: tuple[str, ...]) -> None:
    with SimulatedBoard(arguments=program, on_line=slow_reader) as board:
        board.wait_line("last")


class SlowlyFollowed(SimulatedBoard):
    """Its thread for events lags behind as soon as the board may run."""

    def _describe_world(self, *arguments: Any) -> None:
        super()._describe_world(*arguments)
        time.sleep(2)


def test_power_on_is_known_before_first_line(program: tuple[str, ...]) -> None:
    with SlowlyFollowed(arguments=program) as board:
        board.wait_line("first")
        assert [event["event"] for event in board.events] == ["power_on"]


class SlowList(list[Any]):
    """A list whose thread is held up before it appends."""

    def append(self, item: Any) -> None:
        time.sleep(0.01)
        super().append(item)


def test_what_came_before_line_is_known_with_it(tmp_path: Path) -> None:
    """Events and lines come by two ways, which two threads read."""
    script = tmp_path / "script.py"
    script.write_text(EVENTS.replace("1000", "50"))
    board = SimulatedBoard(arguments=(str(script),))
    board.events = SlowList()
    with board:
        board.wait_line("last")
        assert len(board.events) == 101


def test_no_wait_for_program_that_has_ended(program: tuple[str, ...]) -> None:
    with SimulatedBoard(arguments=program) as board:
        start = time.monotonic()
        with pytest.raises(BoardError, match="before the board's program ended.*\nfirst\nlast$"):
            board.wait_line("never", timeout=60)
        assert time.monotonic() - start < 30


def test_world_that_is_refused(program: tuple[str, ...]) -> None:
    commands = ({"command": "rain"},)
    with SimulatedBoard(arguments=program, commands=commands) as board:
        with pytest.raises(BoardError, match="refuses.*rain.*unknown command"):
            board.wait_line("never")


def test_board_that_is_switched_off_while_its_world_is_told(program: tuple[str, ...]) -> None:
    """No thread of the PC's side ends by an exception; pytest would warn of it"""
    for _ in range(20):
        with SimulatedBoard(arguments=program, commands=({"command": "dns"},) * 200) as board:
            board.wait("power-on", lambda: board.events)


class NudgedEarly(SimulatedBoard):
    """Its board is nudged while it waits for the command to start."""

    def _describe_world(self, *arguments: Any) -> None:
        for _ in range(20):
            self.process.send_signal(signal.SIGUSR1)
            time.sleep(0.01)
        super()._describe_world(*arguments)


def test_nudge_does_not_end_wait_for_start(program: tuple[str, ...]) -> None:
    with NudgedEarly(arguments=program) as board:
        board.wait_line("last")


# It looks for Ctrl-C twice a second.
LONG_CALLS = """
print("busy")
try:
    while True:
        sum(range(10_000_000))
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_twice_ends_no_program(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(LONG_CALLS)
    with SimulatedBoard(arguments=(str(script),)) as board:
        board.wait_line("busy")
        board.interrupt()
        time.sleep(0.05)  # two at once are one
        board.interrupt()
        board.wait_line("interrupted")


# More events than the control channel holds.
EVENTS = """
import machine
pin = machine.Pin(2, machine.Pin.OUT)
for _ in range(1000):
    pin.value(1)
    pin.value(0)
print("last")
"""


def test_interrupted_event_is_sent_whole(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(EVENTS)
    follow = threading.Event()

    def hold(event: dict[str, Any]) -> None:
        follow.wait()

    with SimulatedBoard(arguments=(str(script),), on_event=hold) as board:
        board.wait("start", board._described.is_set)
        for _ in range(200):  # soon the channel is full, and the program waits for its reader
            board.process.send_signal(signal.SIGUSR1)  # as the world does for a pending callback
            time.sleep(0.01)
        follow.set()
        board.wait_line("last")
        board.wait("last event", lambda: len(board.events) == 2001)


# A reset while a callback is pending, which the program is nudged for; it counts by its files.
RESETS = """
import machine, os, time
count = len(os.listdir())
if count == 200:
    print("ok")
else:
    open(str(count), "w").close()
    machine.Timer(0).init(period=1, callback=lambda timer: None)
    time.sleep_us(1500)
    machine.reset()
"""


def test_nudged_program_survives_its_resets(
    run_script: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = tmp_path_factory.mktemp("script") / "script.py"
    script.write_text(RESETS)
    run_script(script)


STARTED_TWICE = """
import machine
if machine.reset_cause() == machine.PWRON_RESET:
    machine.reset()
print("started again")
"""


def test_ctrl_c_while_board_starts_is_lost(tmp_path: Path) -> None:
    """As in a chip's boot loader; it ended a program that was not ready for it"""
    script, go = tmp_path / "script.py", tmp_path / "go"
    script.write_text(STARTED_TWICE)
    loader = f"echo loading; while [ ! -e {go} ]; do sleep 0.01; done; "
    loader += f"exec {program_of(DEFAULT_BOARD)} {script}"
    with SimulatedBoard(
        arguments=(str(script),), environment={"SIM_BOOT_LOADER": loader}
    ) as board:
        board.wait_line("loading")
        board.interrupt()
        go.touch()
        board.wait_line("started again")
