"""An update through the proxy that breaks any byte: by MQTT and by HTTP. FULL=1: at more places.

Whatever breaks, the board runs the new version whole or the old one, what is said of it is true, and
another call brings the new version.
"""

from __future__ import annotations

import asyncio
import http.server
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ci.boards import Board
from tests.classroom import Person
from tests.device.faults.updating_class import NEW, OLD, Class
from tests.long_form import FULL
from tests.mosquitto import Mosquitto
from tests.umqtt.faults.fault_proxy import TO_CLIENT, Fault, FaultProxy
from tests.web_server import serving

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

if FULL:
    _KINDS = ("split", "stall", "half-open", "reset", "close", "corrupt")
    _PLACES = (0, 20, 150, 2000, 4097, 30_000)
else:
    _KINDS, _PLACES = ("half-open", "reset", "corrupt"), (30_000,)
FAULTS = [Fault(kind, TO_CLIENT, place) for kind, place in itertools.product(_KINDS, _PLACES)]


class Proxy:
    """A FaultProxy in a thread of its own."""

    def __init__(self, port: int, mqtt: bool) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._proxy = self._run(FaultProxy.start(port, mqtt))
        self.port: int = self._proxy.port

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def break_next(self, fault: Fault) -> None:
        """Break the next connection, and end those that are open."""
        self._run(self._break(fault))

    async def _break(self, fault: Fault) -> None:
        self._proxy.forget()
        self._proxy.faults = [fault]

    def close(self) -> None:
        self._run(self._proxy.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


class RangeHandler(http.server.BaseHTTPRequestHandler):
    """Serves one image, from where it is asked."""

    image = b""

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        begin = int(wanted.removeprefix("bytes=").rstrip("-") or 0)
        body = self.image[begin:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def room(some_board: Board, mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Class]:
    with ExitStack() as stack:
        yield Class(some_board, mosquitto, tmp_path, stack)


# What may be said of an image of which a byte is not what it was.
_DAMAGED = ("damaged on the way", "not the one that was signed", "answers nonsense")
_BACK_WITHIN = 600  # s, for a board whose connection broke


def verdict(room: Class, *arguments: str) -> None:
    """Update the one board, and hold what is said of it against what it runs.

    A fault in the first bytes keeps the board from the broker or from hearing that it is asked.
    Then, and after a failure, the next calls must bring the new version, since one fault is all.
    """
    files = room.files()
    deadline = time.monotonic() + _BACK_WITHIN
    said, end = "", ""
    while end != "1 kept":
        assert time.monotonic() < deadline, said
        status, lines = room.call("--id", "board1", "--file", str(room.image()), *arguments)
        said, end = "\n".join(lines), lines[-1]
        assert (status == 0) == (end == "1 kept"), said
        if end in ("1 failed", "1 refused"):
            assert any(words in said for words in _DAMAGED), said
            assert room.versions() == [OLD], said
        elif end != "1 kept":
            assert end == "1 lost" or "is not there; switch it on" in end, said
    assert room.versions() == [NEW], said
    assert room.files() == files


def wait_back(person: Person) -> None:
    """Wait until a board has been lost and is there again; `make ota` asks none that is not."""
    for state in (b"offline", b"online"):
        while person.messages.get(timeout=600).payload != state:
            pass


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_fault_on_mqtt_has_its_end(room: Class, fault: Fault) -> None:
    proxy = Proxy(room.broker.port, mqtt=True)
    person = Person(room.broker, "+/+/status")
    try:
        room.start(1, port=proxy.port)
        proxy.break_next(fault)
        wait_back(person)
        verdict(room)
    finally:
        person.close()
        proxy.close()


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_fault_on_http_has_its_end(room: Class, fault: Fault) -> None:
    RangeHandler.image = room.image().read_bytes()
    with serving(RangeHandler) as port:
        proxy = Proxy(port, mqtt=False)
        try:
            room.start(1)
            proxy.break_next(fault)
            verdict(room, "--url", f"http://127.0.0.1:{proxy.port}/image")
        finally:
            proxy.close()
