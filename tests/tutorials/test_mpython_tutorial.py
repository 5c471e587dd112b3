"""The programs of the mPython tutorial on the simulated mPython board, against Mosquitto."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from air import PINGRESP
from simulated_board import AccessPoint, SimulatedBoard
from tests.classroom import Person
from tests.mosquitto import Mosquitto
from tests.tutorials import programs
from tests.tutorials.conftest import Run, packet_times

# What the tutorial calls them, so the programs need not be changed.
ACCESS_POINT = AccessPoint("ssid", "password")
LOGIN = ("yourIotUserName", "yourIotPassword")
TOPIC = "yourTopic"

SUBACK = 0x90
PINGREQ = 0xC0
DISCONNECT = 0xE0

# The tutorial's Timer runs so much faster, its 20 s take one.
TIMER_SPEED = 20


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A Mosquitto that lets the tutorial's user in and nobody else."""
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), *LOGIN], check=True)
    # Started by root, it would become another user, who may not read the test's folder.
    broker = Mosquitto(tmp_path, f"allow_anonymous false\npassword_file {passwords}\nuser root\n")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def person(mosquitto: Mosquitto) -> Iterator[Person]:
    client = Person(mosquitto, "#", login=LOGIN)
    yield client
    client.close()


def run_program(run: Run, program: str) -> SimulatedBoard:
    faster = {"command": "timer_speed", "value": TIMER_SPEED}
    return run("mpython", {"main.py": program}, faster, access_points=(ACCESS_POINT,))


@pytest.fixture
def remote_light(run: Run, mosquitto: Mosquitto) -> SimulatedBoard:
    board = run_program(run, programs.mpython_remote_light(mosquitto.host, mosquitto.port))
    # Printed when the subscription has been acknowledged.
    board.wait_line(f"Connected to {mosquitto.host}")
    return board


def test_wifi_tells_of_its_success(remote_light: SimulatedBoard) -> None:
    line = remote_light.wait_line("Connection Successful")
    assert line == (
        "WiFi(ssid,-50dBm) Connection Successful, "
        "Config:('10.0.0.2', '255.255.255.0', '10.0.0.1', '10.0.0.1')"
    )
    before = remote_light.lines[remote_light.lines.index(line) - 1]
    assert before.startswith("Connection WiFi.") and set(before[15:]) == {"."}


def test_on_is_green_and_off_is_dark(remote_light: SimulatedBoard, person: Person) -> None:
    for _ in range(2):
        frames = len(remote_light.frames())
        lines = len(remote_light.lines)
        person.publish(TOPIC, "on")
        # (0, 20, 0) at the board's default brightness of 30 %, rounded up.
        remote_light.wait_frame(lambda frame: frame.colours == ((0, 7, 0),) * 3, since=frames)
        remote_light.wait_line("(b'yourTopic', b'on')", since=lines)

        frames = len(remote_light.frames())
        person.publish(TOPIC, "off")
        remote_light.wait_frame(lambda frame: frame.colours == ((0, 0, 0),) * 3, since=frames)
        remote_light.wait_line("(b'yourTopic', b'off')", since=lines)


def test_other_messages_are_printed_and_leave_the_lights_alone(
    remote_light: SimulatedBoard, person: Person
) -> None:
    frames = len(remote_light.frames())
    person.publish(TOPIC, "disco")
    person.publish("anotherTopic", "on")
    person.publish(TOPIC, "the end")
    remote_light.wait_line("(b'yourTopic', b'disco')")
    remote_light.wait_line("(b'yourTopic', b'the end')")
    assert not any("anotherTopic" in line for line in remote_light.lines)
    assert len(remote_light.frames()) == frames


def test_a_ping_goes_out_every_20_s_and_is_answered(
    remote_light: SimulatedBoard, person: Person
) -> None:
    remote_light.wait(
        "six pings", lambda: len(packet_times(remote_light, "out", PINGREQ)) >= 6, timeout=15
    )
    sent = packet_times(remote_light, "out", PINGREQ)
    period = (sent[-1] - sent[0]) / (len(sent) - 1) * TIMER_SPEED
    assert 18 < period < 24, f"a ping every {period} s"
    remote_light.wait(
        "answer to each", lambda: len(packet_times(remote_light, "in", PINGRESP)) >= len(sent)
    )
    # The light is still at the person's service, between the pings.
    frames = len(remote_light.frames())
    person.publish(TOPIC, "on")
    remote_light.wait_frame(lambda frame: frame.colours[0] == (0, 7, 0), since=frames)


def test_it_says_goodbye_when_it_is_stopped(remote_light: SimulatedBoard) -> None:
    remote_light.interrupt()
    remote_light.wait("DISCONNECT", lambda: packet_times(remote_light, "out", DISCONNECT))
    remote_light.wait_line("boot: stopped by Ctrl-C")


def test_a_wrong_wifi_password_is_the_documented_error(run: Run, mosquitto: Mosquitto) -> None:
    program = programs.mpython_remote_light(mosquitto.host, mosquitto.port)
    board = run_program(
        run, programs.fill_in(program, {'"ssid","password"': '"ssid","passw0rd",2'})
    )
    board.wait_line('"ssid" does not let the board in')
    board.wait_line("OSError: Timeout!,check your wifi password and keep your network unblocked")


def test_publish_as_in_the_first_steps(run: Run, mosquitto: Mosquitto, person: Person) -> None:
    run_program(run, programs.mpython_steps(mosquitto.host, mosquitto.port, "yourTopic"))
    assert person.receive("Bkgk2zXb4") == b"hello"


@pytest.mark.parametrize(
    "wildcard, expected", [("#", {"both", "only #"}), ("+", {"both", "only +"})]
)
def test_wildcards_as_in_the_text(
    run: Run, mosquitto: Mosquitto, person: Person, wildcard: str, expected: set[str]
) -> None:
    """`#` specifies all topics that start so, `+` all that start and end so."""
    many, one = programs.wildcard_filters()
    topic_filter = many if wildcard == "#" else one
    board = run_program(run, programs.mpython_steps(mosquitto.host, mosquitto.port, topic_filter))
    board.wait("SUBACK", lambda: packet_times(board, "in", SUBACK))

    common = many.replace("#", "room1")
    assert common == one.replace("+", "temperature")
    messages = {
        common: "both",
        many.replace("#", "room2/window"): "only #",
        one.replace("+", "humidity"): "only +",
        one.replace("+", "humidity") + "/window": "neither",
    }
    for topic, payload in messages.items():
        person.publish(topic, payload)
    person.publish(common, "the end")
    board.wait_line(f"(b'{common}', b'the end')")
    received = {line for line in board.lines if line.startswith("(b'/") and "the end" not in line}
    assert received == {
        f"(b'{topic}', b'{payload}')" for topic, payload in messages.items() if payload in expected
    }
