"""Fuzzes the session against the oracle.

python -m tests.umqtt.protocol.fuzz CORPUS [options of libFuzzer]
python -m tests.umqtt.protocol.fuzz FILE

An input is a plan of what a program, a network and a server do: calls, packets that are right or
damaged, cut anywhere, calls from inside a handler, lost connections, time. Session and oracle play
it side by side; what leaves and what is reported must be the same after each step. CORPUS is a
folder of inputs; if it is empty or missing the fuzzer begins with random ones, always the same. A
failing input is kept beside it. With a FILE that input alone is played, and told step by step.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

try:
    import atheris
except (
    ModuleNotFoundError
):  # for x86-64 only; elsewhere inputs are played, and none is searched for
    atheris = None

from tests.umqtt.protocol.cpython import firmware_modules
from tests.umqtt.protocol.oracle import Clock, Oracle

instrument = atheris.instrument_imports if atheris else nullcontext
with firmware_modules(), instrument(["umqtt.protocol"]):
    import umqtt.protocol

from tests.umqtt.protocol.client import Client

TOPICS = ["t", "a/b", "ü/掌", "$SYS", "t" * 127, "long/" + "x" * 300]
BAD_NAMES = ["", "a/+", "#", "a\0", "\x01"]
FILTERS = ["t", "a/+", "#", "$share/g/a", "f" * 200]
BAD_FILTERS = ["", "a#", "a/#/b", "+a", "\0", "$share//a"]
SIZES = [0, 1, 3, 100, 126, 300, 1024, 1025, 5000]
RAW_TOPICS = [
    b"t",
    b"",
    b"+",
    b"\xff",
    b"a\0",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\x7f",
    b" " * 5,
]
TIMES = [0, 1, 499, 500, 501, 2500, 5000, 7499, 15000, 15001, 30000, 60000, 75000, 150000]
TICKS = 0x3FFFFFFF  # where ticks_ms wraps


class Choices:
    """Reads decisions off an input; all are 0 at its end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def byte(self) -> int:
        self.place += 1
        return self.data[self.place - 1] if self.place <= len(self.data) else 0

    def of(self, options: list):
        return options[self.byte() % len(options)]

    def sometimes(self) -> bool:
        return self.byte() % 8 == 7

    def bytes(self, size: int) -> bytes:
        self.place += size
        return self.data[self.place - size : self.place]

    def is_over(self) -> bool:
        return self.place >= len(self.data)


class Play:
    """A session and an oracle in the same situation."""

    def __init__(self, choices: Choices, is_told: bool) -> None:
        self.choices = choices
        self.is_told = is_told
        self.session = Client()
        self.oracle = Oracle()
        self.clock: Clock | None = None
        self.now = 0
        self.start = choices.of([0, TICKS - 3000, TICKS >> 1])
        self.leaves_at_once = not choices.sometimes()
        self.has_unread = False

    def run(self) -> None:
        steps = [
            self.arrive,
            self.arrive,
            self.arrive,
            self.call,
            self.call,
            self.connect,
            self.lose,
            self.leave,
            self.pass_time,
            self.set_up,
        ]
        while not self.choices.is_over():
            self.choices.of(steps)()
            self.compare(b"")

    def tell(self, *words: object) -> None:
        if self.is_told:
            print(
                *(text if len(text := str(word)) < 200 else f"{text[:200]}..." for word in words)
            )

    # ---- steps

    def connect(self) -> None:
        arguments = {
            "clean_session": self.choices.of([True, False, False]),
            "keepalive": self.choices.of([0, 1, 10, 60]),
        }
        if self.choices.sometimes():
            arguments["will"] = (self.choices.of(TOPICS + BAD_NAMES), "gone", True, 1)
            arguments["user"] = self.choices.of(["ü", "u+", "", "\0"])
            arguments["password"] = self.choices.of(["p", None])
        if self.call_both("connect", arguments=arguments):
            self.start_clock(arguments["keepalive"])
            if not self.choices.sometimes():
                code = 5 if self.choices.sometimes() else 0
                self.deliver(bytes([0x20, 2, not (arguments["clean_session"] or code), code]))

    def start_clock(self, keepalive: int) -> None:
        self.has_unread = False
        self.clock = Clock(self.oracle, keepalive, self.now)
        if not self.choices.sometimes():
            self.tick()

    def lose(self) -> None:
        if self.choices.sometimes() and self.oracle.is_accepted:
            self.call_both("disconnect")
            self.leave_some(None)
        self.call_both("lost")
        self.clock = None

    def call(self) -> None:
        name, arguments = self.choose_call()
        if self.oracle.is_accepted:
            self.call_both(name, *arguments)

    def choose_call(self) -> tuple[str, tuple]:
        name = self.choices.of(
            ["publish", "publish", "publish", "subscribe", "unsubscribe", "ping"]
        )
        if name == "ping":
            return name, ()
        is_bad = self.choices.sometimes()
        if name == "publish":
            topic = self.choices.of(BAD_NAMES if is_bad else TOPICS)
            size = self.choices.of(SIZES)
            options = self.choices.byte()
            return name, (topic, b"p" * size, bool(options & 4), (options & 3) % (3 + is_bad))
        topic_filter = self.choices.of(BAD_FILTERS if is_bad else FILTERS)
        if name == "unsubscribe":
            return name, (topic_filter,)
        return name, (topic_filter, self.choices.byte() % (3 + is_bad))

    def set_up(self) -> None:
        name = self.choices.of(["wanted", "last_identifier", "limit", "republish"])
        if name == "wanted":
            self.call_both(name, self.choices.of(FILTERS), self.choices.byte() % 3)
        elif name == "last_identifier":
            self.call_both(name, self.choices.of([0, 1, 65533, 65534, 65535]))
        elif name == "republish":
            self.call_both(name)
        elif not self.oracle.is_open:
            self.call_both(name, self.choices.of([0, 256, 257, 300, 1000, 4096]))

    def leave(self) -> None:
        self.leave_some(self.choices.byte() * self.choices.of([1, 1, 20]))

    def arrive(self) -> None:
        packets = [self.make_packet() for _ in range(self.choices.byte() % 4 + 1)]
        self.deliver(b"".join(packets), self.choices.byte() if self.choices.sometimes() else None)

    def deliver(self, data: bytes, most: int | None = None) -> None:
        pieces = self.cut(data)
        reaction = None
        if self.choices.sometimes():
            reaction = (self.choices.byte() % 4, *self.choose_reaction())
        self.tell("arrive", *pieces, most, reaction)
        for peer in (self.session, self.oracle):
            peer.react = self.reaction_of(peer, reaction)
            for index, piece in enumerate(pieces):
                peer.arrive(piece, most if index == len(pieces) - 1 else None)
        self.compare(data)
        self.has_unread = most is not None and self.oracle.is_open
        if self.clock and self.oracle.is_open and not self.has_unread:
            self.tick()

    def choose_reaction(self) -> tuple[str, tuple]:
        if self.choices.sometimes():
            return "lost", ()
        return self.choose_call()

    def reaction_of(self, peer, reaction: tuple | None) -> Callable[[tuple], None]:
        # The program calls something when it is told of the n-th event.
        events = 0

        def react(event: tuple) -> None:
            nonlocal events
            if reaction and events == reaction[0]:
                call(peer, reaction[1], reaction[2], {})
            events += 1

        return react

    # ---- packets of a server

    def identifier(self) -> int:
        """One that is in use, mostly."""
        choice = self.choices.byte()
        in_use = [publish.identifier for publish in self.oracle.unacknowledged]
        in_use += list(self.oracle.requests) + list(self.oracle.received)
        if in_use and choice < 200:
            return in_use[choice % len(in_use)]
        return self.choices.of([0, 1, 2, 3, 65535, 256])

    def make_packet(self) -> bytes:
        kind = self.choices.byte()
        if kind < 100:
            data = self.make_publish()
        elif kind < 240:
            first = [0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0][kind % 7]
            body = self.identifier().to_bytes(2, "big")
            if first == 0x90:
                body += bytes([self.choices.of([0, 1, 2, 0x80, 3])])
            elif first == 0xD0:
                body = b""
            data = bytes([first, len(body)]) + body
        elif kind < 245:
            data = bytes([0x20, 2, self.choices.of([0, 1, 2]), self.choices.of([0, 0, 3, 5, 6])])
        else:
            data = self.choices.bytes(self.choices.byte() % 24)
        if self.choices.sometimes():
            data = self.damage(data)
        return data

    def make_publish(self) -> bytes:
        flags = self.choices.byte() & 15
        if self.choices.sometimes():
            topic = self.choices.of(RAW_TOPICS)
        else:
            topic = self.choices.of(TOPICS).encode() * self.choices.of([1, 1, 1, 1, 200])
        body = len(topic).to_bytes(2, "big") + topic
        if flags & 6:
            body += self.identifier().to_bytes(2, "big")
        size = self.choices.of(SIZES)
        payload = self.choices.of([b"p" * size, bytes(size), b"\x30\x04\x00\x01tm" * (size // 6)])
        length = len(body) + len(payload)
        digits = []
        while length > 127:
            digits.append(length & 127 | 128)
            length >>= 7
        digits.append(length)
        if self.choices.sometimes() and len(digits) < 4:
            digits[-1] |= 128  # a needless byte, which is not forbidden
            digits.append(0)
        return bytes([0x30 | flags]) + bytes(digits) + body + payload

    def damage(self, data: bytes) -> bytes:
        for _ in range(self.choices.byte() % 3 + 1):
            place = self.choices.byte() % (min(len(data), 12) + 1)
            way = self.choices.byte() % 5
            if way == 0:
                data = data[:place] + bytes([self.choices.byte()]) + data[place + 1 :]
            elif way == 1:
                data = data[:place] + data[place + 1 :]
            elif way == 2:
                data = data[:place] + bytes([self.choices.byte()]) + data[place:]
            elif way == 3:
                data = data[: -self.choices.byte() or None]
            else:
                data = data + self.choices.bytes(3)
        return data

    def cut(self, data: bytes) -> list[bytes]:
        way = self.choices.byte()
        if way < 64:
            return [data]
        if way < 96 and len(data) < 400:
            return [data[i : i + 1] for i in range(len(data))]
        pieces = []
        while data and len(pieces) < 8:
            size = self.choices.byte() * self.choices.of([1, 1, 16]) + 1
            pieces.append(data[:size])
            data = data[size:]
        return pieces + [data] if data else pieces

    # ---- time

    def pass_time(self) -> None:
        """Time passes, with a tick whenever the session wants one."""
        until = self.now + self.choices.of(TIMES)
        if not (self.clock and self.oracle.is_open) or self.has_unread:
            return
        for _ in range(12):
            wait = self.tick()
            if self.now >= until or not self.oracle.is_open:
                return
            self.now = min(until, self.now + max(wait, 1))

    def tick(self) -> int:
        """Tick until nothing is due at once; return in how many ms something is."""
        session = self.session.session
        pings = session.counters["pings"]
        self.session.tick(self.start + self.now & TICKS)
        self.tell("tick at", self.now, self.session.events, self.session.wait)
        if self.session.events:
            assert self.session.events == [("timeout",)]
            self.clock.check_timeout(self.now)
            self.oracle.lost()
            self.session.events = []
            self.clock = None
            return 0
        if session.counters["pings"] > pings:
            self.clock.check_ping(self.now)
            self.oracle.ping()
            self.clock.note(self.now, False, False, [])
        if self.leaves_at_once and self.oracle.leaving:
            self.leave_some(None)
            return self.tick() if self.clock else 0
        if not self.oracle.leaving:
            self.clock.check_life(self.now)
        return self.session.wait

    # ---- both at once

    def call_both(self, name: str, *arguments, **named) -> bool:
        """Return whether it raised nothing."""
        self.tell(name, arguments, named)
        named = named.get("arguments", {})
        outcomes = [call(peer, name, arguments, named) for peer in (self.session, self.oracle)]
        assert outcomes[0] == outcomes[1], outcomes
        if self.leaves_at_once:
            self.leave_some(None)
        return outcomes[0] is None

    def leave_some(self, most: int | None) -> None:
        left = bytearray(self.session.leave(most))
        expected = b""
        for piece, is_dup_free in self.oracle.leave_pieces(most):
            if is_dup_free and len(left) > len(expected):
                left[len(expected)] = left[len(expected)] & 0xF7 | piece[0] & 0x08
            expected += piece
        assert left == expected, f"{left.hex(' ')} leaves, not {expected.hex(' ')}"
        if self.clock and left:
            self.clock.note(self.now, True, False, [])

    def compare(self, arrived: bytes) -> None:
        """After a step: the same events, the same bytes left, the same end."""
        session, oracle = self.session, self.oracle
        if session.events and session.events[-1] == ("violation",) and oracle.is_open:
            if oracle.may_end():
                oracle.events.append(("violation",))
                oracle.lost()
        assert session.events == oracle.events, (session.events, oracle.events)
        if self.clock:
            self.clock.note(self.now, False, bool(arrived), oracle.events)
        session.events = []
        oracle.events = []
        for peer in (session, oracle):
            peer.react = lambda event: None
        if not oracle.is_open:
            self.clock = None
            assert session.session.out == [] or not session.is_open
        elif self.leaves_at_once:
            self.leave_some(None)
        found = [entry[0] for entry in session.session.in_flight]
        assert found == [publish.identifier for publish in oracle.unacknowledged]
        assert list(session.session.requests) == list(oracle.requests)


def call(peer, name: str, arguments: tuple, named: dict) -> str | None:
    """Return the name of what it raised."""
    try:
        getattr(peer, name)(*arguments, **named)
    except ValueError:
        return "ValueError"
    return None


def play(data: bytes, is_told: bool = False) -> None:
    Play(Choices(data), is_told).run()


def random_inputs(count: int) -> list[bytes]:
    chance = random.Random(1)
    return [chance.randbytes(chance.randrange(400)) for _ in range(count)]


def fuzz(corpus: Path, options: list[str]) -> None:
    if atheris is None:
        sys.exit("error: atheris, which searches for inputs, is for x86-64 only; fuzz there")
    corpus.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        for index, data in enumerate(random_inputs(200)):
            (corpus / f"{index:03}").write_bytes(data)
    fixed = ["-max_len=400", "-len_control=0", f"-artifact_prefix={corpus.parent}/umqtt-"]
    atheris.Setup([sys.argv[0], *fixed, *options, str(corpus)], play)
    atheris.Fuzz()


if __name__ == "__main__":
    path = Path(sys.argv[1])
    if path.is_file():
        play(path.read_bytes(), is_told=True)
    else:
        fuzz(path, sys.argv[2:])
