"""What the tutorials' tests run: programs of our own, or the makers', ready for a test's broker.

Ours are in scripts/ and make the same calls in the same order as the makers'
(test_same_calls.py). Of a maker's program its reader would change the broker's address; nothing
else is changed here, except BPI:bit's capital letters (texts.undo_capitals).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from simulated_board import AccessPoint
from tests.mosquitto import Mosquitto
from tests.tutorials import texts

SCRIPTS = Path(__file__).parent / "scripts"

# Each test that takes one of the tutorials runs twice, and `make test` leaves the second out.
SOURCES = ["ours", pytest.param("makers", marks=pytest.mark.makers)]


def replace(program: str, values: dict[str, str]) -> str:
    """Replace each key of `values`, which must be in the program exactly once."""
    for old, new in values.items():
        assert program.count(old) == 1, f"{old!r} is in the program {program.count(old)} times"
        program = program.replace(old, new)
    return program


def ours(name: str, broker: Mosquitto) -> str:
    """Return our own program scripts/<name>.py for this broker."""
    program = (SCRIPTS / f"{name}.py").read_text()
    return replace(
        program, {'"broker.example"': f'"{broker.host}"', "PORT = 1883": f"PORT = {broker.port}"}
    )


@dataclass(frozen=True)
class MpythonTutorial:
    access_point: AccessPoint
    login: tuple[str, str]
    topic: str  # that the remote light obeys
    listening: str  # what the remote light prints when it has subscribed, before the host
    first_publish: tuple[str, bytes]  # topic and message of the first steps
    wildcards: tuple[str, str]  # a topic filter with `#`, one with `+`
    from_makers: bool

    def remote_light(self, broker: Mosquitto) -> str:
        if not self.from_makers:
            return ours("mpython_remote_light", broker)
        return replace(texts.mpython_remote_light(), self._address(broker))

    def first_steps(self, broker: Mosquitto, topic_filter: str) -> str:
        """Return the program that subscribes to `topic_filter`."""
        if not self.from_makers:
            program = ours("mpython_first_steps", broker)
            return replace(program, {'"class/filter"': repr(topic_filter)})
        values = self._address(broker) | {"c.subscribe(topic)": f"c.subscribe({topic_filter!r})"}
        return replace(texts.mpython_first_steps(), values)

    @staticmethod
    def _address(broker: Mosquitto) -> dict[str, str]:
        return {'"182.254.130.180"': f'"{broker.host}"', "SERVER,1883,": f"SERVER,{broker.port},"}


def mpython_tutorial(source: str) -> MpythonTutorial:
    if source == "ours":
        return MpythonTutorial(
            access_point=AccessPoint("classroom", "chalk and talk"),
            login=("pupil", "blackboard"),
            topic="class/lamp",
            listening="The lamp listens to",
            first_publish=("class/door", b"good morning"),
            wildcards=("/house/temperature/#", "/house/+/kitchen"),
            from_makers=False,
        )
    return MpythonTutorial(
        access_point=AccessPoint("ssid", "password"),
        login=("yourIotUserName", "yourIotPassword"),
        topic="yourTopic",
        listening="Connected to",
        first_publish=("Bkgk2zXb4", b"hello"),
        wildcards=texts.mpython_wildcards(),
        from_makers=True,
    )


@dataclass(frozen=True)
class BpiBitTutorial:
    client_id: str
    topic: str
    greeting: bytes  # what it publishes first
    idle: str  # what it prints while nothing comes
    from_makers: bool

    def echo(self, broker: Mosquitto) -> str:
        if not self.from_makers:
            return ours("bpi_bit_echo", broker)
        values = {
            '"mq.tongxinmao.com"': f'"{broker.host}"',
            "server_ip, 18830)": f"server_ip, {broker.port})",
        }
        return replace(texts.bpi_bit_echo(), values)

    def shown(self, message: bytes) -> str:
        """Return the line that the board prints for a message on the topic."""
        return f"({self.topic.encode()!r}, {message!r})"


def bpi_bit_tutorial(source: str) -> BpiBitTutorial:
    if source == "ours":
        return BpiBitTutorial(
            client_id="window-seat",
            topic="class/echo",
            greeting=b"good morning",
            idle="all is quiet",
            from_makers=False,
        )
    return BpiBitTutorial(
        client_id="umqtt_client",
        topic="foo_topic",
        greeting=b"hello",
        idle="other operator",
        from_makers=True,
    )
