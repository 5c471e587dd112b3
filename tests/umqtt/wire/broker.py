"""A broker that follows a script, byte for byte, and the packets it sends.

Written from the MQTT 3.1.1 text alone: it shares no code with the client under test.
"""

import select
import socket
import time

from tests.mosquitto import free_port

CONNACK = b"\x20\x02\x00\x00"
RESUMED = b"\x20\x02\x01\x00"
PINGREQ = b"\xc0\x00"
PINGRESP = b"\xd0\x00"
DISCONNECT = b"\xe0\x00"


def length(number: int) -> bytes:
    encoded = bytearray()
    while True:
        number, low = divmod(number, 128)
        encoded.append(low | (0x80 if number else 0))
        if not number:
            return bytes(encoded)


def string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return len(data).to_bytes(2, "big") + data


def packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + length(len(body)) + body


def connect(
    client_id: str = "c",
    *,
    clean: bool = True,
    keepalive: int = 0,
    flags: int = 0,
    rest: bytes = b"",
) -> bytes:
    flags |= 2 if clean else 0
    variable = b"\x00\x04MQTT\x04" + bytes([flags]) + keepalive.to_bytes(2, "big")
    return packet(0x10, variable + string(client_id) + rest)


def publish(
    topic: str | bytes,
    payload: bytes,
    qos: int = 0,
    identifier: int = 0,
    *,
    dup: bool = False,
    retain: bool = False,
) -> bytes:
    body = string(topic) + (identifier.to_bytes(2, "big") if qos else b"") + payload
    return packet(0x30 | dup << 3 | qos << 1 | retain, body)


def acknowledgement(first: int, identifier: int) -> bytes:
    return bytes([first, 2]) + identifier.to_bytes(2, "big")


def puback(identifier: int) -> bytes:
    return acknowledgement(0x40, identifier)


def pubrec(identifier: int) -> bytes:
    return acknowledgement(0x50, identifier)


def pubrel(identifier: int) -> bytes:
    return acknowledgement(0x62, identifier)


def pubcomp(identifier: int) -> bytes:
    return acknowledgement(0x70, identifier)


def subscribe(identifier: int, topic_filter: str, qos: int = 0) -> bytes:
    return packet(0x82, identifier.to_bytes(2, "big") + string(topic_filter) + bytes([qos]))


def suback(identifier: int, code: int = 0) -> bytes:
    return packet(0x90, identifier.to_bytes(2, "big") + bytes([code]))


def unsubscribe(identifier: int, topic_filter: str) -> bytes:
    return packet(0xA2, identifier.to_bytes(2, "big") + string(topic_filter))


def unsuback(identifier: int) -> bytes:
    return acknowledgement(0xB0, identifier)


class ScriptedBroker:
    """Listens on a free loopback port; serves one connection at a time, as its script says."""

    LIMIT = 60  # s: how long anything may take before the script fails; it only ends a hang

    def __init__(self) -> None:
        # Where no connection out begins: after `listener.close()` nobody else is there.
        self.listener = socket.create_server(("127.0.0.1", free_port("127.0.0.1")))
        # A small window, so that a peer that does not read is soon noticed.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.listener.settimeout(self.LIMIT)
        self.port: int = self.listener.getsockname()[1]
        self.peer: socket.socket | None = None

    def close(self) -> None:
        self.listener.close()
        if self.peer:
            self.peer.close()

    def accept(self) -> None:
        """Take the next connection, and forget the one before."""
        if self.peer:
            self.peer.close()
        self.peer, _ = self.listener.accept()
        self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer.settimeout(self.LIMIT)

    def greet(self, answer: bytes = CONNACK) -> bytes:
        """Take a connection and its CONNECT, answer it, and return the CONNECT."""
        self.accept()
        connect_packet = self.read_packet()
        assert connect_packet[0] == 0x10, f"expected CONNECT, got {connect_packet.hex(' ')}"
        self.send(answer)
        return connect_packet

    def send(self, data: bytes) -> None:
        self.peer.sendall(data)

    def send_bytewise(self, data: bytes) -> None:
        for i in range(len(data)):
            self.peer.sendall(data[i : i + 1])
            time.sleep(0.001)

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.peer.recv(size - len(data))
            assert piece, f"the client closed after {data.hex(' ')}"
            data += piece
        return data

    def read_packet(self) -> bytes:
        data = self.read(2)
        while data[-1] & 0x80:
            data += self.read(1)
        size = sum((byte & 0x7F) << 7 * i for i, byte in enumerate(data[1:]))
        return data + self.read(size)

    def expect(self, *packets: bytes) -> None:
        """Read exactly these bytes."""
        for wanted in packets:
            got = self.read_packet()
            assert got == wanted, f"expected {wanted.hex(' ')}, got {got.hex(' ')}"

    def expect_close(self) -> None:
        """The client closes, and sends nothing before it does."""
        try:
            rest = self.peer.recv(100)
        except ConnectionResetError:
            return
        assert not rest, f"expected the end, got {rest.hex(' ')}"

    def expect_silence(self, seconds: float) -> None:
        readable, _, _ = select.select([self.peer], [], [], seconds)
        assert not readable, f"expected silence, got {self.peer.recv(100).hex(' ')}"

    def hang_up(self) -> None:
        self.peer.close()
        self.peer = None

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.hang_up()
