"""air: MQTT packets out of captured bytes, however they are cut."""

from __future__ import annotations

import pytest

from air import Air

PINGRESP = bytes([0xD0, 0])
LONG = bytes([0x30, 0x80, 0x01]) + bytes(128)
STREAM = PINGRESP + LONG + PINGRESP


def event(data: bytes, connection: int = 1, direction: str = "in") -> dict[str, object]:
    return {"event": "air", "connection": connection, "direction": direction, "data": data.hex()}


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_packets_are_found_wherever_stream_is_cut(cut: int) -> None:
    air = Air()
    found = [*air.packets(event(STREAM[:cut])), *air.packets(event(STREAM[cut:]))]
    assert found == [("in", PINGRESP), ("in", LONG), ("in", PINGRESP)]


def test_connections_and_directions_are_kept_apart() -> None:
    air = Air()
    assert not list(air.packets(event(b"\xd0", 1)))
    assert not list(air.packets(event(b"\xd0", 2)))
    assert not list(air.packets(event(b"\xc0", 1, "out")))
    assert list(air.packets(event(b"\x00", 1))) == [("in", PINGRESP)]
    assert list(air.packets(event(b"\x00", 1, "out"))) == [("out", b"\xc0\x00")]
    assert not list(air.packets({"event": "frame"}))
