"""One board, one broker, and random faults between them for hours: is a promise broken, does anything grow?

    python -m tests.device.faults.soak --hours 8 --seed 1 --plot build/faults/soak.png

The seed decides which faults come, where and when; the same one gives the same again. Ends with a
table, and with status 1 if a message was lost or damaged, a QoS 2 message came twice, the board
sent a malformed packet, or latency, heap, sockets or files have grown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import queue
import random
import signal
import string
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

from ci.board.broker import leave
from simulated_board import AccessPoint, BoardError, SimulatedBoard
from tests.mosquitto import Mosquitto
from tests.umqtt.faults.fault_proxy import (
    ALWAYS,
    BY_OFFSET,
    BY_PACKET,
    TO_BROKER,
    TO_CLIENT,
    Connection,
    Fault,
    FaultProxy,
)

SHORT = 300.0  # s of soak where nobody asks for hours, and in CI
PACE = 0.4  # s between two messages of each QoS
SAMPLE = 2.0  # s between two looks at the board
FAULT = 3.0  # s between two faults of the world, on average
CALM = 45.0  # s for everything to arrive once the faults are over
WARM = 0.2  # the part of the time after which the heap must not grow any more
HEAP_GROWTH = 3072  # bytes: less than a message and its bookkeeping, of 64-bit objects
LATENCY_GROWTH = 3.0  # s, of the fastest: outages come and go, a queue would stay
BROKEN = [kind for kind in (*BY_OFFSET, *BY_PACKET, *ALWAYS) if kind != "corrupt"]

# Short times, so that an hour holds many faults; the board prints what it got, byte for byte.
HANDLERS = """\
import device

client = device._running.link.client
client.DELAY = 0.2
client.MAX_DELAY = 2
client.TIMEOUT = 3

@device.on("work/1", 1)
def work_1(topic, message):
    print("got", 1, message)
    device.publish("done/1", message, qos=1)

@device.on("work/2", 2)
def work_2(topic, message):
    print("got", 2, message)
    device.publish("done/2", message, qos=2)
"""


def payload_of(number: int) -> bytes:
    """Return a payload that tells by itself whether a byte of it has changed."""
    return b"%d %08x" % (number, zlib.crc32(b"%d" % number))


def number_in(payload: bytes) -> int | None:
    """Return the number that `payload_of` made a payload of; None if it made no such payload."""
    digits = payload.partition(b" ")[0]
    return int(digits) if digits.isdigit() and payload == payload_of(int(digits)) else None


class Audit:
    """What passed the proxy, and whether the broker keeps to [MQTT-4.3.3-1].

    No PUBLISH of a message may come after its PUBREL.

    Mosquitto 2.0.11 sends one again if the client connected twice, and the first of the two
    connections was gone before the broker could write to it. No client can tell that one from a
    new message with the same content; payloads here are all different.
    """

    def __init__(self) -> None:
        self._payloads: dict[bytes, bytes] = {}  # of packet identifiers
        self._released: set[bytes] = set()
        self.again: Counter[int] = Counter()  # message number -> PUBLISHes after its PUBREL
        self._last: deque[str] = deque(maxlen=20)  # of the broker's packets, each cut off
        self._lock = threading.Lock()  # the proxy's thread writes, another one asks

    def evidence(self) -> list[str]:
        """Return what the broker sent last, with the connections and their faults."""
        with self._lock:
            return list(self._last)

    def on_packet(self, connection: Connection, way: str, packet: bytes) -> None:
        if way != TO_CLIENT:
            return
        with self._lock:
            self._last.append(f"{connection}: {packet[:40].hex(' ')}, {len(packet)} bytes")
        if packet[0] & 0xF0 == 0x60:
            self._released.add(self._payloads.get(packet[2:4], b""))
        elif packet[0] & 0xF6 == 0x34:
            topic = packet.index(b"work/2")
            identifier, payload = packet[topic + 6 : topic + 8], packet[topic + 8 :]
            self._payloads[identifier] = payload
            number = number_in(payload)
            if payload in self._released and number is not None:
                self.again[number] += 1


class ProxyThread:
    """The fault proxy in a thread of its own; each connection gets the next fault of the seed."""

    def __init__(self, broker_port: int, randomly: random.Random) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.proxy = self._call(FaultProxy.start(broker_port))
        self.proxy.faults = [self._random_fault(randomly) for _ in range(100_000)]
        self.audit = Audit()
        self.proxy.on_packet = self.audit.on_packet

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    @staticmethod
    def _random_fault(randomly: random.Random) -> Fault:
        way = randomly.choice((TO_BROKER, TO_CLIENT))
        return Fault(randomly.choice(BROKEN), way, int(randomly.expovariate(1 / 800)))

    def cut(self) -> None:
        """Close the present connection; the next one has another fault."""
        for connection in list(self.proxy.connections):
            self._loop.call_soon_threadsafe(connection.end)

    def calm(self) -> None:
        """From now on everything passes."""
        self.proxy.faults = []
        self.cut()

    def close(self) -> None:
        self._call(self.proxy.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


@dataclass
class Soak:
    """What has happened, and what was measured: (seconds since the start, value)."""

    seed: int
    sent: Counter = field(default_factory=Counter)  # (QoS, number) -> 1
    got: Counter = field(default_factory=Counter)
    done: Counter = field(default_factory=Counter)  # came back from the board
    faults: Counter = field(default_factory=Counter)
    latency: list[tuple[float, float]] = field(default_factory=list)
    heap: list[tuple[float, int]] = field(default_factory=list)
    files: list[tuple[float, int]] = field(default_factory=list)
    sockets: list[tuple[float, int]] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)  # the process's, KB
    dropped: int = 0  # messages that the board says it did not queue: 32 unacknowledged at most
    stats: dict[str, int] = field(default_factory=dict)
    malformed: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)  # messages, each with what had passed before
    log: list[str] = field(default_factory=list)  # connections and the world's faults
    again: Counter = field(
        default_factory=Counter
    )  # number -> PUBLISHes after the broker's PUBREL
    seconds: float = 0

    def problems(self) -> list[str]:
        """Return every promise that was broken, in words."""
        found = [f"the board sent or got a malformed packet: {what}" for what in self.malformed]
        found += self.damaged
        for name, seen in (("delivered to", self.got), ("published by", self.done)):
            lost = sorted(self.sent.keys() - seen.keys())
            twice = sorted(
                (qos, number)
                for (qos, number), count in seen.items()
                if qos == 2 and count > 1 + self.again[number]
            )
            if len(lost) > (self.dropped if seen is self.done else 0):
                found.append(f"{len(lost)} messages were never {name} the board: {lost[:5]}")
            if twice:
                found.append(f"{len(twice)} QoS 2 messages were {name} the board twice")
        if self.stats.get("errors"):
            found.append(f"{self.stats['errors']} exceptions in handlers")
        if not self.latency or len(self.heap) < 2:
            found.append("too little was measured")
            return found
        heap = self.growth(self.heap)
        if heap > HEAP_GROWTH:
            found.append(f"heap grew by {heap}")
        latency = self.growth(self.latency)
        if latency > LATENCY_GROWTH:
            found.append(f"latency grew by {latency:.1f} s")
        for name, samples in (("files", self.files), ("sockets", self.sockets)):
            growth = self.growth(samples, max)  # there is one more while the board is connected
            if growth > 0:
                found.append(f"{name} grew by {growth}")
        return found

    def growth(
        self, samples: list[tuple[float, float]], before: Callable[[list[float]], float] = min
    ) -> float:
        """Return by how much the least of the last third exceeds the least, or most, `before` it."""
        start, end = self.seconds * WARM, self.seconds * 2 / 3
        early = [value for at, value in samples if start <= at < end] or [samples[0][1]]
        late = [value for at, value in samples if at >= end] or [samples[-1][1]]
        return min(late) - before(early)

    def table(self) -> str:
        delays = sorted(value for _, value in self.latency)
        rows = [
            ("seed", self.seed),
            ("minutes", f"{self.seconds / 60:.1f}"),
            ("faults", ", ".join(f"{name} {n}" for name, n in sorted(self.faults.items()))),
            ("connections", self.stats.get("connects", 0)),
            ("messages each way", len(self.sent)),
            ("QoS 1 delivered again", sum(n - 1 for (qos, _), n in self.got.items() if qos == 1)),
            ("QoS 2 sent again by the broker", sum(self.again.values())),
            ("dropped, and said so", self.dropped),
            ("latency, median", f"{delays[len(delays) // 2] * 1000:.0f} ms"),
            ("latency, 99 of 100", f"{delays[int(len(delays) * 0.99)]:.1f} s"),
            ("latency, worst", f"{delays[-1]:.1f} s"),
            (
                "latency, growth",
                f"{max(0, self.growth(self.latency)) * 1000:.0f} ms, of the fastest",
            ),
            ("heap in use, growth", f"{self.growth(self.heap)} bytes of {self.heap[-1][1]}"),
            (
                "open files, growth",
                f"{max(0, self.growth(self.files, max))} of {self.files[-1][1]}",
            ),
            (
                "sockets, growth",
                f"{max(0, self.growth(self.sockets, max))} of {self.sockets[-1][1]}",
            ),
            ("process, growth", f"{self.growth(self.memory)} KB of {self.memory[-1][1]}"),
        ]
        return "\n".join(f"{name:32}{value}" for name, value in rows)


class World:
    """The faults that do not need the proxy, each with its end."""

    def __init__(
        self, board: SimulatedBoard, broker: Mosquitto, proxy: ProxyThread, person: paho.Client
    ) -> None:
        self._board = board
        self._broker = broker
        self._proxy = proxy
        self._person = person
        self._oversize = 0

    def kinds(self) -> dict[str, Callable[[random.Random], None]]:
        return {
            "Wi-Fi gone": self._wifi_gone,
            "new address": lambda _: self._board.command("new_address"),
            "cut": lambda _: self._proxy.cut(),
            "broker paused": self._broker_paused,
            "broker restarted": self._broker_restarted,
            "oversize message": self._say_too_much,
            "nonsense": lambda r: self._say(r.randbytes(r.randrange(1, 200))),
        }

    def _say(self, payload: bytes) -> None:
        self._person.publish("light", payload, 1)

    def _say_too_much(self, randomly: random.Random) -> None:
        # A letter of its own, so that a stray piece of it tells which message it was.
        letter = string.ascii_letters[self._oversize % len(string.ascii_letters)]
        self._oversize += 1
        self._say(letter.encode() * randomly.randrange(5000, 200_000))

    def _wifi_gone(self, randomly: random.Random) -> None:
        noticed = randomly.choice((100, 1000, 6000))
        self._board.command("outage", value=True, noticed_after_ms=noticed)
        time.sleep(randomly.uniform(0.1, 4))
        self._board.command("outage", value=False)

    def _broker_paused(self, randomly: random.Random) -> None:
        assert self._broker.process
        os.kill(self._broker.process.pid, signal.SIGSTOP)
        time.sleep(randomly.uniform(0.5, 5))
        os.kill(self._broker.process.pid, signal.SIGCONT)

    def _broker_restarted(self, randomly: random.Random) -> None:
        self._broker.stop()
        time.sleep(randomly.uniform(0, 2))
        self._broker.start()


def _look_at_process(soak: Soak, pid: int, now: float) -> None:
    folder = Path(f"/proc/{pid}")
    targets = []
    for entry in (folder / "fd").iterdir():
        try:
            targets.append(os.readlink(entry))
        except OSError:
            pass  # closed meanwhile
    soak.sockets.append((now, sum(target.startswith("socket:") for target in targets)))
    soak.files.append((now, len(targets)))
    pages = int((folder / "statm").read_text().split()[1])
    soak.memory.append((now, pages * os.sysconf("SC_PAGE_SIZE") // 1024))


def run(seconds: float, seed: int) -> Soak:
    """Soak for so many seconds, and the calm that follows."""
    soak = Soak(seed)
    randomly = random.Random(seed)
    when: dict[tuple[int, int], float] = {}
    answers: queue.Queue[dict[str, int]] = queue.Queue()
    started = time.monotonic()

    def on_line(line: str) -> None:
        if line.startswith("got "):
            _, qos, payload = line.split(" ", 2)
            number = number_in(payload[2:-1].encode())  # printed as b'...'
            if number is None:
                evidence = "\n    ".join(proxy.audit.evidence())
                soak.damaged.append(f"{line[:300]} was handled after\n    {evidence}")
                return
            key = int(qos), number
            soak.got[key] += 1
            if soak.got[key] == 1 and key in when:
                now = time.monotonic()
                soak.latency.append((now - started, now - when[key]))
        elif line.endswith("a message was dropped"):
            soak.dropped += 1

    def on_message(client: paho.Client, data: object, message: paho.MQTTMessage) -> None:
        if message.topic == "light/status/stats":
            answers.put(json.loads(message.payload))
        elif message.topic.startswith("done/"):
            number = number_in(message.payload)
            if number is None:
                soak.damaged.append(f"{message.payload[:300]} came back from the board")
            else:
                soak.done[int(message.topic[-1]), number] += 1

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(
            folder,
            "allow_anonymous true\nuser root\npersistence true\n"
            f"persistence_location {folder}/\nmax_queued_messages 0\nlog_type error\n",
        )
        broker.start()
        proxy = ProxyThread(broker.port, randomly)
        flash = folder / "flash"
        flash.mkdir()
        config = {
            "wifi": {"ssid": "classroom", "password": "chalk and talk"},
            "mqtt": {
                "server": "127.0.0.1",
                "port": proxy.proxy.port,
                "keepalive": 2,
                "clean_session": False,
            },
            "topics": {"command": "light", "state": "light/state", "status": "light/status"},
        }
        (flash / "config.json").write_text(json.dumps(config))
        (flash / "handlers.py").write_text(HANDLERS)
        # A session of its own: what is published while the broker restarts is not lost either.
        person = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id="person", clean_session=False
        )
        person.max_queued_messages_set(0)
        person.on_message = on_message
        person.on_connect = lambda client, *_: client.subscribe(
            [("light/status/stats", 0), ("done/#", 2)]
        )
        person.reconnect_delay_set(0.1, 0.5)
        person.connect(broker.host, broker.port)
        person.loop_start()
        try:
            point = AccessPoint("classroom", "chalk and talk")
            with SimulatedBoard(flash=flash, access_points=(point,), on_line=on_line) as board:
                for topic in ("light", "work/1", "work/2"):
                    board.wait_line(f"mqtt: subscribed {topic} ", timeout=120)
                world = World(board, broker, proxy, person)
                _storm(soak, seconds, randomly, board, world, person, when, answers, started)
                proxy.calm()
                soak.seconds = time.monotonic() - started
                deadline = time.monotonic() + CALM
                while time.monotonic() < deadline and (
                    soak.sent.keys() - soak.got.keys()
                    or len(soak.sent.keys() - soak.done.keys()) > soak.dropped
                ):
                    time.sleep(0.2)
                time.sleep(1)  # for what comes twice
                while not answers.empty():
                    answers.get()
                person.publish("light", "stats", 1)
                try:
                    soak.stats = answers.get(timeout=60)
                    soak.heap.append((soak.seconds, soak.stats["heap_used"]))
                except queue.Empty:
                    soak.malformed.append("nothing: the board no longer answers; " + board.tail())
                _look_at_process(soak, board.process.pid, soak.seconds)
        finally:
            leave(person)
            soak.again = proxy.audit.again
            for connection in proxy.proxy.connections:
                soak.malformed += connection.malformed
                soak.log.append(str(connection))
                if connection.hit:
                    soak.faults[connection.fault.kind] += 1
            proxy.close()
            broker.stop(kill=True)
    return soak


def _storm(
    soak: Soak,
    seconds: float,
    randomly: random.Random,
    board: SimulatedBoard,
    world: World,
    person: paho.Client,
    when: dict[tuple[int, int], float],
    answers: queue.Queue[dict[str, int]],
    started: float,
) -> None:
    over = threading.Event()

    def break_things() -> None:
        kinds = world.kinds()
        while not over.wait(randomly.expovariate(1 / FAULT)):
            kind = randomly.choice(list(kinds))
            soak.faults[kind] += 1
            soak.log.append(f"{time.monotonic() - started:.1f} s: {kind}")
            kinds[kind](randomly)

    breaker = ThreadPoolExecutor(1)
    breaking = breaker.submit(break_things)
    number = 0
    next_sample = 0.0
    try:
        while (now := time.monotonic() - started) < seconds:
            number += 1
            for qos in (1, 2):
                when[qos, number] = time.monotonic()
                soak.sent[qos, number] = 1
                person.publish(f"work/{qos}", payload_of(number), qos)
            if now >= next_sample:
                next_sample = now + SAMPLE
                _look_at_process(soak, board.process.pid, now)
                person.publish("light", "stats")
            while not answers.empty():
                soak.heap.append((now, answers.get()["heap_used"]))
            if board.process.poll() is not None:
                raise BoardError(f"the board has ended; {board.tail()}")
            if breaking.done():  # only by an exception: no hours of calm in its place
                break
            time.sleep(PACE)
    finally:
        over.set()
        breaker.shutdown()
    breaking.result()


def plot(soak: Soak, path: Path) -> None:
    """Draw what was measured as a PNG file, in a folder that is made if it is missing."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = (
        ("latency, s", soak.latency, "."),
        ("heap in use, bytes", soak.heap, "-"),
        ("open files", soak.files, "-"),
        ("sockets", soak.sockets, "-"),
        ("process, KB", soak.memory, "-"),
    )
    figure, axes = pyplot.subplots(len(panels), sharex=True, figsize=(10, 12))
    for axis, (name, samples, style) in zip(axes, panels):
        axis.plot([at / 60 for at, _ in samples], [value for _, value in samples], style, ms=3)
        axis.set_ylabel(name)
        axis.grid(alpha=0.3)
    axes[0].set_yscale("log")
    axes[0].set_title(f"{sum(soak.faults.values())} faults, seed {soak.seed}")
    axes[-1].set_xlabel("minutes")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=SHORT / 3600)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    minutes = options.hours * 60
    print(f"soaking for {minutes:g} minutes with seed {options.seed}", flush=True)
    soak = run(minutes * 60, options.seed)
    problems = soak.problems()
    print(soak.table() if soak.latency and soak.heap else "nothing was measured")
    if options.plot:
        plot(soak, options.plot)
        log = options.plot.with_suffix(".log")
        log.write_text("\n".join(soak.log) + "\n")
        print(f"drawn in {options.plot}, every connection and fault in {log}")
    for problem in problems:
        print(f"BROKEN: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
