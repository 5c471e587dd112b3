"""What boards feel, as topics: readings, touches and movements, of what is there and answers."""

from __future__ import annotations

import contextlib
import json
import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulated_board import SimulatedBoard
from surroundings import Surroundings
from tests.classroom import Person
from tests.device.test_discovery import ID, TOPIC, configuration
from tests.mosquitto import Mosquitto

Boot = Callable[..., SimulatedBoard]

ALL = {"sensors": 3600, "touch": True, "motion": True}
# A third board is tried once it has a row.
READINGS = {
    "mpython": ["light_level", "sound", "x", "y", "z"],
    "bpi-bit": ["light_left", "light_right", "temperature", "x", "y", "z"],
}


@pytest.fixture
def listener(mosquitto: Mosquitto) -> Iterator[Person]:
    client = Person(mosquitto, "#")
    yield client
    client.close()


def receive_until(
    listener: Person, topic: str, condition: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Wait for a message on `topic` that is as it should be."""
    while True:
        values = json.loads(listener.receive(topic, 300))
        if condition(values):
            return values


@pytest.mark.parametrize("name", READINGS)
def test_what_is_felt_is_told(
    boot: Boot, mosquitto: Mosquitto, listener: Person, name: str
) -> None:
    board = boot(name, configuration(mosquitto, telemetry=ALL))
    base = f"{name}/{ID}"
    has = json.loads(listener.receive(f"{base}/info", 300))["has"]
    assert has == [*(["touch"] if name == "mpython" else []), "motion", *READINGS[name]]
    # The first comes by itself, the next because something has changed.
    values = json.loads(listener.receive(f"{base}/sensors", 300))
    assert list(values) == READINGS[name]
    assert (values["x"], values["y"], values["z"]) == (0, 0, -9.8)
    around = Surroundings(board)
    for side in around.light_sensors():
        key = f"light_{side or 'level'}"
        around.light(1000, side)
        bright = receive_until(listener, f"{base}/sensors", lambda seen: seen[key] > 50)
        around.light(0, side)
        receive_until(listener, f"{base}/sensors", lambda seen: seen[key] == 0)
        others = [other for other in bright if other.startswith("light_") and other != key]
        assert all(bright[other] < 50 for other in others)
    if "sound" in values:
        around.sound(60)
        receive_until(listener, f"{base}/sensors", lambda seen: 50 < seen["sound"] < 70)
    if "temperature" in values:
        around.temperature(31)
        receive_until(
            listener, f"{base}/sensors", lambda seen: abs(seen["temperature"] - 31) < 0.3
        )
    around.accelerate(0.5, 0.25, -0.75)
    receive_until(
        listener,
        f"{base}/sensors",
        lambda seen: (seen["x"], seen["y"], seen["z"]) == (4.9, 2.5, -7.4),
    )
    for posture in ("tilt left", "face down", "tilt right", "face up"):
        around.hold(posture)
        event = {"event_type": posture.replace(" ", "_")}
        assert json.loads(listener.receive(f"{base}/motion", 300)) == event
    around.hold("stand up")  # is no event
    # How many of the swings a busy board sees, nobody knows.
    event = None
    while event is None:
        around.shake()
        with contextlib.suppress(queue.Empty):
            event = listener.receive(f"{base}/motion", 1)
    assert json.loads(event) == {"event_type": "shake"}


def test_touches_are_told(boot: Boot, mosquitto: Mosquitto, listener: Person) -> None:
    board = boot("mpython", configuration(mosquitto, telemetry={"touch": True}))
    free = dict.fromkeys("python", False)
    assert json.loads(listener.receive(f"mpython/{ID}/touch", 300)) == free
    around = Surroundings(board)
    around.touch("p")
    assert json.loads(listener.receive(f"mpython/{ID}/touch", 300)) == {**free, "p": True}
    around.touch("n")
    assert json.loads(listener.receive(f"mpython/{ID}/touch", 300)) == {
        **free,
        "p": True,
        "n": True,
    }
    around.touch("p", False)
    assert json.loads(listener.receive(f"mpython/{ID}/touch", 300)) == {**free, "n": True}
    topics = {message.topic for message in listener.messages.queue}
    assert not [topic for topic in topics if "sensors" in topic or "motion" in topic]


def test_newer_chip_reads_as_older_one(boot: Boot, mosquitto: Mosquitto, listener: Person) -> None:
    board = boot(
        "mpython",
        configuration(mosquitto, telemetry={"sensors": 1}),
        environment={"SIM_CHIPS": "qmi8658"},
    )
    listener.receive(f"mpython/{ID}/sensors", 300)
    Surroundings(board).accelerate(0.5, 0.25, -0.75)
    receive_until(
        listener,
        f"mpython/{ID}/sensors",
        lambda seen: (seen["x"], seen["y"], seen["z"]) == (4.9, 2.5, -7.4),
    )
    board.command("i2c", value=False)
    values = receive_until(listener, f"mpython/{ID}/sensors", lambda seen: seen["x"] is None)
    assert values["light_level"] is not None


def test_what_does_not_answer_is_left_out(
    boot: Boot, mosquitto: Mosquitto, listener: Person
) -> None:
    thermistor = {"command": "voltage", "id": 34, "millivolts": 0}
    board = boot(
        "bpi-bit",
        configuration(mosquitto, homeassistant=True, telemetry=ALL),
        environment={"SIM_CHIPS": ""},
        commands=(thermistor,),
    )
    components = json.loads(listener.receive(TOPIC, 300))["cmps"]
    absent = {key for key, each in components.items() if len(each) == 1}
    assert {"motion", "x", "y", "z", "temperature", "pad_p"} <= absent
    values = json.loads(listener.receive(f"bpi-bit/{ID}/sensors", 300))
    assert list(values) == ["light_left", "light_right"]
    board.wait_line("touch: this board has no touch pads")
    board.wait_line("motion: no accelerometer answers")
