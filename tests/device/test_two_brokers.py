"""Two Mosquittos with a bridge are one to the boards of both; readers share what these say."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from paho.mqtt.client import MQTTMessage

from simulated_board import SimulatedBoard
from tests.classroom import ACCESS_POINT, Person
from tests.mosquitto import Mosquitto

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

GROUP = "class/all"
ALLOW = "allow_anonymous true\n"


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[list[Mosquitto]]:
    """Two brokers; the second one's bridge leads to the first."""
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    one = Mosquitto(folders[0], ALLOW)
    bridge = f"connection one\naddress {one.host}:{one.port}\ntopic class/# both 1\n"
    with ExitStack() as stack:
        one.start()
        stack.callback(one.stop)
        other = Mosquitto(folders[1], ALLOW + bridge)
        other.start()
        stack.callback(other.stop)
        yield [one, other]


def text(message: MQTTMessage) -> tuple[str, bytes]:
    return message.topic, message.payload


def new_message(person: Person, timeout: float = 60) -> MQTTMessage:
    """Return the next one that is not retained: Mosquitto sends those to each who shares."""
    while (message := person.messages.get(timeout=timeout)).retain:
        pass
    return message


def hear_until_red(red: int, person: Person) -> list[MQTTMessage]:
    """Return the states that come until both boards are so red."""
    messages: list[MQTTMessage] = []
    missing = {"class/1/state", "class/2/state"}
    while missing:
        messages.append(person.messages.get(timeout=60))
        if json.loads(messages[-1].payload)["color"]["r"] == red:
            missing.discard(messages[-1].topic)
    return messages


def test_bridge_joins_boards_of_two_brokers(brokers: list[Mosquitto], tmp_path: Path) -> None:
    with ExitStack() as stack:
        boards = []
        for number, broker in enumerate(brokers, 1):
            flash = tmp_path / f"flash{number}"
            flash.mkdir()
            values = {
                "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
                "mqtt": {"server": broker.host, "port": broker.port},
                "topics": {"groups": [GROUP], "state": f"class/{number}/state"},
            }
            (flash / "config.json").write_text(json.dumps(values))
            boards.append(
                stack.enter_context(
                    SimulatedBoard(
                        flash=flash,
                        access_points=(ACCESS_POINT,),
                        environment={"SIM_ID": str(number)},
                    )
                )
            )
        for board in boards:
            board.wait_line(f"mqtt: subscribed {GROUP}/command qos=1")
        # Whoever listens at one hears both; when the bridge is there, both have said something.
        teacher = Person(brokers[0], "class/+/state")
        stack.callback(teacher.close)
        first = {teacher.messages.get(timeout=60).topic for _ in range(2)}
        assert first == {"class/1/state", "class/2/state"}
        teacher.publish(f"{GROUP}/command", "#102030")
        for board in boards:
            board.wait_line("lights: on #102030")
        hear_until_red(0x10, teacher)

        # Each state goes to one of the readers; the teacher, who shares with nobody, has them all.
        readers = [Person(brokers[0], "$share/readers/class/+/state") for _ in range(2)]
        for reader in readers:
            stack.callback(reader.close)
        for step in range(1, 7):
            teacher.publish(f"{GROUP}/command", f"{step},0,0")
            for board in boards:
                board.wait_line(f"lights: on #{step:02x}0000")
        told = hear_until_red(6, teacher)
        heard = [new_message(reader) for reader in readers]  # each has a part
        deadline = time.monotonic() + 60
        while len(heard) < len(told):
            assert time.monotonic() < deadline, (heard, told)
            for reader in readers:
                with suppress(queue.Empty):
                    heard.append(new_message(reader, 0.1))
        assert sorted(map(text, heard)) == sorted(map(text, told))
