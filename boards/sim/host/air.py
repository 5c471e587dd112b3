"""Reads MQTT packets out of what the simulated radio captured (`capture` on the control channel)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PINGRESP = 0xD0


class Air:
    """Splits each captured connection into MQTT packets; feed it every event of the board."""

    def __init__(self) -> None:
        self._pending: dict[tuple[int, str], bytearray] = {}

    def packets(self, event: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
        """Yield (direction, packet) for each packet that this event completes."""
        if event["event"] == "power_on":  # connections are counted again from 0
            self._pending.clear()
        if event["event"] != "air":
            return
        key = event["connection"], event["direction"]
        data = self._pending.setdefault(key, bytearray())
        data += bytes.fromhex(event["data"])
        while (size := packet_size(data)) and len(data) >= size:
            yield event["direction"], bytes(data[:size])
            del data[:size]


def packet_size(data: bytes | bytearray) -> int:
    """Return the size of the packet that `data` begins with, 0 if its header is not whole yet."""
    remaining = 0
    for position in range(1, min(len(data), 5)):
        remaining |= (data[position] & 0x7F) << 7 * (position - 1)
        if data[position] < 0x80:
            return position + 1 + remaining
    return 0
