"""The programs of the mPython tutorial on the simulated mPython board, against Mosquitto."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from air import PINGRESP
from simulated_board import SimulatedBoard
from tests.classroom import Person
from tests.mosquitto import Mosquitto
from tests.tutorials.conftest import Run, packet_times
from tests.tutorials.programs import SOURCES, MpythonTutorial, mpython_tutorial, replace

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

SUBACK = 0x90
PINGREQ = 0xC0
DISCONNECT = 0xE0

# The tutorial's Timer runs so much faster, its 20 s take one.
TIMER_SPEED = 20


@pytest.fixture(params=SOURCES)
def tutorial(request: pytest.FixtureRequest) -> MpythonTutorial:
    return mpython_tutorial(request.param)


@pytest.fixture
def mosquitto(tmp_path: Path, tutorial: MpythonTutorial) -> Iterator[Mosquitto]:
    """A Mosquitto that lets the tutorial's user in and nobody else."""
    passwords = tmp_path / "passwords"
    command = ["mosquitto_passwd", "-b", "-c", str(passwords), *tutorial.login]
    subprocess.run(command, check=True)
    # Started by root, it would become another user, who may not read the test's folder.
    with Mosquitto(
        tmp_path, f"allow_anonymous false\npassword_file {passwords}\nuser root\n"
    ) as broker:
        yield broker


@pytest.fixture
def person(mosquitto: Mosquitto, tutorial: MpythonTutorial) -> Iterator[Person]:
    client = Person(mosquitto, "#", login=tutorial.login)
    yield client
    client.close()


def run_program(run: Run, tutorial: MpythonTutorial, program: str) -> SimulatedBoard:
    faster = {"command": "timer_speed", "value": TIMER_SPEED}
    return run("mpython", {"main.py": program}, faster, access_points=(tutorial.access_point,))


@pytest.fixture
def remote_light(run: Run, mosquitto: Mosquitto, tutorial: MpythonTutorial) -> SimulatedBoard:
    board = run_program(run, tutorial, tutorial.remote_light(mosquitto))
    # Printed when the subscription has been acknowledged.
    board.wait_line(f"{tutorial.listening} {mosquitto.host}")
    return board


def shown(topic: str, message: str) -> str:
    """Return the line that the programs print for a message."""
    return f"({topic.encode()!r}, {message.encode()!r})"


def test_wifi_connected_prints_dots_and_address(
    remote_light: SimulatedBoard, tutorial: MpythonTutorial
) -> None:
    line = remote_light.wait_line("Connection Successful")
    assert line == (
        f"WiFi({tutorial.access_point.ssid},-50dBm) Connection Successful, "
        "Config:('10.0.0.2', '255.255.255.0', '10.0.0.1', '10.0.0.1')"
    )
    before = remote_light.lines[remote_light.lines.index(line) - 1]
    assert before.startswith("Connection WiFi.") and set(before[15:]) == {"."}


def test_light_on_is_green_and_off_is_dark(
    remote_light: SimulatedBoard, person: Person, tutorial: MpythonTutorial
) -> None:
    for _ in range(2):
        frames = len(remote_light.frames())
        lines = len(remote_light.lines)
        person.publish(tutorial.topic, "on")
        # (0, 20, 0) at the board's default brightness of 30 %, rounded up.
        remote_light.wait_frame(lambda frame: frame.colours == ((0, 7, 0),) * 3, since=frames)
        remote_light.wait_line(shown(tutorial.topic, "on"), since=lines)

        frames = len(remote_light.frames())
        person.publish(tutorial.topic, "off")
        remote_light.wait_frame(lambda frame: frame.colours == ((0, 0, 0),) * 3, since=frames)
        remote_light.wait_line(shown(tutorial.topic, "off"), since=lines)


def test_light_other_messages_are_only_printed(
    remote_light: SimulatedBoard, person: Person, tutorial: MpythonTutorial
) -> None:
    remote_light.command("i2c")  # frames come by another way than lines; all are there after it
    frames = len(remote_light.frames())
    person.publish(tutorial.topic, "disco")
    person.publish("anotherTopic", "on")
    person.publish(tutorial.topic, "the end")
    remote_light.wait_line(shown(tutorial.topic, "disco"))
    remote_light.wait_line(shown(tutorial.topic, "the end"))
    assert not any("anotherTopic" in line for line in remote_light.lines)
    remote_light.command("i2c")
    assert len(remote_light.frames()) == frames


def test_ping_goes_out_every_20_s_and_is_answered(
    remote_light: SimulatedBoard, person: Person, tutorial: MpythonTutorial
) -> None:
    remote_light.wait("six pings", lambda: len(packet_times(remote_light, "out", PINGREQ)) >= 6)
    sent = packet_times(remote_light, "out", PINGREQ)
    period = (sent[-1] - sent[0]) / (len(sent) - 1) * TIMER_SPEED
    assert 18 < period < 24, f"a ping every {period} s"
    remote_light.wait(
        "answer to each", lambda: len(packet_times(remote_light, "in", PINGRESP)) >= len(sent)
    )
    # The light is still at the person's service, between the pings.
    frames = len(remote_light.frames())
    person.publish(tutorial.topic, "on")
    remote_light.wait_frame(lambda frame: frame.colours[0] == (0, 7, 0), since=frames)


def test_light_stopped_sends_disconnect(remote_light: SimulatedBoard) -> None:
    remote_light.interrupt()
    remote_light.wait("DISCONNECT", lambda: packet_times(remote_light, "out", DISCONNECT))
    remote_light.wait_line("boot: stopped by Ctrl-C")


def test_wifi_wrong_password_raises_documented_error(
    run: Run, mosquitto: Mosquitto, tutorial: MpythonTutorial
) -> None:
    ssid, password = tutorial.access_point.ssid, tutorial.access_point.password
    program = tutorial.remote_light(mosquitto)
    board = run_program(run, tutorial, replace(program, {f'"{password}")': '"passw0rd", 2)'}))
    board.wait_line(f'"{ssid}" does not let the board in')
    board.wait_line("OSError: Timeout!,check your wifi password and keep your network unblocked")


def test_first_steps_publish_reaches_broker(
    run: Run, mosquitto: Mosquitto, person: Person, tutorial: MpythonTutorial
) -> None:
    run_program(run, tutorial, tutorial.first_steps(mosquitto, tutorial.topic))
    topic, message = tutorial.first_publish
    assert person.receive(topic) == message


@pytest.mark.parametrize(
    "wildcard, expected", [("#", {"both", "only #"}), ("+", {"both", "only +"})]
)
def test_first_steps_wildcards_choose_topics(
    run: Run,
    mosquitto: Mosquitto,
    person: Person,
    tutorial: MpythonTutorial,
    wildcard: str,
    expected: set[str],
) -> None:
    """`#` stands for all topics that start so, `+` for all that start and end so."""
    many, one = tutorial.wildcards
    topic_filter = many if wildcard == "#" else one
    board = run_program(run, tutorial, tutorial.first_steps(mosquitto, topic_filter))
    board.wait("SUBACK", lambda: packet_times(board, "in", SUBACK))

    common = many.replace("#", one.rsplit("/", 1)[1])
    assert common == one.replace("+", many.split("/")[-2])
    messages = {
        common: "both",
        many.replace("#", "room2/window"): "only #",
        one.replace("+", "humidity"): "only +",
        one.replace("+", "humidity") + "/window": "neither",
    }
    for topic, payload in messages.items():
        person.publish(topic, payload)
    person.publish(common, "the end")
    board.wait_line(shown(common, "the end"))
    received = {line for line in board.lines if line.startswith("(b'/") and "the end" not in line}
    assert received == {
        shown(topic, payload) for topic, payload in messages.items() if payload in expected
    }
