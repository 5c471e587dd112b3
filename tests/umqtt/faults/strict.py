"""Reads a byte stream as MQTT 3.1.1 packets and refuses everything that the standard forbids;
TLS is only split into its records.

Written from the OASIS text alone: it shares no code with the client under test. Splitting a stream
into packets is `air.packet_size`, as for what the simulated radio captures.
"""

from __future__ import annotations

from air import packet_size

NAMES = {
    0x10: "CONNECT",
    0x20: "CONNACK",
    0x30: "PUBLISH",
    0x40: "PUBACK",
    0x50: "PUBREC",
    0x60: "PUBREL",
    0x70: "PUBCOMP",
    0x80: "SUBSCRIBE",
    0x90: "SUBACK",
    0xA0: "UNSUBSCRIBE",
    0xB0: "UNSUBACK",
    0xC0: "PINGREQ",
    0xD0: "PINGRESP",
    0xE0: "DISCONNECT",
}
_FROM_CLIENT = {0x10, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0xA0, 0xC0, 0xE0}
_FROM_BROKER = {0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xB0, 0xD0}
_FLAGS = {0x60: 2, 0x80: 2, 0xA0: 2}
_LENGTHS = {0x20: 2, 0x40: 2, 0x50: 2, 0x60: 2, 0x70: 2, 0xB0: 2, 0xC0: 0, 0xD0: 0, 0xE0: 0}


class Malformed(Exception):
    """A packet that MQTT does not allow, said in one sentence."""


def _demand(condition: object, packet: bytes, what: str) -> None:
    if not condition:
        raise Malformed(f"{what}: {packet[:60].hex(' ')}")


class _Fields:
    """Reads a packet's fields one after another."""

    def __init__(self, packet: bytes, start: int) -> None:
        self.packet = packet
        self.at = start

    def take(self, size: int) -> bytes:
        _demand(self.at + size <= len(self.packet), self.packet, "a field longer than its packet")
        self.at += size
        return self.packet[self.at - size : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def text(self) -> str:
        data = self.take(self.number(2))
        try:
            text = data.decode()  # [MQTT-1.5.3-1]
        except UnicodeDecodeError:
            raise Malformed(f"not UTF-8: {data.hex(' ')}") from None
        _demand("\0" not in text, self.packet, "U+0000 in a string")  # [MQTT-1.5.3-2]
        return text

    def identifier(self) -> int:
        value = self.number(2)
        _demand(value, self.packet, "packet identifier 0")  # [MQTT-2.3.1-1]
        return value

    def left(self) -> int:
        return len(self.packet) - self.at


class StrictStream:
    """One direction of one connection. `feed` raises Malformed, once; after that it only listens."""

    def __init__(self, from_client: bool) -> None:
        self._from_client = from_client
        self._greeted = False
        self._goodbye = False
        self.pending = b""
        self.completed: list[bytes] = []  # packets that the last `feed` completed
        self.latest = "nothing"  # name of the packet that the last byte belongs to
        self.starts: list[int] = []  # of all complete packets
        self.lost = False  # after a malformed packet nothing can be made of the rest
        self._parsed = 0

    @staticmethod
    def name(first: int) -> str:
        name = NAMES.get(first & 0xF0, f"0x{first:02x}")
        return f"{name} QoS {first >> 1 & 3}" if name == "PUBLISH" else name

    def feed(self, data: bytes) -> None:
        self.completed = []
        if self.lost or not data:
            return
        self.pending += data
        try:
            while (size := packet_size(self.pending)) and len(self.pending) >= size:
                packet, self.pending = self.pending[:size], self.pending[size:]
                self.latest = self.name(packet[0])
                self._check(packet)
                self.starts.append(self._parsed)
                self._parsed += size
                self.completed.append(packet)
            if self.pending:
                self.latest = self.name(self.pending[0])
                _demand(size or len(self.pending) < 5, self.pending, "a length of over 4 bytes")
        except Malformed:
            self.lost = True
            raise

    def _check(self, packet: bytes) -> None:
        kind = packet[0] & 0xF0
        allowed = _FROM_CLIENT if self._from_client else _FROM_BROKER
        _demand(kind in allowed, packet, "a packet type that this side may not send")
        first = 0x10 if self._from_client else 0x20
        _demand((kind == first) != self._greeted, packet, "not first, or twice")  # [MQTT-3.1.0-1]
        self._greeted = True
        _demand(not self._goodbye, packet, "a packet after DISCONNECT")  # [MQTT-3.14.4-2]
        self._goodbye = kind == 0xE0
        flags = packet[0] & 0x0F
        _demand(kind == 0x30 or flags == _FLAGS.get(kind, 0), packet, "flags")  # [MQTT-2.2.2-1]
        start = next(i for i in range(1, 5) if packet[i] < 0x80) + 1
        _demand(start == 2 or packet[start - 1], packet, "a length with a needless byte")
        length = len(packet) - start
        _demand(_LENGTHS.get(kind, length) == length, packet, f"Remaining Length {length}")
        fields = _Fields(packet, start)
        if kind == 0x10:
            self._check_connect(fields)
        elif kind == 0x20:
            flags, code = fields.number(1), fields.number(1)
            _demand(flags < 2 and code < 6 and not (flags and code), packet, "CONNACK")
        elif kind == 0x30:
            self._check_publish(fields, flags)
        elif kind in (0x80, 0xA0):
            fields.identifier()
            _demand(fields.left(), packet, "no topic filter")  # [MQTT-3.8.3-3]
            while fields.left():
                _demand(fields.text(), packet, "an empty topic filter")  # [MQTT-4.7.3-1]
                if kind == 0x80:
                    _demand(fields.number(1) < 3, packet, "requested QoS")  # [MQTT-3.8.3-4]
        elif length:
            fields.identifier()
            if kind == 0x90:
                _demand(fields.left(), packet, "no return code")
                codes = fields.take(fields.left())
                _demand(set(codes) <= {0, 1, 2, 0x80}, packet, "return code")  # [MQTT-3.9.3-2]

    @staticmethod
    def _check_connect(fields: _Fields) -> None:
        packet = fields.packet
        _demand(fields.take(7) == b"\x00\x04MQTT\x04", packet, "protocol name or level")
        flags = fields.number(1)
        fields.number(2)
        will, user, password = flags & 4, flags & 0x80, flags & 0x40
        _demand(not flags & 1, packet, "the reserved flag")  # [MQTT-3.1.2-3]
        _demand(flags & 0x18 != 0x18, packet, "a will with QoS 3")  # [MQTT-3.1.2-14]
        _demand(will or not flags & 0x38, packet, "will flags, no will")  # [MQTT-3.1.2-11]
        _demand(user or not password, packet, "a password, no user")  # [MQTT-3.1.2-22]
        client_id = fields.text()
        _demand(client_id or flags & 2, packet, "no client id, but a session")  # [MQTT-3.1.3-8]
        if will:
            _demand(fields.text(), packet, "an empty will topic")
            fields.take(fields.number(2))
        if user:
            fields.text()
        if password:
            fields.take(fields.number(2))
        _demand(not fields.left(), packet, "bytes after the last field")

    @staticmethod
    def _check_publish(fields: _Fields, flags: int) -> None:
        packet = fields.packet
        qos = flags >> 1 & 3
        _demand(qos < 3, packet, "QoS 3")  # [MQTT-3.3.1-4]
        _demand(qos or not flags & 8, packet, "DUP with QoS 0")  # [MQTT-3.3.1-2]
        topic = fields.text()
        _demand(topic and not set("+#") & set(topic), packet, "topic name")  # [MQTT-3.3.2-2]
        if qos:
            fields.identifier()


class TlsStream:
    """One direction of one TLS connection, with what the proxy needs of `StrictStream`."""

    _NAMES = {20: "TLS cipher change", 21: "TLS alert", 22: "TLS handshake", 23: "TLS data"}

    def __init__(self) -> None:
        self._pending = b""
        self._parsed = 0
        self.latest = "nothing"
        self.starts: list[int] = []

    def feed(self, data: bytes) -> None:
        self._pending += data
        while len(self._pending) >= 5:
            size = 5 + int.from_bytes(self._pending[3:5], "big")
            self.latest = self._name()
            if len(self._pending) < size:
                return
            self.starts.append(self._parsed)
            self._parsed += size
            self._pending = self._pending[size:]
        if self._pending:
            self.latest = self._name()

    def _name(self) -> str:
        return self._NAMES.get(self._pending[0], "TLS record of an unknown type")
