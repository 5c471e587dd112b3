"""The watchdog resets a board whose loop has stopped, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulated_board import SimulatedBoard

pytestmark = pytest.mark.simulator

PRELUDE = """\
import machine, time
from device.watchdog import Watchdog
if machine.reset_cause() != machine.PWRON_RESET:
    raise SystemExit
watchdog = Watchdog(timeout=4000)
"""

LOOPS = {
    "Python": "while True:\n    pass\n",
    "C": "sum(range(10**12))\n",  # lets no callback run
    "sleep": "time.sleep(1000)\n",
}


def start(tmp_path: Path, code: str) -> SimulatedBoard:
    script = tmp_path / "script.py"
    script.write_text(PRELUDE + code)
    return SimulatedBoard(arguments=(str(script),))


def causes(board: SimulatedBoard) -> list[str]:
    return [event["cause"] for event in board.events if event["event"] == "power_on"]


@pytest.mark.parametrize("name", LOOPS)
def test_stopped_loop_is_reset(tmp_path: Path, name: str) -> None:
    with start(tmp_path, LOOPS[name]) as board:
        board.wait("reset", lambda: len(causes(board)) == 2)
        assert causes(board) == ["power", "watchdog"]


@pytest.mark.parametrize(
    "code",
    [
        "for _ in range(100):\n    watchdog.step()\n    time.sleep_ms(60)\n",
        "watchdog.rest()\ntime.sleep(6)\n",
    ],
    ids=["steps that wait", "the prompt"],
)
def test_waiting_board_is_left_alone(tmp_path: Path, code: str) -> None:
    with start(tmp_path, code + "print('alive')\n") as board:
        board.wait_line("alive")
        assert causes(board) == ["power"]
