"""For a Home Assistant that is too old for device messages: each one as single messages."""

from __future__ import annotations

import json

import paho.mqtt.client as paho

from ci.board.broker import leave
from tests.mosquitto import Mosquitto

# What a Home Assistant that is so old does not have, and says so in its log.
TOO_NEW = {"notify"}


class Splitter:
    """A client that publishes each component of a device message as a message of its own."""

    def __init__(self, broker: Mosquitto) -> None:
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda client, *_: client.subscribe(
            "homeassistant/device/+/config"
        )
        self.client.on_message = self._split
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()

    def _split(self, client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        if not message.payload:
            return
        whole = json.loads(message.payload)
        board = message.topic.split("/")[-2]
        shared = {"dev": whole["dev"], "o": whole["o"]}
        inherited = {key: whole[key] for key in ("avty_t", "stat_t", "cmd_t")}
        for key, component in whole["cmps"].items():
            platform = component.pop("p")
            if platform in TOO_NEW:
                continue
            if component:
                if platform == "light":
                    component["color_mode"] = True
                component = inherited | component | shared
            topic = f"homeassistant/{platform}/{board}/{key}/config"
            client.publish(topic, json.dumps(component) if component else "", 1, True)

    def close(self) -> None:
        leave(self.client)
