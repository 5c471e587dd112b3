"""A client of Improv Wi-Fi on a board's serial line, after https://www.improv-wifi.com/serial/.

It reads as strictly as improv-wifi-serial-sdk does: a packet must begin a line, and one whose length
byte is 10 is lost.
"""

from __future__ import annotations

import os
import select
import time
import tty
from dataclasses import dataclass

PATIENCE = 60.0  # s; bounds a hang

HEADER = b"IMPROV\x01"
STATE, ERROR, REQUEST, RESULT = 1, 2, 3, 4
READY, PROVISIONING, PROVISIONED = 2, 3, 4
JOIN, TELL_STATE, TELL_BOARD, TELL_NETWORKS, HOST_NAME, DEVICE_NAME = range(1, 7)

_NAMES = {STATE: "state", ERROR: "error"}


def packet(kind: int, data: bytes) -> bytes:
    head = HEADER + bytes((kind, len(data))) + data
    return head + bytes((sum(head) & 0xFF,)) + b"\n"


def request(command: int, data: bytes = b"") -> bytes:
    return packet(REQUEST, bytes((command, len(data))) + data)


def login(ssid: str, password: str) -> bytes:
    texts = (ssid.encode(), password.encode())
    return request(JOIN, b"".join(bytes((len(text),)) + text for text in texts))


@dataclass
class Reader:
    """Finds packets in what the board says; `lines` is the text around them."""

    lines: bytes = b""
    _line: bytes = b""
    _length: int = 0
    _is_text: bool = False

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the packets that end in `data`, as (kind, data)."""
        found = []
        for value in data:
            byte = bytes((value,))
            if self._length:
                self._line += byte
                if len(self._line) == self._length:
                    assert sum(self._line[:-1]) & 0xFF == value, self._line
                    found.append((self._line[7], self._line[9:-1]))
                    self._line, self._length = b"", 0
                continue
            self.lines += byte
            if byte == b"\n":
                self._line, self._is_text = b"", False
            elif not self._is_text:
                self._line += byte
                if len(self._line) == 9:
                    self._is_text = not self._line.startswith(HEADER)
                    self._length = 0 if self._is_text else value + 10
                    if self._is_text:
                        self._line = b""
        return found


def parse_result(data: bytes) -> tuple[int, list[str]]:
    """Return the command, and the texts without an empty last one."""
    command, length = data[:2]
    assert length == len(data) - 2, data
    texts, at = [], 2
    while at < len(data):
        texts.append(data[at + 1 : at + 1 + data[at]].decode())
        at += 1 + data[at]
    assert at == len(data), data
    return command, texts


class ImprovClient:
    """Opens the port; what the board says goes through `receive`."""

    def __init__(self, port: str) -> None:
        self._file = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._file)
        self._reader = Reader()
        self._packets: list[tuple[int, bytes]] = []

    def close(self) -> None:
        os.close(self._file)

    def send(self, data: bytes, piece: int = 1000) -> None:
        for at in range(0, len(data), piece):
            os.write(self._file, data[at : at + piece])

    def receive(self) -> tuple[str, object]:
        """Return the next packet: ("state", n), ("error", n) or ("result", (command, texts))."""
        deadline = time.monotonic() + PATIENCE
        while not self._packets:
            left = deadline - time.monotonic()
            assert select.select([self._file], [], [], max(left, 0))[0], self._reader.lines
            self._packets += self._reader.feed(os.read(self._file, 4096))
        kind, data = self._packets.pop(0)
        if kind == RESULT:
            return "result", parse_result(data)
        assert len(data) == 1, data
        return _NAMES[kind], data[0]

    def ask(self, command: int, data: bytes = b"") -> list[str]:
        """Send a request, and return the texts of its result."""
        self.send(request(command, data))
        assert self.receive() == ("error", 0)
        kind, result = self.receive()
        assert kind == "result" and isinstance(result, tuple) and result[0] == command, result
        texts: list[str] = result[1]
        return texts

    def ask_state(self) -> int:
        self.send(request(TELL_STATE))
        assert self.receive() == ("error", 0)
        kind, state = self.receive()
        assert kind == "state" and isinstance(state, int)
        return state

    def ask_networks(self) -> list[list[str]]:
        networks = []
        texts = self.ask(TELL_NETWORKS)
        while texts:
            networks.append(texts)
            kind, result = self.receive()
            assert kind == "result" and isinstance(result, tuple)
            texts = result[1]
        return networks
