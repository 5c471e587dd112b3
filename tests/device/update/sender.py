"""Who has an image and sends it: the other side of docs/update.md, "The protocol"."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho

from ci.board.broker import leave
from tests.mosquitto import Mosquitto

PIECE = 2048


class Sender:
    """A client that sends one image to the board on the topics under `topic`, and keeps its words.

    `change(offset, piece)`, if set, returns what is sent in place of a piece; None: nothing.
    """

    def __init__(self, broker: Mosquitto, image: bytes, topic: str = "t") -> None:
        self.image = image
        self.topic = topic
        self.results: list[dict[str, Any]] = []
        self.states: list[dict[str, Any]] = []
        self.change: Callable[[int, bytes], bytes | None] | None = None
        self.asked = 0
        self._changed = threading.Condition()
        subscribed = threading.Event()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_message = self._take
        self.client.on_connect = lambda client, *rest: client.subscribe(f"{topic}/#", 1)
        self.client.on_subscribe = lambda *rest: subscribed.set()
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        assert subscribed.wait(60), "the broker lets nobody subscribe"

    def _take(self, client: paho.Client, data: object, message: paho.MQTTMessage) -> None:
        kind = message.topic.removeprefix(f"{self.topic}/")
        if kind == "get":
            self._answer(*message.payload.split())
        elif kind in ("result", "state") and message.payload:
            with self._changed:
                messages = self.results if kind == "result" else self.states
                messages.append(json.loads(message.payload))
                self._changed.notify_all()

    def _answer(self, identifier: bytes, offset_text: bytes, count: bytes) -> None:
        self.asked += 1
        for number in range(int(count)):
            offset = int(offset_text) + number * PIECE
            piece: bytes | None = self.image[offset : offset + PIECE]
            if self.change and piece:
                piece = self.change(offset, piece)
            if piece:
                head = bytes.fromhex(identifier.decode()) + offset.to_bytes(4, "big")
                self.client.publish(f"{self.topic}/data", head + piece)

    def publish(self, payload: bytes | str, topic: str = "", retain: bool = False) -> None:
        """Publish on the board's `set`, or on another topic."""
        topic = topic or f"{self.topic}/set"
        self.client.publish(topic, payload, 1, retain).wait_for_publish(60)

    def wait(self, state: str, since: int = 0, timeout: float = 300) -> dict[str, Any]:
        """Return the first result with this state, from result number `since` on."""
        found: list[dict[str, Any]] = []

        def is_there() -> bool:
            found[:] = [each for each in self.results[since:] if each["state"] == state]
            return bool(found)

        with self._changed:
            assert self._changed.wait_for(is_there, timeout), (state, self.results[-3:])
        return found[0]

    def wait_percent(self, percent: int, since: int = 0, timeout: float = 300) -> None:
        """Wait until the board has loaded so much, from result number `since` on."""

        def is_there() -> bool:
            return any((each["percent"] or 0) >= percent for each in self.results[since:])

        with self._changed:
            assert self._changed.wait_for(is_there, timeout), self.results[-3:]

    def close(self) -> None:
        leave(self.client)
