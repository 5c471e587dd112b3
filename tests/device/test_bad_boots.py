"""A /handlers.py that stops the board again and again is left out."""

from __future__ import annotations

from collections.abc import Callable

from simulated_board import SimulatedBoard
from tests.classroom import Person, wait_subscribed
from tests.mosquitto import Mosquitto

Boot = Callable[..., SimulatedBoard]

LEFT_OUT = "/handlers.py is left out, because the program has stopped or failed 3 times"

HANGS_ON_MESSAGE = """\
import device
import machine

@device.on("poison")
def hang(topic, message):
    machine.WDT(timeout=1000)
    while True:
        pass
"""

FAILS = """\
from device.link import Link

def step(self):
    raise MemoryError("on purpose")

Link.step = step
"""


def causes(board: SimulatedBoard) -> list[str]:
    return [event["cause"] for event in board.events if event["event"] == "power_on"]


def test_poisoned_retained_message_ends_reset_loop(boot: Boot, mosquitto: Mosquitto) -> None:
    person = Person(mosquitto, "light/status/problem")
    try:
        person.publish("poison", "x", retain=True)
        board = boot(files={"handlers.py": HANGS_ON_MESSAGE})
        since = board.lines.index(board.wait_line("boot: " + LEFT_OUT, timeout=120))
        assert causes(board) == ["power"] + 3 * ["watchdog"]
        wait_subscribed(board, since=since)
        assert person.receive("light/status/problem").decode().startswith(LEFT_OUT)
        person.publish("light", "#010203")
        board.wait_line("lights: on #010203 100%")
        assert not any("subscribed poison" in line for line in board.lines[since:])
    finally:
        person.close()


def test_program_failing_three_times_runs_no_handlers(boot: Boot) -> None:
    board = boot(files={"handlers.py": FAILS})
    board.wait_line("boot: " + LEFT_OUT, timeout=120)
    assert causes(board) == ["power"] + 3 * ["hard"]
    wait_subscribed(board)
