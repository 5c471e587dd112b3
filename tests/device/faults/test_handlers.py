"""100,000 messages that mean little: no crash, and no change without a valid command.

The lamp alone gets all of them; the whole board gets them from Mosquitto, in the short form fewer.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from simulated_board import SimulatedBoard
from tests.classroom import Person, settings
from tests.long_form import FULL
from tests.mosquitto import Mosquitto

SCRIPT = Path(__file__).parent / "scripts" / "obey.py"
COUNT = 100_000

GOOD = [
    b"on",
    b"OFF",
    b"toggle",
    b"Red",
    b"#ff8000",
    b"#f80",
    b"1, 2, 3",
    b"0%",
    b"40%",
    b'{"state": "ON", "color": {"r": 9, "g": 8, "b": 7}, "brightness": 255}',
    b'{"brightness": 51}',
    b'{"brightness": 0}',
    b'{"color": "white"}',
]
TOKENS = (
    '{ } [ ] : , " "state" "color" "r" "g" "b" "brightness" "on" "OFF" '
    "0 1 -1 255 256 1e3 0.5 true false null # % on off"
).split()


def make_payload(randomly: random.Random) -> bytes:
    """Return random bytes, a damaged command, words of the grammar in disorder, or odd JSON."""
    kind = randomly.randrange(5)
    if kind == 0:
        return randomly.randbytes(randomly.randrange(40))
    if kind == 1:
        data = bytearray(randomly.choice(GOOD))
        for _ in range(randomly.randrange(1, 4)):
            at = randomly.randrange(len(data) + 1)
            data[at : at + randomly.randrange(2)] = randomly.randbytes(randomly.randrange(3))
        return bytes(data)
    if kind == 2:
        data = bytearray(randomly.choice(GOOD))
        at = randomly.randrange(len(data))
        data[at : at + 1] = bytes([randomly.choice(b' ,:{}[]"0123456789#%+-_.eE')])
        return bytes(data)
    if kind == 3:
        return " ".join(randomly.choices(TOKENS, k=randomly.randrange(1, 12))).encode()
    return json.dumps(make_object(randomly, 0)).encode()


def make_object(randomly: random.Random, depth: int) -> object:
    leaf = (0, 1, 255, 256, -1, 10**30, 0.5, True, False, None, "on", "OFF", "", "é", "x" * 300)
    kind = randomly.randrange(3 if depth < 5 else 1)
    if kind == 0 and depth:
        return randomly.choice(leaf)
    keys = ("state", "color", "brightness", "r", "g", "b", "R", "x")
    if kind == 1:
        return [make_object(randomly, depth + 1) for _ in range(randomly.randrange(4))]
    return {
        randomly.choice(keys): make_object(randomly, depth + 1)
        for _ in range(randomly.randrange(5))
    }


class Lamp:
    """What docs/topics.md says of payloads, written once more, with CPython's json and re."""

    def __init__(self) -> None:
        self.on = False
        self.colour = (255, 255, 255)
        self.brightness = 255

    @property
    def percent(self) -> int:
        return max(1, round(self.brightness * 100 / 255))

    def _set(self, on: bool, colour: tuple[int, ...], brightness: int) -> bool:
        self.on = on and any(colour) and brightness > 0
        self.colour = colour if any(colour) else self.colour
        self.brightness = brightness or self.brightness
        return True

    @staticmethod
    def _named(text: str) -> tuple[int, ...] | None:
        named = {"red": (255, 0, 0), "white": (255, 255, 255)}  # those in make_payload
        if text in named:
            return named[text]
        for digits, factor in (2, 1), (1, 17):
            pattern = "#" + f"([0-9a-f]{{{digits}}})" * 3
            if match := re.fullmatch(pattern, text, re.ASCII):
                return tuple(int(part, 16) * factor for part in match.groups())
        return None

    def obey(self, payload: bytes) -> bool:
        if len(payload) > 1024:
            return False
        # MicroPython takes overlong UTF-8 for letters; which ones does not matter here.
        payload = re.sub(rb"[\xc0\xc1][\x80-\xbf]", b"?", payload)
        try:
            text = payload.decode().strip(" \t\n\r\v\f")
        except UnicodeDecodeError:
            return False
        text = re.sub("[A-Z]+", lambda match: match[0].lower(), text)
        number = r"\s*(\d+)\s*"
        if text in ("on", "off", "toggle"):
            self.on = text == "on" or (text == "toggle" and not self.on)
            return True
        if colour := self._named(text):
            return self._set(True, colour, self.brightness)
        if match := re.fullmatch(f"{number}%", text, re.ASCII):
            percent = int(match[1])
            return percent <= 100 and self._set(
                True, self.colour, round(percent * 255 / 100 + 1e-9)
            )
        if match := re.fullmatch(f"{number},{number},{number}", text, re.ASCII):
            colour = tuple(int(part) for part in match.groups())
            return max(colour) <= 255 and self._set(True, colour, self.brightness)
        return self._obey_json(text)

    def _obey_json(self, text: str) -> bool:
        try:
            wanted = json.loads(text)
        except (ValueError, RecursionError):
            return False
        if not isinstance(wanted, dict) or wanted.get("state", "on") not in ("on", "off"):
            return False
        colour: tuple[int, ...] | None = self.colour
        if "color" in wanted:
            given = wanted["color"]
            if isinstance(given, str):
                colour = self._named(given)
                if colour is None:
                    return False
            elif isinstance(given, dict) and {"r", "g", "b"} <= given.keys():
                colour = tuple(given[channel] for channel in "rgb")
            else:
                return False
        brightness = wanted.get("brightness", self.brightness)
        for value in (*colour, brightness):
            if type(value) is not int or not 0 <= value <= 255:
                return False
        return self._set(wanted.get("state", "on") == "on", colour, brightness)


def test_any_payload_is_survived(run_script: Callable[..., str], tmp_path: Path) -> None:
    randomly = random.Random(30)
    payloads = [make_payload(randomly) for _ in range(COUNT)]
    file = tmp_path / "payloads"
    file.write_text("\n".join(payload.hex() for payload in payloads) + "\n")
    said = run_script(SCRIPT, str(file)).splitlines()
    lamp = Lamp()
    writes = understood = 0
    wrong = []
    for payload, line in zip(payloads, said[:-1], strict=True):
        valid = lamp.obey(payload)
        understood += valid
        writes += valid
        wanted = [int(valid), int(lamp.on), *lamp.colour, lamp.percent, writes]
        got = [int(word) for word in line.split()]
        if got != wanted:
            wrong.append(f"{payload!r}: wanted {wanted}, got {got}")
            lamp.on, lamp.colour = bool(got[1]), tuple(got[2:5])
            lamp.brightness = round(got[5] * 255 / 100)
            writes = got[6]
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:30])
    assert COUNT // 100 < understood < COUNT // 2, understood


HANDLERS = """\
import device

@device.on("+/anything/#", 1)
def anything(topic, message):
    device.publish("mirror", topic + b"=" + message)

@device.on("pace")
def pace(topic, message):
    print("pace", message.decode())
"""
PACE = 200  # messages on their way at once


def random_topic(randomly: random.Random) -> str:
    """Return a topic name, of any letters and any depth, that HANDLERS has subscribed."""
    letters = "a/é$ ~\u4e2d\U0001f4a1"
    return "x/anything/" + "".join(randomly.choices(letters, k=randomly.randrange(30)))


@pytest.mark.parametrize("mode", ["lights", "echo"])
def test_whole_board(
    boot: Callable[..., SimulatedBoard], faults_broker: Mosquitto, mode: str
) -> None:
    """On every topic that it has subscribed: each command in its turn, nothing else does anything"""
    randomly = random.Random(31)
    lamp = Lamp()
    wanted = []
    person = Person(faults_broker)

    def keep_pace(text: str) -> None:
        seen = len(board.lines)
        person.publish("pace", text)
        board.wait_line(f"pace {text}", since=seen)

    try:
        config = {**settings(faults_broker), "mode": mode}
        board = boot(config=config, files={"handlers.py": HANDLERS})
        board.wait_line("mqtt: subscribed pace")
        for text in ("begins", "goes on"):  # between the two the status LED is switched off
            keep_pace(text)
        board.command("i2c")  # frames come by another way than lines; all are there after it
        frames = len(board.frames())
        for number in range(COUNT if FULL else 3000):
            payload = make_payload(randomly)
            if mode == "lights" and lamp.obey(payload):
                colour = "#%02x%02x%02x" % lamp.colour
                state = f"on {colour} {lamp.percent}%" if lamp.on else "off"
                wanted.append(f"lights: {state}")
            person.client.publish("light", payload)
            person.client.publish(random_topic(randomly), payload, number % 2)
            if number % PACE == 0:
                keep_pace(str(number))
        keep_pace("over")
    finally:
        person.close()
    assert not any(line.startswith(("Traceback", "mqtt: lost")) for line in board.lines)
    said = [line for line in board.lines if line.startswith(("lights: on", "lights: off"))]
    assert said == wanted
    expected = frames + len(wanted)
    board.wait("last frame", lambda: len(board.frames()) >= expected)
    assert len(board.frames()) == expected
    assert mode == "echo" or len(wanted) > 20
