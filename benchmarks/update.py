"""What an update over the air costs the board that takes it: heap, the lamp's answers, messages.

The flash of the simulated board takes its time, for both cores of the chip stand still while a sector
is erased: 63 ms, which is usual, or 500 ms, which is the worst. The heap is measured for 32 bits.
UPDATES=100 in the environment: so many updates one after the other, in place of five.
"""

from __future__ import annotations

import http.server
import json
import os
import queue
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.device import HEAP, PROGRAM
from benchmarks.goals import Goal
from ci.board.broker import BrokerClient
from ci.board.rollout import Board, Rollout
from ci.boards import load_board
from ci.image.signing import signed_manifest
from flash_chip import make_chip
from simulated_board import DEFAULT_BOARD, SimulatedBoard
from tests.classroom import ACCESS_POINT, Person, settings, wait_subscribed
from tests.images.fake_build import make_application
from tests.mosquitto import Mosquitto
from tests.web_server import serving

_TOPIC = "board/1/update"
_UPDATES = int(os.environ.get("UPDATES") or 5)
_SIZE = 200_000  # bytes of an image: 49 blocks


def make_image(version: str) -> bytes:
    return make_application(load_board(DEFAULT_BOARD), version, _SIZE)


@dataclass
class Update:
    """One update, sent from here by a thread; `states` are the messages for Home Assistant."""

    broker: Mosquitto
    version: str
    source: str = "mqtt"  # or a URL
    states: list[str] = field(default_factory=list)
    percent: int = 0

    def __post_init__(self) -> None:
        image = make_image(self.version)
        signed = signed_manifest(image, None, "the image")
        self._client = BrokerClient(f"{self.broker.host}:{self.broker.port}", [f"{_TOPIC}/#"])
        board = Board(_TOPIC, "the board")
        self.rollout = Rollout(image, signed, [board], self._publish, self.source)
        self._is_cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _publish(self, topic: str, payload: str | bytes, qos: int) -> None:
        self._client.publish(topic, payload, qos)

    def __enter__(self) -> Update:
        self._client.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()
        self._client.__exit__()

    def _run(self) -> None:
        while not self.rollout.is_over:
            self.rollout.step(time.monotonic())
            try:
                message = self._client.messages.get(timeout=0.1)
            except queue.Empty:
                continue
            finally:
                if self._is_cancelled.is_set():
                    self.rollout.cancel()
            if not message.retain:
                self.rollout.hear(message.topic, message.payload, time.monotonic())
                if message.topic.endswith("/state"):
                    self.states.append(message.payload.decode())

    @property
    def is_loading(self) -> bool:
        update = self.rollout.updates[0]
        return update.state == "loading" and 10 <= (update.percent or 0) < 90

    def wait(self) -> str:
        """Wait for the end, and return the state."""
        self._thread.join()
        return self.rollout.updates[0].state

    def cancel(self) -> None:
        self._is_cancelled.set()
        self._thread.join()


@contextmanager
def running(
    broker: Mosquitto, folder: Path, erase_ms: int, executable: Path | None = None
) -> Iterator[SimulatedBoard]:
    """A board with a used second slot, subscribed."""
    board = load_board(DEFAULT_BOARD)
    values = settings(broker)
    values["topics"]["update"] = _TOPIC
    values["update"] = {"allow": "any"}
    flash = folder / "flash"
    flash.mkdir(exist_ok=True)
    (flash / "config.json").write_text(json.dumps(values))
    chip = make_chip(board, folder / "chip.bin", make_application(board, "1.0.0", _SIZE))
    chip.install(make_application(board, "0.9.0", _SIZE), slot=1)
    environment = {"SIM_ERASE_MS": str(erase_ms)}
    with SimulatedBoard(
        flash=flash,
        flash_chip=chip.path,
        access_points=(ACCESS_POINT,),
        environment=environment | ({"SIM_HEAP": HEAP} if executable else {}),
        executable=executable,
    ) as simulated:
        wait_subscribed(simulated, timeout=300)
        yield simulated


def wait_until_loading(update: Update) -> None:
    deadline = time.monotonic() + 600
    while not update.is_loading:
        assert time.monotonic() < deadline, update.rollout.updates
        time.sleep(0.01)


def lamp_times(broker: Mosquitto, folder: Path, erase_ms: int) -> list[float]:
    """Return the ms from each command to the LEDs' new colour, sorted, while an image comes."""
    person = Person(broker)
    times = []
    try:
        with running(broker, folder, erase_ms) as board, Update(broker, "1.1.0") as update:
            wait_until_loading(update)
            while update.is_loading:
                colour = len(times) % 2
                since = len(board.frames())
                sent = time.monotonic()
                person.publish("light", ("red", "blue")[colour])
                # The first LED shows the progress.
                board.wait_frame(lambda frame: frame.colours[-1][2 * colour], since=since)
                times.append(1000 * (time.monotonic() - sent))
    finally:
        person.close()
    return sorted(times)


class SlowServer(http.server.BaseHTTPRequestHandler):
    """Serves the image of the version in the path, in pieces: it takes five seconds."""

    def do_GET(self) -> None:
        image = make_image(self.path.removeprefix("/"))
        self.send_response(200)
        self.send_header("Content-Length", str(len(image)))
        self.end_headers()
        try:
            for start in range(0, len(image), _SIZE // 100):
                self.wfile.write(image[start : start + _SIZE // 100])
                time.sleep(0.05)
        except ConnectionError:
            pass  # the update was cancelled

    def log_message(self, *_: object) -> None:
        pass


def heap(broker: Mosquitto, folder: Path, server: str = "") -> tuple[float, float]:
    """Return the KB of heap that an update takes while it loads, and that all after the first keep.

    They are cancelled half-way: a restart would clear the heap.
    """
    person = Person(broker, "light/status/stats")

    def used() -> int:
        figures = []
        for _ in range(3):
            person.publish("light", "stats")
            figures.append(json.loads(person.receive("light/status/stats"))["heap_used"])
        return min(figures)

    try:
        with running(broker, folder, 63, PROGRAM) as board:
            idle = used()
            loading, kept = [], []
            for number in range(1, _UPDATES + 1):
                since = len(board.lines)
                version = f"1.{number}.0"  # other content, which must be written
                source = f"{server}{version}" if server else "mqtt"
                with Update(broker, version, source) as update:
                    wait_until_loading(update)
                    loading.append(used())
                board.wait_line("update: stopped at", since=since, timeout=60)
                kept.append(used())
            return (max(loading) - idle) / 1024, (max(kept[1:]) - kept[0]) / 1024
    finally:
        person.close()


def undisturbed(broker: Mosquitto, folder: Path) -> tuple[int, int]:
    """Update again and again; return the connections lost, and the most states of one update."""
    most = 0
    with running(broker, folder, 0) as board:
        for number in range(1, _UPDATES + 1):
            with Update(broker, f"1.{number}.0") as update:
                assert update.wait() == "kept", update.rollout.updates
                most = max(most, len(update.states))
        lost = sum(line.startswith("mqtt: lost") for line in board.lines)
    return lost, most


def main() -> list[Goal]:
    """Measure; needs the simulators for 64 and 32 bits."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Mosquitto(folder) as broker:
            usual, worst = (lamp_times(broker, folder, erase_ms) for erase_ms in (63, 500))
            loading, kept = heap(broker, folder)
            with serving(SlowServer) as port:
                fetching, kept_by_url = heap(broker, folder, f"http://127.0.0.1:{port}/")
            lost, states = undisturbed(broker, folder)
    return [
        Goal("update: lamp's answer while loading, p95", _p95(usual), 300, "ms"),
        Goal("update: lamp's answer, erases of 500 ms, p95", _p95(worst), 700, "ms"),
        Goal("update: heap over idle while loading, 32 bits", loading, 12, "KB"),
        Goal("update: the same from a URL, 32 bits", fetching, 16, "KB"),
        Goal(
            f"update: heap kept by {_UPDATES - 1} more, 32 bits", max(kept, kept_by_url), 0, "KB"
        ),
        Goal(f"update: connections lost in {_UPDATES} updates", lost, 0),
        Goal("update: states for Home Assistant, most of one update", states, 25),
    ]


def _p95(times: list[float]) -> float:
    return times[int(0.95 * len(times))]
