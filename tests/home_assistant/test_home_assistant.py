"""Boards and a real Home Assistant: found, commanded, heard, missed, forgotten."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest

from ci.boards import board_names, load_board
from ci.build.board_facts import facts, read_pins
from simulated_board import Frame, SimulatedBoard
from surroundings import Surroundings
from tests.classroom import Person
from tests.home_assistant.conftest import release
from tests.home_assistant.server import HomeAssistant
from tests.home_assistant.single_messages import TOO_NEW
from tests.mosquitto import Mosquitto

pytestmark = [
    pytest.mark.home_assistant,
    pytest.mark.simulator,
    pytest.mark.mosquitto,
]

SwitchOn = Callable[..., SimulatedBoard]

# What a board brings: key -> platform, device class, unit, category, whether it is on by default.
ENTITIES = {
    "light": ("light", None, None, None, True),
    "a": ("event", "button", None, None, True),
    "b": ("event", "button", None, None, True),
    "x": ("sensor", None, "m/s²", None, False),
    "y": ("sensor", None, "m/s²", None, False),
    "z": ("sensor", None, "m/s²", None, False),
    "motion": ("event", None, None, None, True),
    "identify": ("button", "identify", None, None, True),
    "restart": ("button", "restart", None, "config", True),
    "update": ("update", "firmware", None, "config", True),
    "rssi": ("sensor", "signal_strength", "dBm", "diagnostic", True),
    "address": ("sensor", None, None, "diagnostic", True),
    "reset": ("sensor", None, None, "diagnostic", True),
    "uptime": ("sensor", "duration", "s", "diagnostic", False),
    "heap": ("sensor", "data_size", "B", "diagnostic", False),
    "reconnects": ("sensor", None, None, "diagnostic", False),
}

PERCENT = ("sensor", None, "%", None, True)
OF_BOARD = {
    "mpython": {
        **{f"pad_{letter}": ("binary_sensor", None, None, None, True) for letter in "python"},
        "light_level": PERCENT,
        "sound": PERCENT,
    },
    "bpi-bit": {
        "light_left": PERCENT,
        "light_right": PERCENT,
        "temperature": ("sensor", "temperature", "°C", None, True),
        "display": ("notify", None, None, None, True),  # the simulated mPython has none
    },
}


def board_id(number: int) -> str:
    return f"02514d0000{number:02x}"


def mac(number: int) -> str:
    return bytes.fromhex(board_id(number)).hex(":")


def find(home: HomeAssistant, number: int) -> dict[str, str]:
    """Wait until all of a board is there and on, and return its entities' ids by their keys."""

    def complete() -> dict[str, str] | None:
        device = home.device(board_id(number))
        if device is None:
            return None
        entities = {
            unique_id.removeprefix(board_id(number) + "_"): entity["entity_id"]
            for unique_id, entity in home.entities(device).items()
        }
        light = home.states.get(entities.get("light", ""))
        is_on = light is not None and light["state"] != "unavailable"
        return entities if is_on and "reconnects" in entities else None

    return home.wait(f"board {number}", complete)


def frame_of(name: str, colour: tuple[int, int, int], brightness: int) -> Callable[[Frame], bool]:
    """Return a test for the frame that a setting stands for, on all LEDs."""
    scale = max(
        1, int(facts(load_board(name)).LED_BRIGHTNESS / 100 * brightness / 255 * 256 + 0.5)
    )
    shown = tuple((part * scale + 255) >> 8 for part in colour)
    return lambda frame: set(frame.colours) == {shown}


def attributes(home: HomeAssistant, entity: str) -> dict[str, Any]:
    state = home.states[entity]
    return {"state": state["state"], **state["attributes"]}


def wait_light(home: HomeAssistant, light: str, **wanted: Any) -> None:
    home.wait(
        f"light with {wanted}",
        lambda: all(attributes(home, light).get(key) == wanted[key] for key in wanted),
    )


@pytest.mark.parametrize("number, name", list(enumerate(board_names(), 1)))
def test_board_is_there_with_all_it_has(
    home_assistant: HomeAssistant,
    switch_on: SwitchOn,
    knows_devices: bool,
    number: int,
    name: str,
) -> None:
    switch_on(name, number, label=f"掌控板 {number}")
    find(home_assistant, number)
    device = home_assistant.device(board_id(number))
    board = load_board(name)
    assert (device["manufacturer"], device["model"]) == (board.vendor, board.product)
    assert device["name"] == f"掌控板 {number}"
    assert device["connections"] == [["mac", mac(number)]]
    found = {}
    for unique_id, entity in home_assistant.entities(device).items():
        details = home_assistant.ask("config/entity_registry/get", entity_id=entity["entity_id"])
        unit = (details.get("options") or {}).get("sensor", {}).get("unit_of_measurement")
        state = home_assistant.states.get(entity["entity_id"], {}).get("attributes", {})
        found[unique_id.removeprefix(board_id(number) + "_")] = (
            entity["entity_id"].split(".")[0],
            details["original_device_class"],
            state.get("unit_of_measurement", unit),
            entity["entity_category"],
            entity["disabled_by"] is None,
        )
    all_wanted = {
        key: wanted
        for key, wanted in {**ENTITIES, **OF_BOARD[name]}.items()
        if knows_devices or wanted[0] not in TOO_NEW
    }
    for key, wanted in all_wanted.items():
        # A disabled entity has no state to read a unit from.
        hidden = wanted if wanted[4] else wanted[:2] + (found[key][2],) + wanted[3:]
        assert found[key] == hidden, key
    assert set(found) == set(all_wanted)


@pytest.mark.parametrize("number, name", list(enumerate(board_names(), 3)))
def test_light_obeys_and_tells(
    home_assistant: HomeAssistant, switch_on: SwitchOn, number: int, name: str
) -> None:
    board = switch_on(name, number)
    light = find(home_assistant, number)["light"]

    def command(**data: Any) -> int:
        before = len(board.frames())
        home_assistant.call("light.turn_on", light, **data)
        return before

    since = command(rgb_color=[255, 128, 0])
    board.wait_frame(frame_of(name, (255, 128, 0), 255), since=since)
    wait_light(home_assistant, light, state="on", rgb_color=[255, 128, 0], brightness=255)
    for brightness in (1, 2, 128, 255):
        since = command(brightness=brightness)
        board.wait_frame(frame_of(name, (255, 128, 0), brightness), since=since)
        wait_light(home_assistant, light, brightness=brightness, rgb_color=[255, 128, 0])

    since = command(effect="rainbow")
    board.wait_frame(lambda frame: len(set(frame.colours)) > 2, since=since)
    wait_light(home_assistant, light, effect="rainbow")
    since = command(effect="off")
    board.wait_frame(frame_of(name, (255, 128, 0), 255), since=since)
    wait_light(home_assistant, light, effect=None)

    since = command(flash="short")
    dark = board.wait_frame(frame_of(name, (0, 0, 0), 255), since=since)
    wait_light(home_assistant, light, state="on", rgb_color=[255, 128, 0])
    since = board.frames().index(dark, since)
    full = board.wait_frame(frame_of(name, (255, 128, 0), 255), since=since).colours[0][0]

    before = len(board.frames())
    home_assistant.call("light.turn_off", light, transition=4)
    wait_light(home_assistant, light, state="off")
    board.wait_frame(lambda frame: 0 < frame.colours[0][0] < full, since=before)
    board.wait_frame(frame_of(name, (0, 0, 0), 255), since=before)


def test_colour_of_another_client_shows(
    home_assistant: HomeAssistant, switch_on: SwitchOn, teacher: Person
) -> None:
    switch_on(board_names()[0], 5)
    light = find(home_assistant, 5)["light"]
    teacher.publish(f"{board_names()[0]}/{board_id(5)}/command", "#102030")
    wait_light(home_assistant, light, state="on", rgb_color=[16, 32, 48])
    teacher.publish(f"{board_names()[0]}/{board_id(5)}/command", "40%")
    wait_light(home_assistant, light, brightness=102)


def test_button_is_event_and_trigger(home_assistant: HomeAssistant, switch_on: SwitchOn) -> None:
    board = switch_on(board_names()[0], 6)
    event = find(home_assistant, 6)["a"]
    device = home_assistant.device(board_id(6))
    triggers = home_assistant.wait(
        "triggers",
        lambda: [
            trigger
            for trigger in home_assistant.ask(
                "device_automation/trigger/list", device_id=device["id"]
            )
            if trigger.get("type") == "button_short_press"
        ],
    )
    first = next(each for each in triggers if each["subtype"] == "button_1")
    first.pop("metadata", None)
    home_assistant.watch_trigger(first)
    gpio = read_pins(load_board(board.board))["BUTTON_A"]

    def events() -> list[str]:
        return [
            change["attributes"]["event_type"]
            for change in list(home_assistant.changes)
            if change["entity_id"] == event and change["attributes"].get("event_type")
        ]

    board.command("pin", id=gpio, value=0)
    home_assistant.wait("trigger", lambda: home_assistant.triggered)
    home_assistant.wait("long press", lambda: "long_press" in events())
    board.command("pin", id=gpio, value=1)
    home_assistant.wait("release", lambda: "release" in events())
    assert events() == ["press", "long_press", "release"]


def test_what_board_feels_shows(home_assistant: HomeAssistant, switch_on: SwitchOn) -> None:
    board = switch_on("mpython", 16)
    around = Surroundings(board)
    entities = find(home_assistant, 16)

    def wait_state(key: str, wanted: Callable[[str], bool]) -> None:
        home_assistant.wait(
            key,
            lambda: wanted(home_assistant.states.get(entities[key], {}).get("state", "unknown")),
        )

    # The first message of each comes by itself.
    wait_state("pad_p", lambda state: state == "off")
    wait_state("light_level", lambda state: state not in ("unknown", "unavailable"))
    around.touch("p")
    wait_state("pad_p", lambda state: state == "on")
    wait_state("pad_y", lambda state: state == "off")
    around.light(1000)
    wait_state("light_level", lambda state: 50 < float(state) < 70)
    around.hold("face down")
    home_assistant.wait(
        "movement",
        lambda: attributes(home_assistant, entities["motion"]).get("event_type") == "face_down",
    )
    board = switch_on("bpi-bit", 17)
    entities = find(home_assistant, 17)
    Surroundings(board).temperature(31)
    wait_state("temperature", lambda state: state[:2] == "31" or state[:4] == "30.9")
    # What cannot be read any more is not known, and nothing is wrong.
    board.command("voltage", id=34, millivolts=0)
    wait_state("temperature", lambda state: state == "unknown")


@pytest.mark.usefixtures("device_messages")
def test_text_is_shown(home_assistant: HomeAssistant, switch_on: SwitchOn) -> None:
    board = switch_on("bpi-bit", 19)
    display = find(home_assistant, 19)["display"]
    before = len(board.frames())
    home_assistant.call("notify.send_message", display, message="Hi")
    # A letter, of some LEDs of the matrix.
    board.wait_frame(lambda frame: len(set(frame.colours)) == 2, since=before)


def test_names_are_in_language_of_user(home_assistant: HomeAssistant, switch_on: SwitchOn) -> None:
    home_assistant.use_language("zh-Hans")
    try:
        switch_on("bpi-bit", 20, label="7")
        entities = find(home_assistant, 20)
        for key in ("temperature", "restart", "rssi"):
            state = home_assistant.wait(key, lambda: home_assistant.states.get(entities[key]))
            # 温度 in one release as in the next; others have changed.
            assert not state["attributes"]["friendly_name"].isascii(), key
    finally:
        home_assistant.use_language("en")


def test_restart_and_readings(home_assistant: HomeAssistant, switch_on: SwitchOn) -> None:
    board = switch_on(board_names()[0], 7)
    entities = find(home_assistant, 7)
    home_assistant.wait(
        "signal", lambda: attributes(home_assistant, entities["rssi"])["state"] == "-50"
    )
    home_assistant.wait(
        "reset cause", lambda: attributes(home_assistant, entities["reset"])["state"] == "power"
    )
    boots = len(board.lines)
    home_assistant.call("button.press", entities["restart"])
    board.wait_line("boot: ", since=boots)
    home_assistant.wait(
        "reset", lambda: attributes(home_assistant, entities["reset"])["state"] == "reset"
    )


def test_outages_are_shown(
    home_assistant: HomeAssistant, broker: Mosquitto, switch_on: SwitchOn
) -> None:
    board = switch_on(board_names()[0], 8)
    light = find(home_assistant, 8)["light"]

    def wait_state(state: str) -> None:
        home_assistant.wait(
            state, lambda: home_assistant.states.get(light, {}).get("state") == state
        )

    wait_state("off")
    # A broker that has kept nothing: the boards tell everything again.
    broker.stop(kill=True)
    wait_state("unavailable")
    broker.start()
    wait_state("off")
    # A restart of Home Assistant: the board need not know.
    home_assistant.stop()
    home_assistant.start()
    wait_state("off")
    # A power cut of the board: its last will.
    board.process.kill()
    wait_state("unavailable")


@pytest.mark.usefixtures("device_messages")
def test_board_told_to_leave_is_forgotten(
    home_assistant: HomeAssistant, switch_on: SwitchOn
) -> None:
    name = board_names()[0]
    board = switch_on(name, 9)
    assert "restart" in find(home_assistant, 9)
    device = home_assistant.device(board_id(9))
    board.process.kill()
    switch_on(name, 9, homeassistant={"restart": False})
    home_assistant.wait(
        "loss of one button",
        lambda: f"{board_id(9)}_restart" not in home_assistant.entities(device),
    )
    assert f"{board_id(9)}_light" in home_assistant.entities(device)
    switch_on(name, 9, homeassistant=False)
    home_assistant.wait("loss of the board", lambda: home_assistant.device(board_id(9)) is None)


@pytest.mark.usefixtures("device_messages")
def test_names_outlast_new_firmware(
    home_assistant: HomeAssistant, switch_on: SwitchOn, teacher: Person
) -> None:
    # What an earlier release has left on the broker: fewer things, another version.
    name = board_names()[0]
    earlier = {
        "dev": {
            "ids": [board_id(10)],
            "name": "Board",
            "mf": "x",
            "sw": "0.0.1",
            "sn": board_id(10),
        },
        "o": {"name": "mqtt-boards"},
        "cmps": {
            "light": {
                "p": "light",
                "schema": "json",
                "name": None,
                "uniq_id": f"{board_id(10)}_light",
                "cmd_t": f"{name}/{board_id(10)}/command",
                "stat_t": f"{name}/{board_id(10)}/state",
            }
        },
    }
    topic = f"homeassistant/device/{board_id(10)}/config"
    teacher.publish(topic, json.dumps(earlier), retain=True)
    device = home_assistant.wait("device", lambda: home_assistant.device(board_id(10)))
    light = home_assistant.wait("light", lambda: home_assistant.entities(device))
    old = light[f"{board_id(10)}_light"]["entity_id"]
    home_assistant.ask(
        "config/entity_registry/update",
        entity_id=old,
        new_entity_id="light.window",
        name="At the window",
    )
    switch_on(name, 10)
    assert find(home_assistant, 10)["light"] == "light.window"
    assert attributes(home_assistant, "light.window")["friendly_name"].endswith("At the window")
    assert home_assistant.device(board_id(10))["sw_version"] != "0.0.1"


def test_thirty_boards_are_there_in_seconds(
    home_assistant: HomeAssistant,
    broker: Mosquitto,
    switch_on: SwitchOn,
    teacher: Person,
    report: Callable[..., None],
) -> None:
    name = board_names()[0]
    board = switch_on(name, 11)
    light = find(home_assistant, 11)["light"]
    waits = []
    for number in range(20):
        before = len(board.frames())
        start = time.monotonic()
        home_assistant.call("light.turn_on", light, rgb_color=[number, 255, 0])
        board.wait_frame(frame_of(name, (number, 255, 0), 255), since=before)
        waits.append((time.monotonic() - start) * 1000)

    own = f"homeassistant/device/{board_id(11)}/config"
    message = Person(broker, own)
    text = message.receive(own).decode()
    message.close()

    def lights() -> int:
        return sum(
            entity.startswith("light.") and state["state"] == "off"
            for entity, state in list(home_assistant.states.items())
        )

    wanted = lights() + 30
    start = time.monotonic()
    for number in range(100, 130):
        copy = text.replace(board_id(11), board_id(number))
        copy = copy.replace(mac(11), mac(number))  # by which devices are told apart, too
        teacher.publish(f"{name}/{board_id(number)}/status", "online", retain=True)
        teacher.publish(f"{name}/{board_id(number)}/state", '{"state": "OFF"}', retain=True)
        teacher.publish(f"homeassistant/device/{board_id(number)}/config", copy, retain=True)
    home_assistant.wait("thirty lights", lambda: lights() >= wanted)
    took = time.monotonic() - start
    report(
        "home-assistant",
        f"Home Assistant {release()}: REST call to LED frame {statistics.median(waits):.0f} ms "
        f"(median of {len(waits)}, longest {max(waits):.0f}); thirty boards found and on in {took:.1f} s",
    )


def test_log_has_no_complaint(home_assistant: HomeAssistant, knows_devices: bool) -> None:
    # Not counted: that the broker was killed, and that a device which was just removed is gone.
    # Nor that it still wants to subscribe while use_language() has it connect again.
    known = ["[homeassistant.components.mqtt.client]", "No device components to cleanup"]
    known.append("The client is not currently connected")
    if not knows_devices:  # which the boards send beside the single ones of single_messages.py
        known.append("Integration device is not supported")
    complaints = home_assistant.complaints()
    assert not [line for line in complaints if not any(text in line for text in known)]
