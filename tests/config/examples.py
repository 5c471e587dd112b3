"""Configurations that are right and that are wrong, for the board's checker and the JSON Schema."""

from __future__ import annotations

import copy
from typing import Any

PLAIN: dict[str, Any] = {"wifi": {"ssid": "classroom"}, "mqtt": {"server": "broker.local"}}
PLAIN_USER: dict[str, Any] = {**PLAIN, "mqtt": {**PLAIN["mqtt"], "user": "pupil"}}
EASYIOT: dict[str, Any] = {
    "wifi": {"ssid": "classroom"},
    "mqtt": {"platform": "easyiot", "user": "iot-id", "password": "iot-pwd"},
    "topics": {"command": "Ab3_dEf9k"},
}
ONENET: dict[str, Any] = {
    "wifi": {"ssid": "classroom"},
    "mqtt": {
        "platform": "onenet",
        "user": "123456",
        "client_id": "lamp",
        "password": "S2V5IG9mIGEgbGFtcA==",
    },
}
ONENET_LEGACY: dict[str, Any] = {
    "wifi": {"ssid": "classroom"},
    "mqtt": {
        "platform": "onenet-legacy",
        "user": "123456",
        "client_id": "7654321",
        "password": "lamp",
    },
}
ADAFRUIT: dict[str, Any] = {
    "wifi": {"ssid": "classroom"},
    "mqtt": {"platform": "adafruit", "user": "ada", "password": "aio_Key123"},
}
PLATFORMS = {
    "mqtt": PLAIN,
    "easyiot": EASYIOT,
    "onenet": ONENET,
    "onenet-legacy": ONENET_LEGACY,
    "adafruit": ADAFRUIT,
}


HOME = {"ssid": "home"}


class Absent:
    """In place of a value: the key is taken out."""


def changed(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of `base` in which the key `path`, such as mqtt.tls, holds `value`."""
    values = copy.deepcopy(base)
    *sections, key = path.split(".")
    section = values
    for name in sections:
        section = section.setdefault(name, {})
    if value is Absent:
        section.pop(key, None)
    else:
        section[key] = value
    return values


# What is sometimes given in place of a broker's name.
ADDRESSES = ["mqtt://broker", "10.0.0.1:1883", "broker/mqtt", "pupil:secret@broker"]
ADDRESSES += [" 192.168.1.5", "foo bar"]

# (base, key, right values, wrong values)
_ROWS: list[tuple[dict[str, Any], str, list[Any], list[Any]]] = [
    (PLAIN, "wifi", [], [Absent, None, [], "classroom", {}]),
    (PLAIN, "wifi.ssid", ["a", "x" * 32, "教室"], [Absent, "", "x" * 33, 7, None, "a\n", "a\0"]),
    (PLAIN, "wifi.password", [Absent, "", "x" * 8, "x" * 63], ["x", "x" * 7, "x" * 64, 12345678]),
    (
        PLAIN,
        "wifi.hostname",
        [Absent, "lamp-7", "{name}-{id}", "A"],
        ["", "a b", "x" * 33, "lamp_7", "{ssid}", "é"],
    ),
    (PLAIN, "wifi.timeout", [1, 600], [0, 601, "30", 1.5, True, None]),
    (PLAIN, "wifi.timout", [], [5]),
    (
        PLAIN,
        "wifi",
        [[HOME], [HOME, {"ssid": "school", "password": "x" * 8, "timeout": 5}], [HOME] * 8],
        [[HOME, {}], [HOME, "school"], [[HOME]], [HOME] * 9, [{**HOME, "timout": 5}]],
    ),
    (PLAIN, "mqtt", [], [Absent, None, [], "broker", {}]),
    (PLAIN, "mqtt.platform", [Absent, "mqtt"], ["", "Mqtt", "onenet", "easyiot", 7, None, []]),
    (
        PLAIN,
        "mqtt.server",
        ["10.0.0.1", "x" * 253, ["10.0.0.1"], ["a.local"] * 8],
        [Absent, "", "x" * 254, 7, "a,b", [], [""], [7], ["a"] * 9, ["a", "b:1"], *ADDRESSES],
    ),
    (PLAIN, "mqtt.port", [0, 1883, 65535], [-1, 65536, "1883", False]),
    (PLAIN, "mqtt.user", ["", "x" * 256], ["x" * 257, 7]),
    (PLAIN_USER, "mqtt.password", ["", "x" * 1024], ["x" * 1025, 7, ["x"]]),
    (PLAIN, "mqtt.client_id", ["a", "{name}-{id}", "x" * 128], ["", "x" * 129, None]),
    (PLAIN, "mqtt.keepalive", [0, 65535], [-1, 65536, "30"]),
    (PLAIN, "mqtt.clean_session", [True, False], [0, 1, "true", None]),
    (
        PLAIN,
        "mqtt.tls",
        [True, False, {"ca": "/ca.pem"}, {"ca": "/ca.der", "verify": False}],
        [1, "yes", None, {}, {"verify": True}, {"ca": ""}, {"ca": "/c", "verify": 1}],
    ),
    (PLAIN, "mqtt.tls.cafile", [], ["/ca.pem"]),
    (PLAIN, "mqtt.rate", [0, 30, 600], [-1, 601, 0.5]),
    (PLAIN, "mqtt.reset_after", [0, 15, 1440], [-1, 1441, "15"]),
    (PLAIN, "name", [Absent, "lamp-7", "x" * 12], ["", "Lamp", "a b", "x" * 13, "{id}", 7]),
    (PLAIN, "time", [Absent, {}], [None, [], "x"]),
    (PLAIN, "time.server", ["10.0.0.1", "ntp.school.example"], ["", "ntp:123", "a b", 7]),
    (PLAIN, "topics", [Absent, {}], [None, [], "x"]),
    (
        PLAIN,
        "topics.command",
        [Absent, "a", "#", "+", "/", "a/+/b/#", "/#", "{name}/{id}", "$SYS/#", "教室/灯"],
        ["", "a#", "#/a", "a+", "+a/b", "a/#/b", "a\nb", "x" * 201, 7],
    ),
    (PLAIN, "topics.state", ["", "a/b", "x" * 200], ["a/+", "#", "x" * 201, None, "a\x7f"]),
    (PLAIN, "topics.status", ["", "a/b"], ["a/#", "+", "x" * 201, 7]),
    (PLAIN, "topics.button", [Absent, "", "a/b"], ["a/#", "x" * 201, 7]),
    (PLAIN, "topics.display", [Absent, "", "a/b"], ["a/#", "x" * 201, 7]),
    (PLAIN, "texts", [Absent, True, False], [1, "a", None]),
    (PLAIN, "topics.info", [Absent, "", "a/b"], ["a/#", "x" * 201, 7]),
    (
        PLAIN,
        "topics.groups",
        [Absent, [], ["class/7b"], ["{name}", "a", "b/c", "教室"], ["x" * 192]],
        [None, "class/7b", {}, [""], ["a/+"], ["#"], ["a", "a"], [7], list("abcde"), ["x" * 193]],
    ),
    (PLAIN, "topics.commands", [], ["a"]),
    (PLAIN, "label", [Absent, "", "掌控板 7", "x" * 32], ["x" * 33, "a\n", 7]),
    (PLAIN, "telemetry.buttons", [True, False], [1, "a", None]),
    (PLAIN, "telemetry.stats", [0, 60, 3600], [-1, 3601, "60", True]),
    (PLAIN, "telemetry.touch", [True, False], [1, "p", None]),
    (PLAIN, "telemetry.motion", [True, False], [0, "shake", None]),
    (PLAIN, "telemetry.sensors", [0, 30, 3600], [-1, 3601, "30", True]),
    (PLAIN, "topics.touch", ["", "a"], ["+", 7]),
    (PLAIN, "topics.sensors", ["", "a"], ["#", 7]),
    (PLAIN, "topics.motion", ["", "a"], ["a/+", 7]),
    (
        PLAIN,
        "homeassistant",
        [Absent, True, False, {}, {"area": "Room 7", "restart": False, "triggers": True}],
        ["", 1, "yes", None, {"prefix": ""}, {"area": "x" * 65}, {"restart": 0}, {"name": "a"}],
    ),
    (PLAIN, "homeassistant.prefix", ["a", "school/ha"], ["#", "a/+", 7]),
    (PLAIN, "mode", ["lights", "echo"], ["disco", "", None, 1]),
    (PLAIN, "brightness", [1, 100], [0, 101, "50", 1.5, True]),
    (PLAIN, "restore", [Absent, True, False], [0, "yes", None]),
    (PLAIN, "colour", [], ["red"]),
    (EASYIOT, "mqtt.user", ["x"], [Absent, ""]),
    (EASYIOT, "mqtt.password", ["x"], [Absent, ""]),
    (EASYIOT, "mqtt.server", ["", "iot.dfrobot.com"], [7, *ADDRESSES]),
    (EASYIOT, "topics", [], [Absent, {}]),
    (EASYIOT, "topics.command", ["x"], ["", "a/+", "#"]),
    (EASYIOT, "topics.state", ["", "x"], ["+"]),
    (EASYIOT, "mode", ["echo"], []),
    (EASYIOT, "homeassistant", [Absent, False], [True, {}]),
    (EASYIOT, "topics.button", [Absent, ""], ["a"]),
    (EASYIOT, "topics.info", [Absent, ""], ["a"]),
    (EASYIOT, "topics.display", [Absent, ""], ["a"]),
    (EASYIOT, "texts", [Absent, False], [True]),
    (EASYIOT, "topics.groups", [Absent, []], [["a"]]),
    (EASYIOT, "telemetry.buttons", [False], [True]),
    (EASYIOT, "telemetry.touch", [False], [True]),
    (EASYIOT, "telemetry.motion", [False], [True]),
    (EASYIOT, "topics.sensors", [Absent, "", "Qr7"], ["+"]),
    (ONENET, "topics.sensors", [Absent, ""], ["a"]),
    (ADAFRUIT, "topics.sensors", [Absent, "", "room.7"], ["Room 7", "a/b"]),
    (ONENET, "mqtt.user", ["x" * 64], [Absent, "", "a/b", "x" * 65]),
    (ONENET, "mqtt.client_id", ["lamp_1"], [Absent, "", "a/b", "a+", "#", "x" * 65]),
    (
        ONENET,
        "mqtt.password",
        ["YWJj", "YWI=", "YQ==", "version=2018-10-31&res=x", "+/+/"],
        [Absent, "", "YWJ", "YQ=", "Y===", "====", "YWI=YWI=", "Y-J_", "YWJj\n", "K" * 1028, 7],
    ),
    (ONENET, "mqtt.keepalive", [10, 1800], [0, 9, 1801]),
    (ONENET, "mqtt.tls", [True, {"ca": "/ca.pem"}], [1]),
    (ONENET, "topics.command", [Absent, ""], ["a"]),
    (ONENET, "topics.state", [""], ["a"]),
    (ONENET, "topics.status", [""], ["a"]),
    (ONENET, "mode", ["lights"], ["echo"]),
    (ONENET_LEGACY, "mqtt.user", ["x" * 64], [Absent, "", "x" * 65]),
    (ONENET_LEGACY, "mqtt.client_id", ["1"], [Absent, "", "x" * 65]),
    (ONENET_LEGACY, "mqtt.password", ["x"], [Absent, ""]),
    (ONENET_LEGACY, "mqtt.tls", [False], [True, {"ca": "/ca.pem"}]),
    (ONENET_LEGACY, "mqtt.port", [0, 6002], []),
    (ONENET_LEGACY, "topics.state", [""], ["a"]),
    (ONENET_LEGACY, "mode", ["lights"], ["echo"]),
    (ADAFRUIT, "mqtt.user", ["x" * 128], [Absent, "", "a/b", "x" * 129]),
    (ADAFRUIT, "mqtt.password", ["x"], [Absent, ""]),
    (
        ADAFRUIT,
        "topics.command",
        ["lamp", "room-7.lamp", "{name}-{id}"],
        ["", "Lamp", "a/b", "a_b", "#", "x" * 129, "{user}"],
    ),
    (ADAFRUIT, "topics.state", ["", "a"], ["A"]),
    (ADAFRUIT, "topics.status", ["", "a"], ["A"]),
    (ADAFRUIT, "mode", ["echo"], []),
]

GOOD: list[Any] = [*PLATFORMS.values()]
GOOD += [changed(base, path, value) for base, path, right, _ in _ROWS for value in right]
BAD: list[Any] = [None, [], 7, "text", {}]
BAD += [changed(base, path, value) for base, path, _, wrong in _ROWS for value in wrong]

# Wrong only in a way that a JSON Schema cannot say: bytes of UTF-8, and what {id} grows to.
BAD_FOR_THE_BOARD_ALONE: list[Any] = [
    changed(PLAIN, "wifi.ssid", "教" * 11),
    changed(PLAIN, "mqtt.client_id", "x" * 124 + "{id}"),
    changed(PLAIN, "wifi.hostname", "x" * 21 + "{name}"),
    changed(PLAIN, "topics.state", "x" * 196 + "{id}"),
    changed(PLAIN, "mqtt.user", "\U0001fffe"),
    changed(PLAIN, "mqtt.password", "x"),
    changed(changed(PLAIN, "topics.state", "lamp"), "topics.status", "lamp"),
    changed(changed(PLAIN, "homeassistant", True), "mode", "echo"),
    changed(changed(PLAIN, "homeassistant", True), "topics.command", "lamp/+"),
    changed(changed(PLAIN, "homeassistant", {}), "topics.state", ""),
    changed(changed(PLAIN, "mode", "echo"), "topics.groups", ["class/7b"]),
    *(
        changed(changed(PLAIN, "topics.groups", ["class/7b"]), "topics.command", topic_filter)
        for topic_filter in ("class/+/command", "class/#", "#", "+/7b/command", "class/7b/command")
    ),
    changed(changed(PLAIN, "topics.groups", ["class/7b"]), "topics.state", "class/7b/command"),
    changed(changed(PLAIN, "homeassistant", True), "topics.button", ""),
]

# Where each key may stand; every one is in the table of docs/config.md.
KEYS = sorted({path for _, path, right, _ in _ROWS if right})
