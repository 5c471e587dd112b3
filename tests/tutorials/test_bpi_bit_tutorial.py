"""The program of the BPI:bit tutorial on the simulated BPI:bit, against Mosquitto."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import paho.mqtt.client as paho
import pytest

from ci.board.broker import leave
from simulated_board import AccessPoint, SimulatedBoard
from tests.classroom import Person
from tests.mosquitto import Mosquitto
from tests.tutorials.conftest import Run, packet_times
from tests.tutorials.programs import SOURCES, BpiBitTutorial, bpi_bit_tutorial

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

ACCESS_POINT = AccessPoint("classroom", "chalk and talk")

# Where `wifi.start()` finds the network: BPI:bit's own file, or the firmware's.
WIFI_CFG = f"WIFI_SSID = {ACCESS_POINT.ssid!r}\nWIFI_PSWD = {ACCESS_POINT.password!r}\n"
CONFIG = json.dumps(
    {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": {"server": "broker.example"},
    }
)

SUBACK = 0x90
PUBLISH = 0x30
DISCONNECT = 0xE0

# The loop sleeps for a second, then sends two echoes at once: so long after them it sleeps again.
INTO_SLEEP = 0.3

Start = Callable[..., SimulatedBoard]


@pytest.fixture(params=SOURCES)
def tutorial(request: pytest.FixtureRequest) -> BpiBitTutorial:
    return bpi_bit_tutorial(request.param)


@pytest.fixture
def web_page(mosquitto: Mosquitto, tutorial: BpiBitTutorial) -> Iterator[Person]:
    """The tutorial's second participant, in a browser."""
    client = Person(mosquitto, tutorial.topic)
    yield client
    client.close()


@pytest.fixture
def start(run: Run, mosquitto: Mosquitto, web_page: Person, tutorial: BpiBitTutorial) -> Start:
    def start(settings: str = "wifi_cfg.py") -> SimulatedBoard:
        files = {
            settings: CONFIG if settings == "config.json" else WIFI_CFG,
            "main.py": tutorial.echo(mosquitto),
        }
        return run("bpi-bit", files, access_points=(ACCESS_POINT,))

    return start


def count(board: SimulatedBoard, line: str, since: int = 0) -> int:
    return board.lines[since:].count(line)


@pytest.mark.parametrize("settings", ["wifi_cfg.py", "config.json"])
def test_greeting_sent_comes_back_forever(
    start: Start, web_page: Person, tutorial: BpiBitTutorial, settings: str
) -> None:
    """The text's effects 1 and 2."""
    board = start(settings)
    board.wait_line("wifi: connected classroom")
    assert web_page.receive(tutorial.topic) == tutorial.greeting
    # Two go round in each turn of a second: what check_msg takes, and what wait_msg takes then.
    greeting = tutorial.shown(tutorial.greeting)
    board.wait("loop", lambda: count(board, greeting) >= 6)
    for _ in range(5):
        assert web_page.receive(tutorial.topic) == tutorial.greeting


def test_other_data_is_shown_and_joins_loop(
    start: Start, web_page: Person, tutorial: BpiBitTutorial
) -> None:
    """The text's effect 3, with the data of its picture."""
    board = start()
    greeting = tutorial.shown(tutorial.greeting)
    board.wait_line(greeting)
    web_page.publish(tutorial.topic, "11 22 33")
    other = tutorial.shown(b"11 22 33")
    board.wait("three rounds of both", lambda: count(board, other) >= 3)
    seen = count(board, greeting)
    board.wait("greeting in the loop still", lambda: count(board, greeting) > seen)
    # The page's own, and the board's answers.
    received: list[bytes] = []
    while received.count(b"11 22 33") < 3 or received.count(tutorial.greeting) < 2:
        received.append(web_page.receive(tutorial.topic))


def test_idle_loop_prints_its_line(
    start: Start, mosquitto: Mosquitto, web_page: Person, tutorial: BpiBitTutorial
) -> None:
    """With an earlier session that has no subscription, the program subscribes to nothing."""
    earlier = paho.Client(
        paho.CallbackAPIVersion.VERSION2, client_id=tutorial.client_id, clean_session=False
    )
    earlier.connect(mosquitto.host, mosquitto.port)
    earlier.loop_start()
    deadline = time.monotonic() + 60
    while not earlier.is_connected():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    leave(earlier)

    board = start()
    board.wait("idle turns", lambda: count(board, tutorial.idle) >= 3)
    assert web_page.receive(tutorial.topic) == tutorial.greeting
    assert not packet_times(board, "in", SUBACK)
    assert tutorial.shown(tutorial.greeting) not in board.lines


def test_session_after_reset_is_resumed(start: Start, tutorial: BpiBitTutorial) -> None:
    board = start()
    greeting = tutorial.shown(tutorial.greeting)
    board.wait_line(greeting)
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C")
    lines = len(board.lines)
    board.type("import machine; machine.reset()\r")
    # The broker has kept the subscription, so the program sees no need for another one.
    board.wait("loop", lambda: count(board, greeting, since=lines) >= 3)
    assert len(packet_times(board, "in", SUBACK)) == 1


def test_loop_outlives_broker(
    start: Start, mosquitto: Mosquitto, tutorial: BpiBitTutorial
) -> None:
    """robust connects and subscribes again, and the program never knows."""
    board = start()
    board.wait_line(tutorial.shown(tutorial.greeting))
    mosquitto.stop(kill=True)
    time.sleep(1)
    mosquitto.start()
    board.wait("second subscription", lambda: len(packet_times(board, "in", SUBACK)) >= 2)
    page = Person(mosquitto, tutorial.topic)
    try:
        page.publish(tutorial.topic, "11 22 33")
        board.wait_line(tutorial.shown(b"11 22 33"))
        for _ in range(2):  # the page's own, and the board's answer
            while page.receive(tutorial.topic) != b"11 22 33":
                pass
    finally:
        page.close()


def test_loop_stopped_sends_disconnect(start: Start, tutorial: BpiBitTutorial) -> None:
    """Stopped in its sleep: within a write the link is closed as it is (docs/umqtt.md)."""
    board = start()
    # The greeting, and what check_msg and wait_msg answer in the first turn.
    board.wait("first turn", lambda: len(packet_times(board, "out", PUBLISH)) >= 3)
    time.sleep(INTO_SLEEP)
    board.interrupt()
    board.wait("DISCONNECT", lambda: packet_times(board, "out", DISCONNECT))
    board.wait_line("boot: stopped by Ctrl-C")
