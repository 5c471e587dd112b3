"""What boards tell Home Assistant: one retained message of known keys, when it is wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ci.boards import load_board
from ci.build.board_facts import read_pins
from simulated_board import DEFAULT_BOARD, SimulatedBoard
from tests.classroom import ACCESS_POINT, Person
from tests.device import home_assistant_keys as keys
from tests.mosquitto import Mosquitto

ID = "02514d000001"
TOPIC = f"homeassistant/device/{ID}/config"
MOST = 6144  # bytes

Boot = Callable[..., SimulatedBoard]


def configuration(broker: Mosquitto, **more: Any) -> dict[str, Any]:
    return {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": {"server": broker.host, "port": broker.port},
        **more,
    }


@pytest.fixture
def listener(mosquitto: Mosquitto) -> Iterator[Person]:
    client = Person(mosquitto, "#")
    yield client
    client.close()


def receive_until(listener: Person, topic: str) -> list[tuple[str, bytes]]:
    """Return what comes up to a message on `topic`."""
    seen = []
    while not seen or seen[-1][0] != topic:
        message = listener.messages.get(timeout=300)
        seen.append((message.topic, message.payload))
    return seen


@pytest.mark.parametrize("board_name", keys.OF_BOARD)
def test_message_has_known_keys_and_unique_ids(
    boot: Boot, mosquitto: Mosquitto, listener: Person, board_name: str
) -> None:
    settings = {"triggers": True, "area": 'Room "7" \\ 教室'}
    boot(board_name, configuration(mosquitto, homeassistant=settings, label='掌控板 "1"'))
    text = listener.receive(TOPIC, 300)
    assert len(text) <= MOST
    message = json.loads(text)
    board = load_board(board_name)
    base = f"{board_name}/{ID}"
    assert set(message) <= keys.TOP and set(message["o"]) <= keys.ORIGIN
    assert set(message["dev"]) <= keys.DEVICE
    device = message["dev"]
    assert device["ids"] == [ID] and device["sn"] == ID
    assert device["cns"] == [["mac", "02:51:4d:00:00:01"]]
    assert (device["name"], device["sa"]) == ('掌控板 "1"', 'Room "7" \\ 教室')
    assert (device["mf"], device["mdl"]) == (board.vendor, board.product)
    assert message["avty_t"] == f"{base}/status"

    components = message["cmps"]
    assert {key: each["p"] for key, each in components.items()} == keys.COMPONENT_KEYS
    present = {key: each for key, each in components.items() if len(each) > 1}
    assert set(present) == keys.OF_BOARD[board_name]
    for key, component in present.items():
        platform = component["p"]
        assert set(component) <= keys.COMPONENTS[platform], key
        if platform != "device_automation":
            assert component["uniq_id"] == f"{ID}_{key}"
            assert component.get("name") or component.get("dev_cla") or key == "light"
        unit = component.get("unit_of_meas")
        assert unit == keys.UNITS.get(component.get("dev_cla")) or "dev_cla" not in component, key
        assert ("stat_cla" in component) == (key in keys.STATISTICS), key
        allowed = keys.CATEGORIES.get(platform, {None, "config", "diagnostic"})
        assert component.get("ent_cat") in allowed, key
    # What has none of its own has the device's, which nothing else may be left without.
    assert message["cmd_t"] == f"{base}/command"
    assert message["stat_t"] == f"{base}/status/stats"
    own = {key: each["cmd_t"] for key, each in present.items() if "cmd_t" in each}
    display = {"display": f"{base}/display"} if "display" in present else {}
    assert own == {"update": f"{base}/update/set", **display}
    tell_stats = {key for key, each in components.items() if "value_json" in str(each)}
    tell_stats -= {key for key, each in components.items() if each.keys() & {"stat_t", "t"}}
    assert tell_stats == {"rssi", "address", "reset", "uptime", "heap", "reconnects"}
    assert components["light"]["stat_t"] == f"{base}/state"
    assert components["a"]["stat_t"] == components["as"]["t"] == f"{base}/button/a"
    topics = {key: each.get("stat_t", "").removeprefix(base) for key, each in present.items()}
    assert topics["x"] == "/sensors" and topics["motion"] == "/motion"
    assert topics.get("pad_p", "/touch") == "/touch"


def test_named_effects_are_understood(boot: Boot, mosquitto: Mosquitto, listener: Person) -> None:
    board = boot(config=configuration(mosquitto, homeassistant=True))
    message = json.loads(listener.receive(TOPIC, 300))
    light, commands = message["cmps"]["light"], message["cmd_t"]
    board.wait_line(f"mqtt: subscribed {commands}")
    assert light["fx_list"][0] == "off" and len(light["fx_list"]) > 4
    for effect in (*light["fx_list"][1:], None):
        listener.publish(commands, json.dumps({"effect": effect or "off"}))
        while json.loads(listener.receive(light["stat_t"], 300))["effect"] != effect:
            pass


def test_what_board_has_not_is_said_by_platform_alone(
    boot: Boot, mosquitto: Mosquitto, listener: Person
) -> None:
    settings = {"restart": False}
    boot(config=configuration(mosquitto, homeassistant=settings))
    components = json.loads(listener.receive(TOPIC, 300))["cmps"]
    assert {key: each["p"] for key, each in components.items()} == keys.COMPONENT_KEYS
    absent = {key for key, each in components.items() if len(each) == 1}
    has = keys.OF_BOARD[DEFAULT_BOARD] - {"restart", "as", "al", "bs", "bl"}
    assert absent == set(keys.COMPONENT_KEYS) - has


def test_discovery_precedes_status_and_state(
    boot: Boot, mosquitto: Mosquitto, listener: Person, board_name: str
) -> None:
    boot(board_name, configuration(mosquitto, homeassistant=True))
    base = f"{board_name}/{ID}"
    topics = [topic for topic, _ in receive_until(listener, f"{base}/state")]
    ours = [topic for topic in topics if topic in (TOPIC, f"{base}/status", f"{base}/state")]
    assert ours == [TOPIC, f"{base}/status", f"{base}/state"]


def test_info_comes_last(boot: Boot, mosquitto: Mosquitto, listener: Person) -> None:
    # Without "restore": with it, the first state after a start waits for the one that is retained.
    board = boot(config=configuration(mosquitto, homeassistant=True, restore=False))
    base = f"{board.board}/{ID}"
    topics = [topic for topic, _ in receive_until(listener, f"{base}/status/stats")]
    ours = (TOPIC, *(f"{base}/{end}" for end in ("status", "state", "update/state", "info")))
    assert [topic for topic in topics if topic in ours] == list(ours)


def test_start_of_home_assistant_is_answered(
    boot: Boot, mosquitto: Mosquitto, listener: Person
) -> None:
    listener.publish("homeassistant/status", "online", retain=True)
    board = boot(config=configuration(mosquitto, homeassistant=True))
    base = f"{board.board}/{ID}"
    # A retained one is old: the board has just said everything. Stats are the last of that.
    seen = receive_until(listener, f"{base}/status/stats")
    assert [topic for topic, _ in seen].count(TOPIC) == 1
    listener.publish("homeassistant/status", "offline")
    listener.publish("homeassistant/status", "online")
    seen = receive_until(listener, f"{base}/status/stats")
    topics = [topic for topic, _ in seen]
    assert topics.count(TOPIC) == 1
    assert f"{base}/status" in topics and f"{base}/state" in topics


def test_prefix_is_that_of_configuration(
    boot: Boot, mosquitto: Mosquitto, listener: Person
) -> None:
    # Told under the usual prefix before, it would be there twice.
    listener.publish(TOPIC, "{}", retain=True)
    board = boot(config=configuration(mosquitto, homeassistant={"prefix": "school/ha"}))
    assert listener.receive(TOPIC, 300) == b"{}"
    assert listener.receive(TOPIC, 300) == b""
    listener.receive(f"school/ha/device/{ID}/config", 300)
    board.wait_line("mqtt: subscribed school/ha/status")


def test_false_takes_message_back(boot: Boot, mosquitto: Mosquitto, listener: Person) -> None:
    listener.publish(TOPIC, "{}", retain=True)
    boot(config=configuration(mosquitto, homeassistant=False))
    assert listener.receive(TOPIC, 300) == b"{}"
    assert listener.receive(TOPIC, 300) == b""


def test_board_without_key_tells_nothing_new(
    boot: Boot, mosquitto: Mosquitto, listener: Person
) -> None:
    board = boot(config=configuration(mosquitto))
    base = f"{board.board}/{ID}"
    board.wait_line(f"mqtt: subscribed {base}/command")
    gpio = read_pins(load_board(board.board))["BUTTON_A"]
    board.command("pin", id=gpio, value=0)
    listener.publish(f"{base}/command", "stats")
    topics = {topic for topic, _ in receive_until(listener, f"{base}/status/stats")}
    assert not [topic for topic in topics if "homeassistant" in topic or "button" in topic]


def test_buttons_are_told_without_home_assistant(
    boot: Boot, mosquitto: Mosquitto, listener: Person, board_name: str
) -> None:
    board = boot(board_name, configuration(mosquitto, telemetry={"buttons": True}))
    board.wait_line("mqtt: subscribed")
    base = f"{board_name}/{ID}"
    listener.receive(f"{base}/state", 300)
    pins = read_pins(load_board(board_name))
    for letter in "ab":
        gpio = pins[f"BUTTON_{letter.upper()}"]
        topic = f"{base}/button/{letter}"
        board.command("pin", id=gpio, value=0)
        assert json.loads(listener.receive(topic, 300)) == {"event_type": "press"}
        assert json.loads(listener.receive(topic, 300)) == {"event_type": "long_press"}
        board.command("pin", id=gpio, value=1)
        assert json.loads(listener.receive(topic, 300)) == {"event_type": "release"}
    listener.publish(f"{base}/command", "stats")
    topics = [topic for topic, _ in receive_until(listener, f"{base}/status/stats")]
    assert not [topic for topic in topics if "button" in topic]


def test_restart_says_goodbye_and_is_not_repeated(
    boot: Boot, mosquitto: Mosquitto, listener: Person
) -> None:
    board = boot(config=configuration(mosquitto))
    base = f"{board.board}/{ID}"
    board.wait_line(f"mqtt: subscribed {base}/command")
    assert listener.receive(f"{base}/status", 300) == b"online"
    listener.publish(f"{base}/command", "restart")
    assert listener.receive(f"{base}/status", 300) == b"offline"
    # Twice, if the reset closes a connection with unread answers: the DISCONNECT may be lost with
    # them, and the will says it, too.
    while (status := listener.receive(f"{base}/status", 300)) == b"offline":
        pass
    assert status == b"online"
    # A retained one would come again after each start.
    listener.publish(f"{base}/command", "restart", retain=True)
    assert listener.receive(f"{base}/status", 300) == b"offline"
    board.wait_line("a retained restart is not obeyed")


def test_stats_come_as_often_as_asked(boot: Boot, mosquitto: Mosquitto, listener: Person) -> None:
    board = boot(config=configuration(mosquitto, telemetry={"stats": 1}))
    for _ in range(3):
        listener.receive(f"{board.board}/{ID}/status/stats", 300)
