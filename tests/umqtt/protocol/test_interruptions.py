"""A Timer callback or another thread may publish in the middle of any call, and nothing breaks.

Each call of the session is interrupted at each of its lines and before each attribute is set; a
check of `is_connected` comes first, as in `umqtt.simple`.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from types import FrameType

import pytest
from tests.umqtt.protocol.client import Client
from umqtt import protocol
from umqtt.protocol import Session


def packets(data: bytes) -> list[bytes]:
    """Cut what has left into packets; fail unless they are whole."""
    found = []
    while data:
        size, shift, place = 0, 0, 1
        while True:
            size |= (data[place] & 127) << shift
            shift += 7
            place += 1
            if data[place - 1] < 128:
                break
        assert len(data) >= place + size
        found.append(data[: place + size])
        data = data[place + size :]
    return found


def sets_attribute(frame: FrameType) -> bool:
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] == "STORE_ATTR"


class Interruption:
    """Calls `act` at the n-th place of what the session runs."""

    def __init__(self, act: Callable[[], None], place: int) -> None:
        self.act = act
        self.left = place
        self.happened = False

    def __enter__(self) -> Interruption:
        # Python 3.12 traces instructions only if a frame asks for that before settrace().
        sys._getframe().f_trace_opcodes = True
        sys.settrace(self.trace)
        return self

    def __exit__(self, *exception: object) -> None:
        sys.settrace(None)

    def trace(self, frame: FrameType, event: str, argument: object):
        if frame.f_code.co_filename != protocol.__file__:
            return None
        frame.f_trace_opcodes = True
        if not self.happened and (event == "line" or event == "opcode" and sets_attribute(frame)):
            self.left -= 1
            if self.left < 0:
                self.happened = True
                sys.settrace(None)
                self.act()
        return self.trace


def connected() -> Client:
    """A client that has published with identifiers 1 to 3 and subscribed with 4."""
    client = Client()
    client.connected(keepalive=10)
    client.tick(0)
    client.publish("t", "one", qos=1)
    client.publish("t", "two", qos=2)
    client.publish("t", b"3" * 2000, qos=2)
    client.wanted("w", 1)
    client.subscribe("w", 1)
    client.leave()
    return client


def resuming() -> Client:
    client = connected()
    client.lost()
    client.connect(clean_session=False, keepalive=10)
    client.leave()
    return client


CALLS: dict[str, tuple[Callable[[], Client], Callable[[Client], None]]] = {
    "publish": (connected, lambda client: client.publish("o", "outer", qos=1)),
    "publish long": (connected, lambda client: client.publish("o", b"o" * 1500, qos=2)),
    "publish QoS 0": (connected, lambda client: client.publish("o", "outer")),
    "subscribe": (connected, lambda client: client.subscribe("outer")),
    "unsubscribe": (connected, lambda client: client.unsubscribe("outer")),
    "ping": (connected, lambda client: client.ping()),
    "tick": (connected, lambda client: client.tick(5000)),
    "PUBLISH": (connected, lambda client: client.arrive(b"\x34\x06\x00\x01t\x00\x07m")),
    "PUBACK": (connected, lambda client: client.arrive(b"\x40\x02\x00\x01")),
    "PUBREC": (connected, lambda client: client.arrive(b"\x50\x02\x00\x02")),
    "PUBREL": (connected, lambda client: client.arrive(b"\x62\x02\x00\x07")),
    "SUBACK": (connected, lambda client: client.arrive(b"\x90\x03\x00\x04\x01")),
    "session present": (resuming, lambda client: client.arrive(b"\x20\x02\x01\x00")),
    "session lost": (resuming, lambda client: client.arrive(b"\x20\x02\x00\x00")),
}
INTERRUPTIONS: dict[str, Callable[[Session], int | None]] = {
    "publish": lambda session: session.publish("i", "inner", qos=1),
    "publish long": lambda session: session.publish("i", b"i" * 1500, qos=2),
    "publish QoS 0": lambda session: session.publish("i", "inner") or None,
    "subscribe": lambda session: session.subscribe("inner"),
    "unsubscribe": lambda session: session.unsubscribe("inner"),
    "ping": lambda session: session.ping(),
}


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
@pytest.mark.parametrize("call", CALLS)
def test_interruption_anywhere_is_harmless(call: str, interruption: str) -> None:
    prepare, act = CALLS[call]
    place = 0
    while True:
        client = prepare()
        session = client.session
        identifiers: list[int | None] = []

        def interrupt() -> None:
            if session.is_connected:
                identifiers.append(INTERRUPTIONS[interruption](session))

        with Interruption(interrupt, place) as interrupted:
            act(client)
        if not interrupted.happened:
            assert place > 5
            return
        check(client, identifiers)
        place += 1


def check(client: Client, identifiers: list[int | None]) -> None:
    session = client.session
    left = packets(client.leave())
    used = [entry[0] for entry in session.in_flight] + list(session.requests)
    assert len(used) == len(set(used))
    for identifier in identifiers:
        if identifier is not None:  # it left once, and waits for its answer
            assert identifier in used
            assert sum(carries(packet, identifier) for packet in left) == 1
    for packet in left:
        assert left.count(packet) == 1 or packet == b"\xc0\x00"
    # Answers to all of it leave nothing behind.
    for _, awaits, _, _ in [list(entry) for entry in session.in_flight]:
        assert awaits in (protocol.PUBACK, protocol.PUBREC, protocol.PUBCOMP)
    for identifier, (_, qos) in list(session.requests.items()):
        kind = b"\xb0\x02" if qos is None else b"\x90\x03"
        client.arrive(kind + identifier.to_bytes(2, "big") + (b"" if qos is None else b"\x00"))
    for entry in list(session.in_flight):
        number = entry[0].to_bytes(2, "big")
        if entry[1] == protocol.PUBACK:
            client.arrive(b"\x40\x02" + number)
        else:
            client.arrive(b"\x50\x02" + number + b"\x70\x02" + number)
    assert client.is_open and not session.in_flight and not session.requests
    packets(client.leave())


def carries(packet: bytes, identifier: int) -> bool:
    """Whether this is a PUBLISH, SUBSCRIBE or UNSUBSCRIBE with that identifier."""
    body = packet[2:] if packet[1] < 128 else packet[3:]
    if packet[0] & 0xF0 == 0x30:
        if not packet[0] & 6:
            return False
        body = body[2 + int.from_bytes(body[:2], "big") :]
    elif packet[0] not in (0x82, 0xA2):
        return False
    return int.from_bytes(body[:2], "big") == identifier
