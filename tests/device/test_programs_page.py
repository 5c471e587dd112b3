"""docs/programs.md: each example runs as it stands, on both boards."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ci.boards import Board
from ci.build.board_facts import read_pins
from simulated_board import SimulatedBoard
from tests.classroom import ACCESS_POINT, Person, settings, wait_subscribed
from tests.mosquitto import Mosquitto

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

Boot = Callable[..., SimulatedBoard]


@pytest.fixture(scope="module")
def examples(root: Path) -> dict[str, str]:
    """The page's programs, by their headings."""
    page = (root / "docs" / "programs.md").read_text()
    found = re.findall(r"^### (.+?)\n(.*?)```python\n(.*?)```", page, re.MULTILINE | re.DOTALL)
    return {heading: program for heading, _, program in found}


@pytest.fixture
def person(mosquitto: Mosquitto) -> Iterator[Person]:
    client = Person(mosquitto, "class/#")
    yield client
    client.close()


@pytest.fixture
def start(boot: Boot, board: Board, examples: dict[str, str]) -> Callable[[str], SimulatedBoard]:
    def start(heading: str) -> SimulatedBoard:
        running = boot(board.name, files={"handlers.py": examples[heading]})
        wait_subscribed(running)
        for topic_filter in re.findall(r'@device\.on\("(.+?)"', examples[heading]):
            running.wait_line(f"mqtt: subscribed {topic_filter}")
        return running

    return start


def test_page_has_six_examples_and_two_lessons(examples: dict[str, str]) -> None:
    assert len(examples) == 8
    assert sum("import device" in program for program in examples.values()) == 6


def test_doorbell_rings(
    start: Callable[[str], SimulatedBoard], board: Board, person: Person
) -> None:
    running = start("A doorbell")
    button = read_pins(board)["BUTTON_A"]
    since = len(running.frames())
    running.command("pin", id=button, value=0)
    assert person.receive("class/door") == b"ring"
    running.command("pin", id=button, value=1)
    blue = running.wait_frame(lambda frame: frame.colours[0][2] > 0, since=since)
    assert all(r == g == 0 and b > 0 for r, g, b in blue.colours)
    running.wait_frame(lambda frame: not any(map(any, frame.colours)), since=since)


@pytest.mark.parametrize("level, share", [("100", 1), ("0", 0), ("50", 0.5)])
def test_bar_shows_number(
    start: Callable[[str], SimulatedBoard], person: Person, level: str, share: float
) -> None:
    running = start("A bar that shows a number")
    since = len(running.frames())
    person.publish("class/level", level)
    count = len(running.frames()[-1].colours)
    running.wait_frame(
        lambda frame: sum(map(any, frame.colours)) == int(share * count), since=since
    )


def test_bar_survives_what_is_no_number(
    start: Callable[[str], SimulatedBoard], person: Person
) -> None:
    running = start("A bar that shows a number")
    person.publish("class/level", "half")
    running.wait_line("ValueError")
    person.publish("class/level", "100")
    running.wait_frame(lambda frame: all(green > 0 == red for red, green, _ in frame.colours))


def test_light_meter_tells_changes(
    start: Callable[[str], SimulatedBoard], board: Board, person: Person
) -> None:
    running = start("A light meter")
    assert person.receive("class/light") == b"24"  # the simulator's 1000 of 4095
    pins = read_pins(board)
    running.command("analogue", id=pins.get("LIGHT") or pins["LIGHT_L"], value=4095)
    assert person.receive("class/light") == b"100"


def test_vote_counts_each_name_once(
    start: Callable[[str], SimulatedBoard], person: Person
) -> None:
    start("A vote")
    for name, choice in (("amy", "cake"), ("bo", "tea"), ("amy", "tea")):
        person.publish(f"class/vote/{name}", choice)
    results = [json.loads(person.receive("class/result")) for _ in range(3)]
    assert results == [{"cake": 1}, {"cake": 1, "tea": 1}, {"tea": 2}]


def test_roll_call_counts_boards(start: Callable[[str], SimulatedBoard], person: Person) -> None:
    start("Who is here")
    person.publish("mpython/1/status", "online", retain=True)
    assert person.receive("class/here") == b"1"
    person.publish("mpython/2/status", "online", retain=True)
    assert person.receive("class/here") == b"2"
    person.publish("mpython/1/status", "offline", retain=True)
    assert person.receive("class/here") == b"1"


def test_countdown_ends(start: Callable[[str], SimulatedBoard], person: Person) -> None:
    running = start("A countdown")
    since = len(running.frames())
    person.publish("class/timer", "1")
    running.wait_frame(lambda frame: all(r > 0 == g for r, g, _ in frame.colours), since=since)
    assert person.receive("class/timer/done") == b"time is up"
    running.wait_frame(lambda frame: not any(map(any, frame.colours)), since=since)


# The lessons: what a reader would change is the address of the broker.


def lesson(program: str, broker: Mosquitto) -> str:
    address = '"broker.example", 1883'
    assert program.count(address) == 1
    return program.replace(address, f'"{broker.host}", {broker.port}')


def test_lamp_lesson_obeys(
    boot: Boot, examples: dict[str, str], mosquitto: Mosquitto, person: Person
) -> None:
    program = lesson(examples["A lamp by MQTT, on the mPython board"], mosquitto)
    running = boot("mpython", None, {"main.py": program})
    running.wait_line("ready")
    person.publish("class/lamp", "on")
    running.wait_frame(lambda frame: all(g > 0 == r == b for r, g, b in frame.colours))
    since = len(running.frames())
    person.publish("class/lamp", "off")
    running.wait_frame(lambda frame: not any(map(any, frame.colours)), since=since)


def test_echo_lesson_answers_after_broker_was_away(
    boot: Boot, examples: dict[str, str], mosquitto: Mosquitto, person: Person
) -> None:
    program = lesson(examples["An echo that comes back, on the BPI:bit"], mosquitto)
    running = boot("bpi-bit", settings(mosquitto), {"main.py": program})
    running.wait_line("ready")
    person.publish("class/question", "who is there?")
    assert person.receive("class/answer") == b"who is there?"
    mosquitto.stop()
    mosquitto.start()
    again = Person(mosquitto, "class/answer")
    # Retained: the board may subscribe again only after this.
    again.publish("class/question", "and now?", retain=True)
    assert again.receive("class/answer") == b"and now?"
    again.close()
