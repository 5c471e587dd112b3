"""Groups: one message for many boards, and what a group must not do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from simulated_board import SimulatedBoard
from tests.classroom import Person, settings
from tests.mosquitto import Mosquitto

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

Boot = Callable[..., SimulatedBoard]


@pytest.fixture
def teacher(mosquitto: Mosquitto) -> Iterator[Person]:
    client = Person(mosquitto, "light/#", "class/#")
    yield client
    client.close()


@pytest.fixture
def board(boot: Boot, mosquitto: Mosquitto, teacher: Person) -> SimulatedBoard:
    """A board of two groups, for one of which a command is retained."""
    teacher.publish("class/all/command", "red", retain=True)
    configuration = settings(mosquitto)
    configuration["topics"]["groups"] = ["class/all", "class/{name}"]
    board = boot(config=configuration)
    board.wait_line("mqtt: subscribed class/all/command qos=1")
    board.wait_line(f"mqtt: subscribed class/{board.board}/command qos=1")
    board.wait_line("groups: a retained command is not obeyed")
    assert json.loads(teacher.receive("light/state"))["state"] == "OFF"
    return board


def test_group_obeys_like_one_board(board: SimulatedBoard, teacher: Person) -> None:
    for topic in ("class/all/command", f"class/{board.board}/command"):
        teacher.publish(topic, "toggle")  # which would show if it were obeyed twice
        teacher.publish(topic, "#102030")
        teacher.publish("light", "40%")  # our own topic goes on
        while (state := json.loads(teacher.receive("light/state")))["brightness"] != 102:
            pass
        assert state["color"] == {"r": 16, "g": 32, "b": 48}
        teacher.publish(topic, '{"state": "OFF", "brightness": 1}')
        while json.loads(teacher.receive("light/state"))["state"] != "OFF":
            pass
    teacher.publish("class/all/command", "stats")
    assert "uptime" in json.loads(teacher.receive("light/status/stats"))
    before = len(board.frames())
    teacher.publish("class/all/command", "identify")
    board.wait_frame(lambda frame: all(any(led) for led in frame.colours), since=before)


def test_group_restarts_only_by_its_name(board: SimulatedBoard, teacher: Person) -> None:
    asked = 'groups: a whole group restarts only by {"restart": true, "confirm": "class/all"}'
    for payload in (
        "restart",
        '{"restart": true}',
        '{"restart": true, "confirm": "class/7b"}',
        '{"restart": 7}',
        '"restart',
    ):
        since = len(board.lines)
        teacher.publish("class/all/command", payload)
        board.wait_line(asked, since=since)
    teacher.publish("class/all/command", '{"restart": true, "confirm": "class/all"}')
    assert teacher.receive("light/status") == b"offline"
    assert teacher.receive("light/status") == b"online"
