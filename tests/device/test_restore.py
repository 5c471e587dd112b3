"""After a power cut or a reset the lamp is as the broker remembers it, and nothing else obeys."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulated_board import SimulatedBoard
from tests.classroom import Person, settings, wait_subscribed
from tests.mosquitto import Mosquitto
from tests.umqtt.wire import broker as wire

Boot = Callable[..., SimulatedBoard]

RED = {
    "state": "ON",
    "color_mode": "rgb",
    "color": {"r": 255, "g": 0, "b": 0},
    "effect": None,
    "brightness": 51,
}
AS_BEFORE = "lights: on #ff0000 20%, as before the start"


@pytest.fixture
def watcher(mosquitto: Mosquitto) -> Iterator[Person]:
    """A person who follows the state topic."""
    client = Person(mosquitto, "light/state")
    yield client
    client.close()


def keep(person: Person, state: str | bytes = json.dumps(RED)) -> None:
    """Have the broker remember a state, as an earlier run of the board has left it."""
    person.publish("light/state", state, retain=True)
    person.receive("light/state")


def test_lamp_is_restored_after_power_cut(boot: Boot, watcher: Person) -> None:
    board = boot()
    wait_subscribed(board)
    watcher.publish("light", json.dumps(RED))
    board.wait_line("lights: on #ff0000 20%")
    while json.loads(watcher.receive("light/state")) != RED:  # OFF, if the command came late
        pass
    board.process.kill()
    board.process.wait()
    again = boot()
    again.wait_line(AS_BEFORE)
    again.wait_frame(lambda frame: all(red and not blue for red, _, blue in frame.colours))
    assert json.loads(watcher.receive("light/state")) == RED  # and never OFF in between


def test_lamp_is_restored_after_reset(boot: Boot, watcher: Person) -> None:
    keep(watcher)
    board = boot()
    board.wait_line(AS_BEFORE)
    watcher.publish("light", "off")
    while json.loads(watcher.receive("light/state"))["state"] != "OFF":
        pass
    seen = len(board.lines)
    board.command("reset")
    board.wait_line("lights: off, as before the start", since=seen)
    watcher.publish("light", "on")
    board.wait_line("lights: on #ff0000 20%", since=seen)


def test_retained_command_is_stronger_than_state(boot: Boot, watcher: Person) -> None:
    keep(watcher)
    watcher.publish("light", "#0000ff", retain=True)
    board = boot()
    board.wait_line("lights: on #0000ff")
    states = [json.loads(watcher.receive("light/state"))["color"]]
    if states[0] == RED["color"]:  # the state may come before the command
        states.append(json.loads(watcher.receive("light/state"))["color"])
    assert states[-1] == {"r": 0, "g": 0, "b": 255}


def test_state_topic_is_left_once_read(boot: Boot, mosquitto: Mosquitto, watcher: Person) -> None:
    keep(watcher)
    board = boot()
    board.wait_line(AS_BEFORE)
    watcher.receive("light/state")
    board.wait(
        "end of the subscription", lambda: "Received UNSUBSCRIBE" in mosquitto.log.read_text()
    )
    seen = len(board.lines)
    watcher.publish("light/state", json.dumps({**RED, "state": "OFF"}))
    watcher.publish("light", "stats")
    watcher.publish("light", "40%")
    board.wait_line("lights: on #ff0000 40%", since=seen)
    assert not [line for line in board.lines[seen:] if "off" in line]


@pytest.mark.parametrize("change", [{"restore": False}, {"topics": {"state": ""}}], ids=str)
def test_nothing_is_read_where_not_wanted(
    boot: Boot, mosquitto: Mosquitto, watcher: Person, change: dict[str, Any]
) -> None:
    keep(watcher)
    config = settings(mosquitto)
    config["topics"].update(change.pop("topics", {}))
    board = boot(config={**config, **change})
    wait_subscribed(board)
    watcher.publish("light", "on")
    assert board.wait_line("lights: ") == "lights: on #ffffff 100%"
    assert not any("subscribed light/state" in line for line in board.lines)


def test_nothing_is_read_where_nothing_is_retained(boot: Boot, mosquitto: Mosquitto) -> None:
    config = settings(mosquitto, platform="easyiot", user="me", password="canary-key")
    config["topics"] = {"command": "light", "state": "lights-state"}
    board = boot(config=config)
    wait_subscribed(board)
    assert not any("subscribed lights-state" in line for line in board.lines)


HANDLER = """\
import device

@device.on("light/state")
def follow(topic, message):
    print("seen", b"OFF" in message)
"""


def test_handler_of_state_topic_keeps_following(boot: Boot, watcher: Person) -> None:
    keep(watcher)
    board = boot(files={"handlers.py": HANDLER})
    board.wait_line(AS_BEFORE)
    watcher.publish("light", "off")
    board.wait_line("seen True")


# Byte for byte ------------------------------------------------------------------------------


class Broker(wire.ScriptedBroker):
    """One that answers what a board asks; the test says what it remembers."""

    LIMIT = 60
    host = "127.0.0.1"

    def until(self, wanted: Callable[[bytes], bool]) -> bytes:
        """Answer packets up to one that is wanted, and return it."""
        while True:
            packet = self.read_packet()
            self.answer(packet)
            if wanted(packet):
                return packet

    def answer(self, packet: bytes) -> None:
        kind = packet[0] & 0xF0
        if kind == 0x80:  # SUBSCRIBE
            self.send(wire.suback(int.from_bytes(packet[2:4], "big"), 1))
        elif kind == 0xA0:  # UNSUBSCRIBE
            self.send(wire.unsuback(int.from_bytes(packet[2:4], "big")))
        elif kind == 0x30 and packet[0] & 6:  # PUBLISH
            begin = 4 + int.from_bytes(packet[2:4], "big")
            if packet[1] & 0x80:
                begin = 5 + int.from_bytes(packet[3:5], "big")
            self.send(wire.puback(int.from_bytes(packet[begin : begin + 2], "big")))
        elif packet == wire.PINGREQ:
            self.send(wire.PINGRESP)

    def wait_subscribed(self, *messages: bytes) -> None:
        """Take both topics, among others, in whatever order; then send messages at once.

        The board waits three seconds for what is retained, counted from the answer.
        """
        answers = []
        while len(answers) < 2:
            packet = self.read_packet()
            if packet[0] == 0x82 and packet[6:-1] in (b"light", b"light/state"):
                answers.append(wire.suback(int.from_bytes(packet[2:4], "big"), 1))
            else:
                self.answer(packet)
        self.send(b"".join(answers + [*messages]))

    def next_state(self) -> dict[str, Any]:
        packet = self.until(lambda packet: packet[0] & 0xF0 == 0x30 and b"light/state" in packet)
        return json.loads(packet[packet.index(b'{"') :])


@pytest.fixture
def scripted() -> Iterator[Broker]:
    broker = Broker()
    yield broker
    broker.close()


def retained(state: bytes) -> bytes:
    return wire.publish("light/state", state, retain=True)


BAD = [
    b"",
    b"on",
    b"toggle",
    b"{",
    b"{}x",
    b"[]",
    b"\xff\xfe{}",
    b"{}",
    b'{"temperature": 20}',
    b'{"state": "BLINK"}',
    b'{"state": "ON", "brightness": -1}',
    b'{"state": "ON", "color": {"r": 1}}',
    b'{"a":' * 200 + b"1" + b"}" * 200,
    b'{"state": "ON"' + b" " * 3000 + b"}",
    b'{"state": "ON"' + b" " * 20000 + b"}",
]


@pytest.mark.parametrize("state", BAD, ids=lambda state: repr(state[:40]))
def test_state_not_understood_changes_nothing(boot: Boot, scripted: Broker, state: bytes) -> None:
    board = boot(config=settings(scripted))  # type: ignore[arg-type]
    scripted.greet()
    scripted.wait_subscribed(retained(state))
    assert scripted.next_state()["state"] == "OFF"
    scripted.until(lambda packet: packet[0] == 0xA2)
    scripted.send(wire.publish("light", b"#010203"))
    board.wait_line("lights: on #010203 100%")


def test_first_state_is_told_where_broker_has_none(boot: Boot, scripted: Broker) -> None:
    boot(config=settings(scripted))  # type: ignore[arg-type]
    scripted.greet()
    assert scripted.next_state()["state"] == "OFF"
    assert b"light/state" in scripted.until(lambda packet: packet[0] == 0xA2)


def test_state_is_awaited_where_answer_is_late(boot: Boot, scripted: Broker) -> None:
    """After a power cut all boards of a class come at once, and packets are lost."""
    boot(config=settings(scripted))  # type: ignore[arg-type]
    scripted.greet()
    answers = []
    while len(answers) < 2:
        packet = scripted.read_packet()
        if packet[0] == 0x82:
            answers.append(wire.suback(int.from_bytes(packet[2:4], "big"), 1))
        else:
            assert b"light/state" not in packet
    time.sleep(4)  # longer than a broker may take from there on
    scripted.send(b"".join(answers) + retained(json.dumps(RED).encode()))
    assert scripted.next_state() == RED


def test_board_gives_up_where_asking_ends_connection(boot: Boot, scripted: Broker) -> None:
    """Some brokers close the connection of a client that may not subscribe to a topic."""
    boot(config=settings(scripted))  # type: ignore[arg-type]
    for _ in range(3):
        scripted.greet()
        scripted.until(lambda packet: packet[0] == 0x82 and b"light/state" in packet)
        scripted.hang_up()
    scripted.greet()
    assert scripted.until(lambda packet: packet[0] == 0x82)[6:-1] == b"light"
    assert scripted.next_state()["state"] == "OFF"


@pytest.mark.parametrize("order", ["command first", "state first"])
def test_command_meanwhile_wins(boot: Boot, scripted: Broker, order: str) -> None:
    boot(config=settings(scripted))  # type: ignore[arg-type]
    scripted.greet()
    both = [wire.publish("light", b"OFF"), retained(json.dumps(RED).encode())]
    scripted.wait_subscribed(*(both if order == "command first" else reversed(both)))
    state = scripted.next_state()
    if order == "state first" and state["state"] == "ON":
        state = scripted.next_state()
    assert state["state"] == "OFF"


def test_state_is_asked_for_again_after_lost_connection(boot: Boot, scripted: Broker) -> None:
    board = boot(config=settings(scripted))  # type: ignore[arg-type]
    scripted.greet()
    scripted.wait_subscribed()
    scripted.hang_up()
    scripted.greet()
    scripted.wait_subscribed(retained(json.dumps(RED).encode()))
    board.wait_line(AS_BEFORE)
    assert scripted.next_state() == RED
    scripted.until(lambda packet: packet[0] == 0xA2)


def test_state_is_read_once_only(boot: Boot, scripted: Broker) -> None:
    """After a connection lost later it is the board that knows."""
    board = boot(config=settings(scripted))  # type: ignore[arg-type]
    scripted.greet()
    scripted.wait_subscribed(retained(json.dumps(RED).encode()))
    scripted.until(lambda packet: packet[0] == 0xA2)
    scripted.hang_up()
    scripted.greet()
    packet = scripted.until(lambda packet: packet[0] == 0x82)
    assert packet[6:-1] == b"light"
    assert scripted.next_state() == RED
    assert board.lines.count("mqtt: subscribed light/state qos=1") == 1
