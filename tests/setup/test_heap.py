"""The heap of a board that is asked over and over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.setup.phone import Phone
from tests.setup.test_states import run_set_up

pytestmark = pytest.mark.simulator

REQUESTS = 1000
CONFIG = {"wifi": {"ssid": ""}, "mqtt": {"server": "x" * 200}}  # to be refused

# Tells the heap's use under a path of its own.
TELLING = """
import gc
whole = program.Setup._route
def route(self, request):
    if request.path == b"/heap":
        gc.collect()
        return program._json(200, gc.mem_alloc())
    return (yield from whole(self, request))
program.Setup._route = route
"""


def test_heap_is_flat_after_thousand_requests(tmp_path: Path) -> None:
    with run_set_up(tmp_path, TELLING) as board:
        phone = Phone(board)
        phone.join()
        body = json.dumps({"config": CONFIG}).encode()
        requests = [
            b"GET / HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n",
            b"GET /generate_204 HTTP/1.1\r\nHost: www.gstatic.com\r\n\r\n",
            b"GET /state.json HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n",
            b"nonsense\r\n\r\n",
            b"POST /setup.json HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
        ]
        for request in requests:  # what is made once
            phone.send(request)
        before = phone.get("/heap").json
        statuses = {phone.send(requests[n % 4]).status for n in range(REQUESTS - 50)}
        statuses |= {phone.send(requests[4]).status for _ in range(50)}
        assert statuses == {200, 302, 400, 422}
        assert phone.get("/heap").json - before < 512  # bytes
