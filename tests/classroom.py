"""A classroom: its access point, the configuration of a board in it, and a person's client."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

import paho.mqtt.client as paho

from ci.board.broker import leave
from simulated_board import AccessPoint, SimulatedBoard
from tests.mosquitto import Mosquitto

# It says of a wrong password that it is one; others only let nobody in (tests/wifi).
ACCESS_POINT = AccessPoint("classroom", "chalk and talk", refusal=205)


def settings(broker: Mosquitto, **mqtt: Any) -> dict[str, Any]:
    """A whole configuration for a board in the test's classroom."""
    return {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": {"server": broker.host, "port": broker.port, **mqtt},
        "topics": {"command": "light", "state": "light/state", "status": "light/status"},
    }


def wait_subscribed(board: SimulatedBoard, since: int = 0, timeout: float = 60) -> None:
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
            assert subscribed.acquire(timeout=60), f"{topic} was not subscribed within 60 s"

    def publish(
        self, topic: str, payload: str | bytes, qos: int = 1, retain: bool = False
    ) -> None:
        # After a broker's restart the board may be there before the person is.
        deadline = time.monotonic() + 60
        while not self.client.is_connected():
            assert time.monotonic() < deadline, "the person has not found the broker for 60 s"
            time.sleep(0.02)
        message = self.client.publish(topic, payload, qos, retain)
        message.wait_for_publish(60)
        assert message.is_published(), f"the broker did not take {topic} within 60 s"

    def receive(self, topic: str, timeout: float = 60) -> bytes:
        """Return the next message's payload on `topic`, passing over other topics."""
        while True:
            message = self.messages.get(timeout=timeout)
            if message.topic == topic:
                return message.payload

    def close(self) -> None:
        leave(self.client)
