"""`make ota` and a class of simulated boards at a real Mosquitto.

Three boards with a small image; by `make test-class` thirty. FULL=1 (`make faults`): three with an image
of a real size, and a flash as slow as the chip's.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from ci.boards import ROOT, Board
from simulated_board import SimulatedBoard
from tests.classroom import ACCESS_POINT, Person
from tests.device.faults.updating_class import NEW, OLD, SIZE, Class
from tests.mosquitto import Mosquitto
from tests.web_server import serving

pytestmark = pytest.mark.simulator

COUNT = int(os.environ.get("BOARDS") or 3)
BOUND = 8 * 60  # s for thirty boards (docs/update.md)


@pytest.fixture
def room(some_board: Board, mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Class]:
    with ExitStack() as stack:
        yield Class(some_board, mosquitto, tmp_path, stack)


class Watch(Person):
    """Sees every result, and counts how many boards load at a time."""

    def __init__(self, broker: Mosquitto) -> None:
        self.states: dict[str, str] = {}
        self.most_at_once = 0
        self.before_first_kept = 0
        super().__init__(broker)
        self.client.on_message = self._see
        self.client.subscribe("+/+/update/result", 1)

    def _see(self, client: object, data: object, message: object) -> None:
        state = json.loads(message.payload)["state"]
        self.states[message.topic] = state
        busy = [s for s in self.states.values() if s not in ("idle", "kept", "refused")]
        self.most_at_once = max(self.most_at_once, len(busy))
        if "kept" not in self.states.values():
            self.before_first_kept = max(self.before_first_kept, len(busy))


def test_class_is_updated_and_files_stay(room: Class, report: Callable[[str, str], None]) -> None:
    image = room.image()
    room.start(COUNT)
    files = room.files()
    watch = Watch(room.broker)
    begin = time.monotonic()
    status, lines = room.call("--all", "--file", str(image))
    seconds = time.monotonic() - begin
    assert status == 0, "\n".join(lines)
    assert lines[-1] == f"{COUNT} kept"
    assert room.versions() == [NEW] * COUNT
    assert watch.before_first_kept == 1 and watch.most_at_once <= 4
    assert COUNT < 30 or seconds < BOUND
    report("class", f"{COUNT} boards with {SIZE} bytes each: {seconds:.0f} s")
    for board in room.boards:
        board.command("reset")
    for board in room.boards:
        board.wait(
            "start from the reset",
            lambda: [line for line in board.lines if line.startswith("boot: ")][2:],
            timeout=600,
        )
    assert room.versions() == [NEW] * COUNT
    assert room.files() == files
    watch.close()


def test_bad_image_stops_at_first_board(room: Class) -> None:
    image = room.image(bad="badconfig")
    room.start(2)
    files = room.files()
    status, lines = room.call("--all", "--file", str(image))
    assert status == 1
    assert lines[-1] == "1 fell back, 1 not begun", "\n".join(lines)
    assert room.versions() == [OLD] * 2
    assert room.files() == files


def test_power_cut_while_loading_is_told(room: Class) -> None:
    image = room.image()
    room.start(1, SIM_CUT="9")
    files = room.files()
    process = subprocess.Popen(
        room.command("--id", "board1", "--file", str(image)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    board = room.boards[0]
    board.process.wait(600)
    with SimulatedBoard(
        room.kind.name,
        flash=board.flash,
        flash_chip=board.flash_chip,
        access_points=(ACCESS_POINT,),
        environment={"SIM_ID": "1"},
    ) as again:
        output = process.communicate(timeout=600)[0]
        assert process.returncode == 1
        assert "it was restarted before the image was whole; ask again" in output
        assert room.files() == files
        room.boards = [again]
        status, lines = room.call("--id", "board1", "--file", str(image))
        assert (status, lines[-1]) == (0, "1 kept")
        assert room.versions() == [NEW]
        assert room.files() == files


def test_ctrl_c_stops_those_that_load(room: Class) -> None:
    image = room.image()
    room.start(1, SIM_ERASE_MS="2000")
    process = subprocess.Popen(
        room.command("--all", "--file", str(image)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        # Where the tests run in the background, a shell has Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    board = room.boards[0]
    board.wait_line(" %", timeout=600)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=600)[0]
    assert process.returncode == 1 and "cancelled: stopped by Ctrl-C" in output
    board.wait_line("update: stopped at ", timeout=600)
    assert room.versions() == [OLD]


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_url_is_loaded_and_mqtt_goes_on_without_it(room: Class) -> None:
    image = room.image()
    room.start(2)
    handler = partial(QuietHandler, directory=str(room.folder))
    with serving(handler) as port:
        url = f"http://127.0.0.1:{port}/{image.name}"
        status, lines = room.call("--id", "board1", "--file", str(image), "--url", url)
    assert (status, lines[-1]) == (0, "1 kept"), "\n".join(lines)
    room.boards[0].wait_line(f"update: {NEW} from 127.0.0.1")
    status, lines = room.call("--id", "board2", "--file", str(image), "--url", url)
    assert (status, lines[-1]) == (0, "1 kept"), "\n".join(lines)
    assert any("it goes on by MQTT" in line for line in lines)
    assert any(re.search("firewall", line) for line in room.boards[1].lines)
