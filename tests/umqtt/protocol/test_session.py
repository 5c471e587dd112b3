"""What bytes alone cannot say about the session."""

from __future__ import annotations

import pytest
from tests.umqtt.protocol.client import Client
from umqtt import protocol
from umqtt.protocol import Session


@pytest.mark.parametrize("missing", ["bytearray", "bytes"])
def test_packet_without_memory_is_oversize(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """[MQTT-4.8.0-2]: as a packet that is too large, instead of an end of the connection."""
    real = getattr(protocol, missing, None) or {"bytearray": bytearray, "bytes": bytes}[missing]

    def scarce(value: object) -> object:
        if (value if isinstance(value, int) else len(value)) > 200:
            raise MemoryError
        return real(value)

    client = Client()
    client.connected()
    monkeypatch.setattr(protocol, missing, scarce, raising=False)
    client.arrive(b"\x32\xac\x02\x00\x01t\x00\x07" + b"x" * 295 + b"\x30\x04\x00\x01tm")
    assert client.events == [("oversize",), ("message", b"t", b"m", 0, 0, 0)]
    assert client.leave() == b"\x40\x02\x00\x07"


def test_identifiers_of_kept_session_begin_anywhere() -> None:
    """[MQTT-4.3.3-2]: the server may still hold a publish of an earlier run under the first ones."""
    begins = set()
    for _ in range(20):
        session = Session()
        session.connect("c", clean_session=False)
        begins.add(session.pid)
    assert len(begins) > 10


def test_identifiers_of_clean_session_begin_with_one() -> None:
    session = Session()
    session.connect("c")
    assert session.pid == 0


@pytest.mark.parametrize("value", [bytearray(b"m"), memoryview(b"m")])
def test_message_is_copied(value: bytearray | memoryview) -> None:
    assert protocol.payload(value) == b"m" and isinstance(protocol.payload(value), bytes)


@pytest.mark.parametrize("value", [None, 1, 1.5, ["m"]])
def test_message_of_other_type_raises_typeerror(value: object) -> None:
    with pytest.raises(TypeError, match="a message must be str, bytes, bytearray or memoryview"):
        protocol.payload(value)


@pytest.mark.parametrize(
    "first, words",
    [
        (b"HTTP/1.1 400 Bad Request", "no MQTT broker: it is a web server"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "no MQTT broker: this port is for TLS"),
        (b"220 mail", "no MQTT broker: it sent 0x32"),
    ],
)
def test_stranger_is_described(first: bytes, words: str) -> None:
    session = Session()
    session.connect("c")
    session.space()[: len(first)] = first
    with pytest.raises(protocol.NotMQTTError, match=words):
        session.receive(len(first))


def test_publish_is_returned_until_acknowledged() -> None:
    client = Client()
    client.connected()
    session = client.session
    session.space()[:6] = b"\x30\x04\x00\x01tm"
    assert [session.receive(6), session.receive(), session.receive()] == [0x30] * 3
    session.acknowledge()
    assert session.receive() is None


def test_closed_connection_acknowledges_nothing() -> None:
    client = Client()
    client.connected()
    session = client.session
    session.space()[:8] = b"\x32\x06\x00\x01t\x00\x07m"
    assert session.receive(8) == 0x32
    session.close()
    session.acknowledge()
    assert session.out == []


def test_ticks_may_wrap() -> None:
    client = Client()
    client.connected(keepalive=10)
    client.tick((1 << 30) - 1000)
    client.tick(3999)
    assert client.leave() == b""
    client.tick(4000)
    assert client.leave() == b"\xc0\x00"
    client.tick(4001)
    client.tick(11500)
    assert client.events == []
    client.tick(11501)
    assert client.events == [("timeout",)]
