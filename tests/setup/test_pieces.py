"""While the board checks what a phone has sent, piece by piece, others are served, and anything may happen."""

from __future__ import annotations

import json
import socket
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.setup.phone import Phone, pack_post, receive
from tests.setup.test_states import run_set_up

pytestmark = pytest.mark.simulator

# Stops each check in the middle until /go is asked for; /checking says whether there is one, and whether the
# rules are loaded.
GATE = """
import sys
whole_parse, whole_route, whole_close = program.form.parse, program.Setup._route, program.Setup.close
is_open = [False]
def parse(body, *known):
    work = whole_parse(body, *known)
    is_open[0] = False
    try:
        for _ in range(20):
            next(work)
            yield
        while not is_open[0]:
            yield
        return (yield from work)
    finally:
        work.close()
def tell(self):
    return [self._is_checking, "device.rules" in sys.modules]
def route(self, request):
    if request.path == b"/go":
        is_open[0] = True
    if request.path in (b"/go", b"/checking"):
        return program._json(200, tell(self))
    return (yield from whole_route(self, request))
def close(self):
    whole_close(self)
    print("left:", tell(self))
program.form.parse, program.Setup._route, program.Setup.close = parse, route, close
"""


def whole(**options: Any) -> bytes:
    """Return a POST of the largest body, with a configuration that is good but for `options`."""
    networks = [
        {"ssid": f"room {i}", "password": "x" * 63, "hostname": "h" * 32} for i in range(8)
    ]
    mqtt = {"server": ["x" * 250] * 8, "user": "u" * 250, "password": ""}
    body = b""
    for _ in range(2):
        config = {"wifi": networks, "mqtt": mqtt, **options}
        body = json.dumps({"config": config, "try": False}, separators=(",", ":")).encode()
        mqtt["password"] = "p" * (4096 - len(body))
    assert len(body) == 4096
    return pack_post("/setup.json", body)


def wait_checking(phone: Phone, expected: bool) -> None:
    phone.board.wait(
        f"check, {expected}", lambda: phone.get("/checking").json == [expected, expected]
    )


def test_others_are_served_while_body_is_checked(tmp_path: Path) -> None:
    with run_set_up(tmp_path, GATE) as board:
        phone = Phone(board)
        phone.join()
        with phone.connect() as gone:
            gone.sendall(whole(restore=9))
            wait_checking(phone, True)
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert phone.get("/go").json == [True, True]
        wait_checking(phone, False)

        with phone.connect() as first:
            first.sendall(whole(restore=9))
            first.shutdown(socket.SHUT_WR)  # that is no reason to leave its answer undone
            wait_checking(phone, True)
            assert phone.get("/").headers["content-encoding"] == "gzip"
            assert not phone.send(b"HEAD /state.json HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n").body
            assert phone.get("/state.json").json["state"] == "open"
            second = phone.propose({"wifi": {"ssid": "a"}, "mqtt": {"server": "b"}})
            assert second.status == 409 and second.json["state"] == "open"
            assert phone.send(whole()[:1000]).status == 503  # there is no room for it
            assert phone.get("/go").json == [True, True]
            answer = receive(first)
        (problem,) = answer.json["problems"]
        assert answer.status == 422 and problem.startswith("restore: found 9")
        assert phone.get("/checking").json == [False, False]

        with phone.connect() as last:
            last.sendall(whole())
            wait_checking(phone, True)
            phone.get("/go")
            assert receive(last).status == 200
        assert "larger than 4096 bytes" in phone.wait_state("failed")["reason"]


def test_ctrl_c_while_body_is_checked_reaches_prompt(tmp_path: Path) -> None:
    with run_set_up(tmp_path, GATE) as board:
        phone = Phone(board)
        phone.join()
        with phone.connect() as connection:
            connection.sendall(whole())
            wait_checking(phone, True)
            board.interrupt()
            board.wait_line("left: [False, False]", 60)
            board.wait_line("prompt", 60)
