"""A simulated board with a configuration for the test's Mosquitto, and a person's client."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from simulated_board import AccessPoint, SimulatedBoard
from tests.conftest import Mosquitto

# It says of a wrong password that it is one; others only let nobody in (tests/firmware/test_wifi).
ACCESS_POINT = AccessPoint("classroom", "chalk and talk", refusal=205)


def settings(broker: Mosquitto, **mqtt: Any) -> dict[str, Any]:
    """A whole configuration for a board in the test's classroom."""
    return {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": {"server": broker.host, "port": broker.port, **mqtt},
        "topics": {"command": "light", "state": "light/state", "status": "light/status"},
    }


def wait_subscribed(board: SimulatedBoard, since: int = 0, timeout: float = 30) -> None:
    """Wait until a board with `settings` follows its command topic."""
    board.wait_line("mqtt: subscribed light qos=1", since=since, timeout=timeout)


class Person:
    """A client that publishes, and keeps what it receives."""

    def __init__(self, broker: Mosquitto, *topics: str, login: tuple[str, str] = ("", "")) -> None:
        self.messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda client, data, message: self.messages.put(message)
        subscribed = threading.Semaphore(0)
        self.client.on_connect = lambda client, *rest: [
            client.subscribe(topic, 1) for topic in topics
        ]
        self.client.on_subscribe = lambda *rest: subscribed.release()
        if login[0]:
            self.client.username_pw_set(*login)
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        for topic in topics:
            assert subscribed.acquire(timeout=30), f"{topic} was not subscribed within 30 s"

    def publish(
        self, topic: str, payload: str | bytes, qos: int = 1, retain: bool = False
    ) -> None:
        self.client.publish(topic, payload, qos, retain).wait_for_publish(5)

    def receive(self, topic: str, timeout: float = 30) -> bytes:
        """Return the next message's payload on `topic`, passing over other topics."""
        while True:
            message = self.messages.get(timeout=timeout)
            if message.topic == topic:
                return message.payload

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def person(mosquitto: Mosquitto) -> Iterator[Person]:
    client = Person(mosquitto, "light/#")
    yield client
    client.close()


@pytest.fixture
def boot(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Callable[..., SimulatedBoard]]:
    """Boot a simulated board; `config` replaces the configuration, None leaves none."""
    with ExitStack() as stack:

        def start(
            board: str = "mpython", config: Any = ..., files: dict[str, str] = {}, **options: Any
        ) -> SimulatedBoard:
            flash = tmp_path / "flash"
            flash.mkdir(exist_ok=True)
            if config is ...:
                config = settings(mosquitto)
            if config is not None:
                text = config if isinstance(config, str) else json.dumps(config)
                (flash / "config.json").write_text(text)
            for name, content in files.items():
                (flash / name).write_text(content)
            options.setdefault("access_points", (ACCESS_POINT,))
            return stack.enter_context(SimulatedBoard(board, flash=flash, **options))

        yield start
