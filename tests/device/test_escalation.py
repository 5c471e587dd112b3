"""What the board does in a network through which no broker answers."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator

import pytest

from simulated_board import ROOT, SimulatedBoard
from tests.classroom import Person, settings, wait_subscribed
from tests.mosquitto import Mosquitto

Boot = Callable[..., SimulatedBoard]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where a connection is taken and nothing is ever answered."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield listener.getsockname()[1]


def faster(minute: int) -> str:
    """Return a /handlers.py with which a minute without a broker takes `minute` ms."""
    return f"""\
from device.link import Link
escalate = Link._escalate
# A pause of a busy machine counts no more than a third of such a minute: none is passed over.
Link._escalate = lambda self, since: escalate(
    self, min(since, {minute} // 3) * 60000 // {minute}
)
"""


def power_ons(board: SimulatedBoard) -> int:
    return sum(event["event"] == "power_on" for event in board.events)


def test_no_answer_rejoins_then_resets(boot: Boot, mosquitto: Mosquitto, silent_port: int) -> None:
    config = settings(mosquitto)
    config["mqtt"]["port"] = silent_port
    board = boot(config=config, files={"handlers.py": faster(1000)})
    board.wait_line("wifi: connected classroom")
    board.wait_line("mqtt: no broker for 3 min; joining Wi-Fi again")
    board.wait_line("mqtt: no broker for 6 min; joining Wi-Fi again")
    board.wait_line("mqtt: no broker for 15 min; resetting the board")
    board.wait("second power-on", lambda: power_ons(board) >= 2)


def test_reset_is_told_in_stats_after_it(boot: Boot, mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    board = boot(files={"handlers.py": faster(1000)})
    board.wait("second power-on", lambda: power_ons(board) >= 2, timeout=60)
    seen = len(board.lines)
    mosquitto.start()
    wait_subscribed(board, since=seen, timeout=60)
    person = Person(mosquitto, "light/status/stats")
    try:
        person.publish("light", "stats")
        stats = json.loads(person.receive("light/status/stats"))
        assert stats["resets"]["no_broker"] >= 1 and stats["resets"]["failure"] == 0
        assert stats["reset"] == "reset"
    finally:
        person.close()


def test_reset_after_0_never_resets(boot: Boot, mosquitto: Mosquitto, silent_port: int) -> None:
    config = settings(mosquitto, reset_after=0)
    config["mqtt"]["port"] = silent_port
    board = boot(config=config, files={"handlers.py": faster(300)})
    board.wait_line("mqtt: no broker for 18 min; joining Wi-Fi again")
    assert power_ons(board) == 1


def test_rejoins_are_told_in_stats(boot: Boot, mosquitto: Mosquitto) -> None:
    config = settings(mosquitto, reset_after=0)
    board = boot(config=config, files={"handlers.py": faster(1000)})
    wait_subscribed(board)
    mosquitto.stop()
    board.wait_line("mqtt: no broker for 3 min; joining Wi-Fi again")
    seen = len(board.lines)
    mosquitto.start()
    wait_subscribed(board, since=seen)
    person = Person(mosquitto, "light/status/stats")
    try:
        person.publish("light", "STATS")
        stats = json.loads(person.receive("light/status/stats"))
        assert stats["rejoins"] >= 1 and stats["reset"] == "power"
        assert stats["address"].startswith("10.0.0.") and stats["rssi"] == -50
        assert stats["version"] in board.lines[0] and stats["uptime"] >= 3
        page = (ROOT / "docs" / "topics.md").read_text().partition("## Stats")[2]
        keys = [
            re.findall("`([a-z_]+)`", row.split("|")[1])
            for row in page.splitlines()
            if "| `" in row
        ]
        assert sum(keys, []) and set(sum(keys, [])) == set(stats)
    finally:
        person.close()
