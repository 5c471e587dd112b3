"""A board as the page sees it, made of messages: for what no simulated board does on demand."""

from __future__ import annotations

import json
import threading
from typing import Any

import paho.mqtt.client as paho

from ci.board.broker import leave
from tests.mosquitto import Mosquitto

PATIENCE = 60  # s


class FakeBoard:
    """Says that it is online and off, and then follows its command topic.

    groups: topics, without /command, that it follows, too
    deaf:   it does not follow any
    """

    def __init__(
        self,
        broker: Mosquitto,
        number: int = 1,
        *,
        kind: str = "mpython",
        groups: tuple[str, ...] = (),
        deaf: bool = False,
        info: dict[str, Any] | None = None,
    ) -> None:
        self.id = f"a4cf1234{number:04x}"
        self.base = f"{kind}/{self.id}"
        self.received: list[tuple[str, str]] = []  # topics and payloads, in order
        self._changed = threading.Condition()
        self._deaf = deaf
        self._light = {"state": "OFF", "color": {"r": 255, "g": 255, "b": 255}, "brightness": 255}
        self._info = {"id": self.id, "board": kind, "version": "0.2.0", "groups": list(groups)}
        self._info |= info or {}
        self._filters = [f"{self.base}/#", *(f"{group}/command" for group in groups)]
        self._broker = broker
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.will_set(f"{self.base}/status", "offline", qos=1, retain=True)
        self._subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(each, 1) for each in self._filters]
        )
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._follow

    def __enter__(self) -> FakeBoard:
        self._client.connect(self._broker.host, self._broker.port)
        self._client.loop_start()
        self.wait_subscribed()
        self.say("info", self._info)
        self.say("status", "online")
        self.say("state", self._light)
        return self

    def __exit__(self, *_: object) -> None:
        leave(self._client)

    def wait_subscribed(self) -> None:
        """Wait until it follows its topics, for the first time or since the last call."""
        assert self._subscribed.wait(PATIENCE), f"{self.base} is not subscribed"
        self._subscribed.clear()

    def say(self, topic: str, payload: Any, retain: bool = True) -> None:
        """Publish below its own topic, and wait until the broker has it."""
        text = payload if isinstance(payload, str) else json.dumps(payload)
        self._client.publish(f"{self.base}/{topic}", text, 1, retain).wait_for_publish(PATIENCE)

    def _follow(self, client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        topic, text = message.topic, message.payload.decode()
        subtopic = topic.removeprefix(f"{self.base}/")
        if subtopic not in ("info", "status", "state", "label", "update/state", "update/result"):
            with self._changed:
                self.received.append((topic, text))
                self._changed.notify_all()
        if topic.endswith("/command") and not self._deaf:
            self._obey(text)
            # Not `say`: this thread must not wait for the broker's answer.
            client.publish(f"{self.base}/state", json.dumps(self._light), 1, retain=True)

    def _obey(self, text: str) -> None:
        if text in ("on", "off"):
            self._light["state"] = text.upper()
        elif text.startswith("{"):
            self._light |= {"state": "ON", **json.loads(text)}

    def wait_for(self, payload: str) -> str:
        """Wait until it has received `payload`, and return on which topic."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: next((topic for topic, text in self.received if text == payload), None),
                PATIENCE,
            )
        assert found, f"{payload} did not come; {self.received}"
        return found
