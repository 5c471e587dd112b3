"""The program of the BPI:bit tutorial on the simulated BPI:bit, against Mosquitto."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import paho.mqtt.client as paho
import pytest

from simulated_board import AccessPoint, SimulatedBoard
from tests.classroom import Person
from tests.mosquitto import Mosquitto
from tests.tutorials import programs
from tests.tutorials.conftest import Run, packet_times

ACCESS_POINT = AccessPoint("classroom", "chalk and talk")

# Where `wifi.start()` finds the network: BPI:bit's own file, or the firmware's.
WIFI_CFG = f"WIFI_SSID = {ACCESS_POINT.ssid!r}\nWIFI_PSWD = {ACCESS_POINT.password!r}\n"
CONFIG = json.dumps(
    {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": {"server": "broker.example"},
    }
)

HELLO = "(b'foo_topic', b'hello')"
SUBACK = 0x90
DISCONNECT = 0xE0

Start = Callable[..., SimulatedBoard]


@pytest.fixture
def web_page(mosquitto: Mosquitto) -> Iterator[Person]:
    """The tutorial's second participant, in a browser."""
    client = Person(mosquitto, "foo_topic")
    yield client
    client.close()


@pytest.fixture
def start(run: Run, mosquitto: Mosquitto, web_page: Person) -> Start:
    def start(settings: str = "wifi_cfg.py") -> SimulatedBoard:
        files = {
            settings: CONFIG if settings == "config.json" else WIFI_CFG,
            "main.py": programs.bpi_bit_echo(mosquitto.host, mosquitto.port),
        }
        return run("bpi-bit", files, access_points=(ACCESS_POINT,))

    return start


def count(board: SimulatedBoard, line: str, since: int = 0) -> int:
    return board.lines[since:].count(line)


@pytest.mark.parametrize("settings", ["wifi_cfg.py", "config.json"])
def test_hello_is_sent_and_comes_back_in_a_loop(
    start: Start, web_page: Person, settings: str
) -> None:
    """The text's effects 1 and 2."""
    board = start(settings)
    board.wait_line("wifi: connected classroom")
    assert web_page.receive("foo_topic") == b"hello"
    # Two go round in each turn of a second: what check_msg takes, and what wait_msg takes then.
    board.wait("loop", lambda: count(board, HELLO) >= 6)
    for _ in range(5):
        assert web_page.receive("foo_topic") == b"hello"


def test_the_web_pages_data_is_shown_and_joins_the_loop(start: Start, web_page: Person) -> None:
    """The text's effect 3, with the data of its picture."""
    board = start()
    board.wait_line(HELLO)
    web_page.publish("foo_topic", "11 22 33")
    shown = "(b'foo_topic', b'11 22 33')"
    board.wait("three rounds of both", lambda: count(board, shown) >= 3, timeout=20)
    seen = count(board, HELLO)
    board.wait("hello in the loop still", lambda: count(board, HELLO) > seen)
    received = [web_page.receive("foo_topic") for _ in range(8)]
    assert received.count(b"11 22 33") >= 3, "the page's own, and the board's answers"
    assert received.count(b"hello") >= 2


def test_other_operator_while_nothing_comes(
    start: Start, mosquitto: Mosquitto, web_page: Person
) -> None:
    """A session of before that has no subscription: the program then subscribes to nothing."""
    before = paho.Client(
        paho.CallbackAPIVersion.VERSION2, client_id="umqtt_client", clean_session=False
    )
    before.connect(mosquitto.host, mosquitto.port)
    before.loop_start()
    deadline = time.monotonic() + 5
    while not before.is_connected():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    before.disconnect()
    before.loop_stop()

    board = start()
    board.wait("idle turns", lambda: count(board, "other operator") >= 3)
    assert web_page.receive("foo_topic") == b"hello"
    assert not packet_times(board, "in", SUBACK)
    assert HELLO not in board.lines


def test_the_session_of_before_goes_on(start: Start, web_page: Person) -> None:
    board = start()
    board.wait_line(HELLO)
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C")
    lines = len(board.lines)
    board.type("import machine; machine.reset()\r")
    # The broker has kept the subscription, so the program sees no need for another one.
    board.wait("loop", lambda: count(board, HELLO, since=lines) >= 3)
    assert len(packet_times(board, "in", SUBACK)) == 1


def test_the_loop_outlives_the_broker(
    start: Start, mosquitto: Mosquitto, web_page: Person
) -> None:
    """robust connects and subscribes anew, and the program never knows."""
    board = start()
    board.wait_line(HELLO)
    mosquitto.stop(kill=True)
    time.sleep(1)
    mosquitto.start()
    board.wait(
        "second subscription", lambda: len(packet_times(board, "in", SUBACK)) == 2, timeout=20
    )
    page = Person(mosquitto, "foo_topic")
    try:
        page.publish("foo_topic", "11 22 33")
        board.wait_line("(b'foo_topic', b'11 22 33')")
        assert [page.receive("foo_topic") for _ in range(3)].count(b"11 22 33") >= 2
    finally:
        page.close()


def test_it_closes_the_line_when_it_is_stopped(start: Start) -> None:
    board = start()
    board.wait_line(HELLO)
    board.interrupt()
    board.wait("DISCONNECT", lambda: packet_times(board, "out", DISCONNECT))
    board.wait_line("boot: stopped by Ctrl-C")
