"""A phone in front of a board in set-up: it reads what the board says, joins its network, asks the page."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from typing import Any

from simulated_board import SimulatedBoard

ADDRESS = "4.3.2.1"
PATIENCE = 60.0  # s; bounds a hang

# What browsers send as Accept-Language.
ENGLISH = "en-GB,en;q=0.9,zh;q=0.8"
CHINESE = "zh-CN,zh;q=0.9,en;q=0.8"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def receive(connection: socket.socket) -> Answer:
    """Receive an answer of the length that it says; AssertionError if it is none.

    The end of the connection alone is not waited for: the board leaves it to the client, for a second.
    """
    data = b""
    while not _is_whole(data) and (piece := connection.recv(65536)):
        data += piece
    head, separator, body = data.partition(b"\r\n\r\n")
    assert separator, data
    first, *lines = head.decode().split("\r\n")
    assert first.startswith("HTTP/1.1 "), first
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    assert len(body) in (0, int(headers.get("content-length", 0))), data  # none for HEAD
    return Answer(int(first.split()[1]), headers, body)


def pack_post(
    path: str,
    body: bytes,
    host: str = ADDRESS,
    kind: str = "application/json",
    language: str = ENGLISH,
) -> bytes:
    """Return a request that sends a body, as the page does."""
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n"
    head += f"Accept-Language: {language}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _is_whole(data: bytes) -> bool:
    head, separator, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return bool(separator) and len(body) >= (int(length[1]) if length else 0)


class Phone:
    """`join` first; the board is one that has no usable configuration, or whose button B was held.

    language: what its browser sends as Accept-Language
    """

    def __init__(self, board: SimulatedBoard) -> None:
        self.board = board
        self.language = ENGLISH
        self.name = self.key = ""

    def read_line(self, since: int = 0) -> None:
        """Read the network's name and key from the serial line."""
        line = self.board.wait_line("setup: join the network", PATIENCE, since)
        match = re.fullmatch(
            r'setup: join the network "(.+)", key (\d{5}) (\d{5}), then http://4\.3\.2\.1', line
        )
        assert match, line
        self.name, self.key = match[1], match[2] + match[3]

    def join(self, since: int = 0, follows: bool = True) -> None:
        self.read_line(since)
        self.board.command("phone", joined=True, key=self.key, follows=follows)

    def leave(self) -> None:
        self.board.command("phone", joined=False)

    def port(self, number: int) -> int:
        """Return where on the host the board's port is."""

        def find() -> int | None:
            found = [e for e in self.board.events if e["event"] in ("listening", "power_on")]
            ports = [
                e["at"] for e in found[self._last_power_on(found) :] if e.get("port") == number
            ]
            return ports[-1] if ports else None

        return self.board.wait(f"server on port {number}", find, PATIENCE)

    @staticmethod
    def _last_power_on(events: list[dict[str, Any]]) -> int:
        return max(i for i, event in enumerate(events) if event["event"] == "power_on")

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        address = ("127.0.0.1", self.port(80))
        return socket.create_connection(address, PATIENCE, source_address=(source, 0))

    def send(self, data: bytes) -> Answer:
        """Send a whole request, byte for byte, and return the answer."""
        with self.connect() as connection:
            connection.sendall(data)
            return receive(connection)

    def get(self, path: str, host: str = ADDRESS, **headers: str) -> Answer:
        headers.setdefault("Accept_Language", self.language)
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return self.send("\r\n".join([*lines, "", ""]).encode())

    def post(
        self, path: str, value: Any, host: str = ADDRESS, kind: str = "application/json"
    ) -> Answer:
        body = (
            value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        )
        return self.send(pack_post(path, body, host, kind, self.language))

    def propose(self, config: Any, tried: bool = True) -> Answer:
        return self.post("/setup.json", {"config": config, "try": tried})

    def wait_state(self, state: str) -> dict[str, Any]:
        """Ask as the page does until the board is in `state`."""

        def ask() -> dict[str, Any] | None:
            answer = self.get("/state.json").json
            return answer if answer["state"] == state else None

        return self.board.wait(f"state {state}", ask, PATIENCE)
