"""A whole simulated board on each platform, with Mosquitto in the platform's place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from air import Air
from simulated_board import SimulatedBoard
from tests.classroom import ACCESS_POINT, Person, settings, wait_subscribed
from tests.mosquitto import Mosquitto

PUBLISH = 0x30

Boot = Callable[..., SimulatedBoard]


def config(broker: Mosquitto, topics: dict[str, str], **mqtt: Any) -> dict[str, Any]:
    return {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": {"server": broker.host, "port": broker.port, **mqtt},
        "topics": topics,
    }


@pytest.fixture
def service(mosquitto: Mosquitto) -> Iterator[Callable[..., Person]]:
    people: list[Person] = []

    def listen(*topics: str) -> Person:
        people.append(Person(mosquitto, *topics))
        return people[-1]

    yield listen
    for person in people:
        person.close()


def times_of_three(board: SimulatedBoard) -> list[float]:
    """When the board sent PUBLISH packets, in seconds by its clock; empty before the third."""
    air = Air()
    times = [
        event["t"] / 1e6
        for event in list(board.events)
        for way, packet in air.packets(event)
        if way == "out" and packet[0] & 0xF0 == PUBLISH
    ]
    return times if len(times) >= 3 else []


def test_adafruit_last_value_is_asked_for_not_too_often(
    boot: Boot, mosquitto: Mosquitto, service: Callable[..., Person]
) -> None:
    person = service("teacher/feeds/#")
    board = boot(
        config=config(
            mosquitto,
            {"command": "lamp", "state": "lamp-state", "status": "lamp-status"},
            platform="adafruit",
            user="teacher",
            password="canary-key",
        ),
        commands=({"command": "capture", "value": True},),
    )
    board.wait_line("mqtt: subscribed teacher/feeds/lamp qos=1")
    assert person.receive("teacher/feeds/lamp-status") == b"online"
    for payload in ("on", "#010203", "off", "on", "#040506"):
        person.publish("teacher/feeds/lamp", payload)
    asked = False
    states: list[dict[str, Any]] = []
    while not (asked and states and states[-1]["color"] == {"r": 4, "g": 5, "b": 6}):
        message = person.messages.get(timeout=60)
        asked |= message.topic == "teacher/feeds/lamp/get"
        if message.topic == "teacher/feeds/lamp-state":
            assert not message.retain
            states.append(json.loads(message.payload))
    # The newest is the one that has waited; some may have left before the last command came.
    assert len(states) <= 3
    # 27 in a minute at most: one every 2.2 s, by the board's clock. A busy machine may pause it
    # between looking at that and sending.
    sent = board.wait("third message on the air", lambda: times_of_three(board))
    gaps = [after - before for before, after in zip(sent, sent[1:])]
    assert min(gaps) > 1 and sent[2] - sent[0] > 3, gaps
    assert "canary" not in "\n".join(board.lines)


def test_onenet_legacy_frames_state(
    boot: Boot, mosquitto: Mosquitto, service: Callable[..., Person]
) -> None:
    person = service("$dp")
    board = boot(
        config=config(
            mosquitto, {}, platform="onenet-legacy", user="1234", password="k", client_id="77"
        )
    )
    board.wait_line("mqtt: subscribed $creq/# qos=1")
    message = person.receive("$dp")
    assert message[0] == 1 and int.from_bytes(message[1:3], "big") == len(message) - 3
    point = json.loads(message[3:])["datastreams"][0]
    assert point["id"] == "state" and point["datapoints"][0]["value"]["state"] == "OFF"


def test_stats_without_status_topic_are_said(
    boot: Boot, mosquitto: Mosquitto, person: Person
) -> None:
    config = settings(mosquitto)
    config["topics"]["status"] = ""
    board = boot(config=config)
    wait_subscribed(board)
    person.publish("light", "Stats")
    board.wait_line("stats: they go to a topic below topics.status, and there is none")


def test_topics_may_be_left_out(boot: Boot, mosquitto: Mosquitto, person: Person) -> None:
    board = boot(config=config(mosquitto, {"command": "light/+", "state": "", "status": ""}))
    board.wait_line("mqtt: subscribed light/+ qos=1")
    person.publish("light/3", "on")
    board.wait_line("lights: on #ffffff 100%")
    person.publish("light/3", "stats")
    person.publish("light/3", "off")
    board.wait_line("lights: off")
    assert "Will message specified" not in mosquitto.log.read_text()
    assert board.lines.count("Traceback (most recent call last):") == 0
