"""The remote light with each broker: commands, states, the last will, and what the broker remembers."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from simulated_board import SimulatedBoard
from tests.brokers.servers import Broker
from tests.classroom import Person, settings, wait_subscribed

pytestmark = [pytest.mark.brokers, pytest.mark.simulator, pytest.mark.mosquitto]


def test_remote_light_works_with_broker(
    boot: Callable[..., SimulatedBoard], broker: Broker
) -> None:
    user, password = broker.login
    config = settings(broker, user=user, password=password)
    board = boot(config=config)
    wait_subscribed(board)
    person = Person(broker, "light/#", login=broker.login)
    try:
        person.publish("light", "#102030")
        while json.loads(person.receive("light/state"))["state"] != "ON":
            pass
        person.publish("light", "stats")
        assert "uptime" in json.loads(person.receive("light/status/stats"))
        board.process.kill()
        while person.receive("light/status") != b"offline":
            pass

        # The broker has kept the state, and the lamp is as it was before the power cut.
        board = boot(config=config)
        board.wait_line("lights: on #102030")
        while person.receive("light/status") != b"online":
            pass
    finally:
        person.close()

    seen = len(board.lines)
    broker.stop(kill=True)
    board.wait_line("mqtt: lost (", since=seen)
    broker.start()
    wait_subscribed(board, since=seen, timeout=300)
    person = Person(broker, "light/#", login=broker.login)
    try:
        person.publish("light", "#332211")
        board.wait_line("lights: on #332211", since=seen)
    finally:
        person.close()
