"""Many boards and one broker: how soon they are all there, how they come back, what is lost.

    python -m benchmarks.swarm --boards 200 --plot build/swarm/swarm.png

Simulated boards, each a process of its own, against Debian's Mosquitto on this machine. They are all
powered on at once, get group commands, see Home Assistant start, and lose the broker twice: it is
restarted, and it is killed. Ends with tables, a plot, and status 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.goals import Goal, print_table
from simulated_board import DEFAULT_BOARD, ROOT, BoardError, SimulatedBoard
from tests.classroom import ACCESS_POINT, Person
from tests.mosquitto import Mosquitto

BOARDS = 200
IDLE = 20  # ms; without it a board takes 3 % of a core, and 200 more than there is
MAX_BOARDS = 60_000  # SIM_ID tells 65,535 apart
GROUP = "swarm"
COMMAND = f"{GROUP}/command"
STATE = "swarm/{id}/state"
STATES = "swarm/+/state"
STATUS = "swarm/{id}/status"
STATS = "swarm/+/status/stats"
UPDATES = "+/+/update/state"
OFFERS = f"{DEFAULT_BOARD}/update/offer"
MANIFEST = {
    "format": 1,
    "board": DEFAULT_BOARD,
    "version": "99.0.0",
    "sha256": "0" * 64,
    "idf": "v5.5",
    "size": 1_700_000,
}
OFFER = {"id": "0" * 8, "source": "http://10.0.0.1/app.bin", "manifest": json.dumps(MANIFEST)}
# The broker keeps the boards' sessions over a restart, and takes as many as there are. Started by
# root it would become another user, who may not write the folder.
BROKER = (
    "user root\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
    "max_queued_messages 0\nmax_connections -1\n"
)
DOWN = 5.0  # s that the broker stays away
GROUP_COMMANDS = 10
JOIN_SPREAD = 2.0  # s: _JOIN_SPREAD of modules/device/link.py
OFFER_SPREAD = 0.3  # s: _OFFER_SPREAD of modules/device/update/messages.py
GREETING_WAIT = 1  # s that each board waits at least when Home Assistant has started
PATIENCE = 180.0  # s for everybody to do what a phase asks for
HEAP_GROWTH = 2048  # bytes, of 64-bit objects
# Descriptors kept free for people's clients: paho-mqtt waits in select(), which takes none above 1,023,
# and 300 boards have those.
PEOPLE = 32
_MIN_BOARDS = 30  # for a goal about how they come back: fewer are no crowd
PICTURE = ROOT / "build" / "swarm" / "swarm.png"
RED, GREEN = 0, 1

# Of the broker's log. The client of a Person has no name: the broker calls it auto-...
_CONNECTION = re.compile(rb"^(\d+): New connection from ", re.MULTILINE)
_MESSAGE = re.compile(rb"^(\d+): Received PUBLISH from (?!auto-)", re.MULTILINE)
_DISCOVERY = re.compile(
    rb"^(\d+): Received PUBLISH from \S+ \(.*'homeassistant/device/(\w+)/config'", re.MULTILINE
)
_STATS = re.compile(
    rb"^(\d+): Received PUBLISH from \S+ \(.*'swarm/(\w+)/status/stats'", re.MULTILINE
)


@dataclass
class Member:
    """One board of the swarm, and when it did what, in seconds of time.monotonic()."""

    board: SimulatedBoard
    powered: float = 0.0
    # By the board's own clock, from its power-on until it switched the radio on.
    joined: float = 0.0
    # When the broker had its subscription: by SUBACK, or by CONNACK if it has kept the session.
    subscribed: list[float] = field(default_factory=list)
    shown: list[tuple[float, int]] = field(default_factory=list)  # when it was how coloured
    heap: list[int] = field(default_factory=list)


class PerSecond(list[int]):
    """How many of something came in each second."""

    @property
    def peak(self) -> int:
        return max(self, default=0)

    @property
    def mean(self) -> float:
        return statistics.mean(self) if self else 0.0

    @property
    def crowding(self) -> float:
        """The busiest second by the mean."""
        return self.peak / self.mean if self else 0.0


@dataclass(frozen=True)
class Phase:
    """What a phase took: seconds for each board, and what the broker got in each second."""

    name: str
    seconds: list[float]
    attempts: PerSecond  # new connections
    births: PerSecond  # messages with which the boards tell that and what they are


def own_part(number: int, seconds: float) -> float:
    """Return board `number`'s own part of a time, as own_part() of modules/device/link.py does."""
    return (number * 9 & 0xFF) * seconds / 256


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that so many percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def colour_of(event: dict[str, Any]) -> int | None:
    """Return which of the two colours an LED frame shows; None for any other."""
    green, red, blue = bytes.fromhex(event["data"])[:3]  # as it goes down the wire
    if blue or bool(red) == bool(green):
        return None
    return RED if red else GREEN


class Swarm:
    """So many boards on one broker. Leaving the block switches them off."""

    def __init__(self, count: int, folder: Path) -> None:
        self.folder = folder
        self.broker = Mosquitto(folder, BROKER.format(folder=folder))
        self._changed = threading.Condition()
        self._began = 0.0  # when the phase did, in seconds of time.time()
        self.members = [self._make_member(number) for number in range(1, count + 1)]

    def _make_member(self, number: int) -> Member:
        flash = self.folder / str(number)
        flash.mkdir()
        values = {
            "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
            "mqtt": {
                "server": self.broker.host,
                "port": self.broker.port,
                "clean_session": False,
            },
            "homeassistant": True,
            "telemetry": {"stats": 3600},  # once after each CONNACK
            "topics": {"groups": [GROUP], "state": STATE, "status": STATUS},
        }
        (flash / "config.json").write_text(json.dumps(values))
        member = Member(
            SimulatedBoard(
                flash=flash,
                access_points=(ACCESS_POINT,),
                environment={"SIM_ID": str(number), "SIM_IDLE_MS": str(IDLE)},
            )
        )
        member.board.on_event = lambda event: self._note_event(member, event)
        member.board.on_line = lambda line: self._note_line(member, line)
        return member

    def _note_event(self, member: Member, event: dict[str, Any]) -> None:
        with self._changed:
            if event["event"] == "power_on":
                member.powered = time.monotonic()
            elif event["event"] == "wlan" and not member.joined:
                member.joined = event["t"] / 1e6
            elif event["event"] == "frame":
                colour = colour_of(event)
                if colour is not None:
                    member.shown.append((time.monotonic(), colour))
            member.board.events.clear()  # an hour's frames of a thousand boards are many
            self._changed.notify_all()

    def _note_line(self, member: Member, line: str) -> None:
        is_kept = line.startswith("mqtt: connected") and line.endswith("session=1")
        if is_kept or line.startswith(f"mqtt: subscribed {COMMAND}"):
            with self._changed:
                member.subscribed.append(time.monotonic())
                self._changed.notify_all()

    def __enter__(self) -> Swarm:
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(self.broker)
        self._began = time.time()  # the first boards are there before the last are switched on
        kept = [os.open(os.devnull, os.O_RDONLY) for _ in range(PEOPLE)]
        try:
            for member in self.members:
                self._stack.enter_context(member.board)
        except BaseException:
            self._stack.close()
            raise
        finally:
            for descriptor in kept:
                os.close(descriptor)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def wait_all(self, what: str, done: Callable[[Member], bool]) -> None:
        """Wait until `done` is true of every board. Raises BoardError, with how many it is not."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while late := [member for member in self.members if not done(member)]:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise BoardError(
                        f"{len(late)} of {len(self.members)} boards {what}; one of them: "
                        f"{late[0].board.tail()}"
                    )
                self._changed.wait(remaining)

    # The phases -------------------------------------------------------------------------

    def power_on(self) -> Phase:
        """Wait until all are subscribed. A board's time begins when the last was switched on.

        Raises BoardError if one has joined before its own part of JOIN_SPREAD.
        """
        self.wait_all("did not subscribe", lambda member: bool(member.subscribed))
        parts = [own_part(number, JOIN_SPREAD) for number in range(1, len(self.members) + 1)]
        early = sum(member.joined < part for member, part in zip(self.members, parts, strict=True))
        if early:
            raise BoardError(f"{early} of {len(parts)} boards joined before their own part of 2 s")
        last = max(member.powered for member in self.members)
        seconds = [max(0.0, member.subscribed[0] - last) for member in self.members]
        return self._end_phase("power-on", seconds)

    def lose_broker(self, name: str, kill: bool, meanwhile: Callable[[], None]) -> Phase:
        """Take the broker away and wait until all are subscribed again.

        `meanwhile()` is called as soon as the broker is back.
        """
        before = {id(member): len(member.subscribed) for member in self.members}
        self.broker.stop(kill)
        time.sleep(DOWN)
        self._began, start = time.time(), time.monotonic()
        self.broker.start()
        meanwhile()
        self.wait_all(
            "did not come back", lambda member: len(member.subscribed) > before[id(member)]
        )
        seconds = [member.subscribed[before[id(member)]] - start for member in self.members]
        return self._end_phase(name, seconds)

    def greet(self, person: Person) -> Phase:
        """Say that Home Assistant has started; wait until all have told it of themselves again.

        Raises BoardError if one did so without a wait.
        """
        # The broker's log counts in whole seconds: what was told before is not of this.
        time.sleep(1)
        self._began = time.time()
        person.publish("homeassistant/status", "online")
        phase = self._end_phase("Home Assistant starts", [])
        answers = [int(at) for at, _ in _DISCOVERY.findall(self.broker.log.read_bytes())]
        soon = range(int(self._began), int(self._began) + GREETING_WAIT)
        if any(second in soon for second in answers):
            raise BoardError("boards answered Home Assistant at once")
        return phase

    def _end_phase(self, name: str, seconds: list[float]) -> Phase:
        # After its discovery, which is long, a board has told all but its first stats.
        self._wait_told("did not tell Home Assistant of themselves", _DISCOVERY)
        births = self._per_second(_MESSAGE)
        return Phase(name, seconds, self._per_second(_CONNECTION), births)

    def _wait_told(self, what: str, pattern: re.Pattern[bytes]) -> None:
        # Wait until the broker's log has a message of every board since the phase began.
        deadline = time.monotonic() + PATIENCE
        told: set[bytes] = set()
        while len(told) < len(self.members):
            if time.monotonic() > deadline:
                raise BoardError(f"{len(self.members) - len(told)} boards {what}")
            time.sleep(0.2)
            log = self.broker.log.read_bytes()
            told = {board for at, board in pattern.findall(log) if int(at) >= int(self._began)}

    def _per_second(self, pattern: re.Pattern[bytes]) -> PerSecond:
        # Of the broker's log, whose times are whole seconds: the first and the last are cut off.
        times = [int(found) for found in pattern.findall(self.broker.log.read_bytes())]
        seconds = Counter(second for second in times if second >= int(self._began))
        if not seconds:
            return PerSecond()
        return PerSecond(seconds[second] for second in range(min(seconds), max(seconds) + 1))

    def command(self, person: Person, colour: int) -> list[float]:
        """Send a group command; return each board's seconds until its LEDs show it."""
        begin = time.monotonic()
        person.publish(COMMAND, ("#ff0000", "#00ff00")[colour])
        return self.wait_shown(colour, begin)

    def wait_shown(self, colour: int, begin: float) -> list[float]:
        """Wait until all show a colour that they were told to after `begin`; return the seconds."""
        self.wait_all(
            "did not obey",
            lambda member: bool(member.shown)
            and member.shown[-1][1] == colour
            and member.shown[-1][0] >= begin,
        )
        with self._changed:
            return [
                next(at for at, seen in member.shown if at >= begin and seen == colour) - begin
                for member in self.members
            ]

    def time_answers(self, listener: Person, colour: int) -> list[float]:
        """Send a group command; return the seconds from the first new state told to each."""
        self.command(listener, colour)
        messages = [listener.messages.get(timeout=PATIENCE) for _ in self.members]
        return [message.timestamp - messages[0].timestamp for message in messages]

    def time_offer(self) -> list[float]:
        """Offer an update; return the seconds from the first board that shows it to each.

        Raises BoardError if one did so before its own part of OFFER_SPREAD.
        """
        listener = Person(self.broker, UPDATES)
        try:
            for _ in self.members:  # what is retained
                listener.messages.get(timeout=PATIENCE)
            begin = time.monotonic()
            listener.publish(OFFERS, json.dumps(OFFER), retain=True)
            messages = [listener.messages.get(timeout=PATIENCE) for _ in self.members]
            for message in messages:
                number = int(message.topic.split("/")[1][-4:], 16)
                if message.timestamp - begin < own_part(number, OFFER_SPREAD):
                    raise BoardError(
                        f"board {number} showed an offer before its own part of 0.3 s"
                    )
            listener.publish(OFFERS, "", retain=True)
            for _ in self.members:
                listener.messages.get(timeout=PATIENCE)
            return [message.timestamp - messages[0].timestamp for message in messages]
        finally:
            listener.close()

    def read_heaps(self) -> list[float]:
        """Have each board tell how much heap it uses; return the seconds from the first to each.

        Not before they have told that by themselves, which they do 4 s after CONNACK.
        """
        self._wait_told("did not tell their stats", _STATS)
        listener = Person(self.broker, STATS)
        try:
            listener.publish(COMMAND, "stats")
            messages = [listener.messages.get(timeout=PATIENCE) for _ in self.members]
        finally:
            listener.close()
        for message in messages:
            number = int(message.topic.split("/")[1][-4:], 16)
            self.members[number - 1].heap.append(json.loads(message.payload)["heap_used"])
        return [message.timestamp - messages[0].timestamp for message in messages]

    def memory(self) -> float:
        """Return the MB of this machine's memory that a board takes, what they share divided."""
        sizes = []
        for member in self.members:
            rollup = Path(f"/proc/{member.board.process.pid}/smaps_rollup").read_text()
            sizes.append(int(re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)[1]))
        return statistics.mean(sizes) / 1024


@dataclass(frozen=True)
class Result:
    """What a run showed."""

    boards: int
    phases: list[Phase]
    greeting: Phase  # of Home Assistant
    latencies: list[float]  # of the group commands, for each board
    states: list[float]  # seconds from each group command's first state told to the others
    stats: list[float]  # the same of the answers to a group's `stats`
    offers: list[float]  # the same of the boards that show an offer of an update
    heap_growth: int  # bytes, of the board that grew most
    memory: float  # MB a board


def play(count: int, folder: Path) -> Result:
    """Run all phases. Raises BoardError if a board does not do its part: a message was lost."""
    with Swarm(count, folder) as swarm:
        phases = [swarm.power_on()]
        person = Person(swarm.broker)
        try:
            swarm.command(person, RED)  # what the boards make at their first command is made
            latencies = []
            stats = swarm.read_heaps()
            states = time_group_answers(swarm)
            for number in range(GROUP_COMMANDS):
                latencies += swarm.command(person, (GREEN, RED)[number % 2])
            offers = swarm.time_offer()
            greeting = swarm.greet(person)

            told: list[float] = []

            def tell() -> None:
                # Before the boards are back: their sessions must have kept it for them.
                told.append(time.monotonic())
                newcomer = Person(swarm.broker)
                newcomer.publish(COMMAND, "#00ff00")
                newcomer.close()

            phases.append(swarm.lose_broker("restart", False, tell))
            swarm.wait_shown(GREEN, told[0])
            phases.append(swarm.lose_broker("kill -9", True, lambda: None))
            person.close()
            person = Person(swarm.broker)
            swarm.command(person, RED)
            stats += swarm.read_heaps()
            growth = max(member.heap[1] - member.heap[0] for member in swarm.members)
            memory = swarm.memory()
            return Result(
                count, phases, greeting, latencies, states, stats, offers, growth, memory
            )
        finally:
            person.close()


def time_group_answers(swarm: Swarm) -> list[float]:
    listener = Person(swarm.broker, STATES)
    try:
        for _ in swarm.members:  # what is retained
            listener.messages.get(timeout=PATIENCE)
        return swarm.time_answers(listener, GREEN) + swarm.time_answers(listener, RED)
    finally:
        listener.close()


def goals(result: Result) -> list[Goal]:
    found = [Goal(f"swarm of {result.boards}: messages lost at QoS 1", 0, 0)]  # play() raises
    for phase in result.phases[1:] if result.boards >= _MIN_BOARDS else ():
        # A board tells up to nine things at once, so these come in clumps.
        for what, counted, most in (
            ("attempts", phase.attempts, 3),
            ("birth messages", phase.births, 4),
        ):
            found.append(
                Goal(
                    f"swarm of {result.boards}: after {phase.name}, peak / mean of {what} a second",
                    counted.crowding,
                    most,
                )
            )
    found.append(
        Goal(
            f"swarm of {result.boards}: heap growth of a board",
            result.heap_growth,
            HEAP_GROWTH,
            "bytes",
        )
    )
    return found


def print_result(result: Result) -> None:
    print_table(
        f"{result.boards} boards, {result.memory:.1f} MB each",
        ("phase", "median s", "all s", "attempts/s, mean", "peak"),
        [
            (
                phase.name,
                f"{statistics.median(phase.seconds):.1f}",
                f"{max(phase.seconds):.1f}",
                f"{phase.attempts.mean:.1f}",
                phase.attempts.peak,
            )
            for phase in result.phases
        ],
    )
    print_table(
        "Birth messages",
        ("phase", "all", "a second, mean", "peak", "peak / mean"),
        [
            (
                phase.name,
                sum(phase.births),
                f"{phase.births.mean:.1f}",
                phase.births.peak,
                f"{phase.births.crowding:.1f}",
            )
            for phase in (*result.phases, result.greeting)
        ],
    )
    print_table(
        "Group commands",
        (
            "commands",
            "LEDs: median ms",
            "99 % ms",
            "states told within, ms",
            "stats told within, ms",
            "offers shown within, ms",
            "heap growth, bytes",
        ),
        [
            (
                GROUP_COMMANDS,
                f"{statistics.median(result.latencies) * 1000:.0f}",
                f"{percentile(result.latencies, 99) * 1000:.0f}",
                f"{max(result.states) * 1000:.0f}",
                f"{max(result.stats) * 1000:.0f}",
                f"{max(result.offers) * 1000:.0f}",
                result.heap_growth,
            )
        ],
    )


def plot(result: Result, path: Path) -> None:
    """Draw how many boards were back after how many seconds, and the broker's new connections."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (back, herd, births) = pyplot.subplots(3, 1, figsize=(8, 10), layout="constrained")
    for phase in result.phases:
        seconds = sorted(phase.seconds)
        back.step([0, *seconds], range(len(seconds) + 1), where="post", label=phase.name)
        herd.plot(phase.attempts, marker="o", label=phase.name)
    for phase in (*result.phases, result.greeting):
        births.plot(phase.births, marker="o", label=phase.name)
    back.set(xlabel="seconds", ylabel="boards subscribed", title=f"{result.boards} boards")
    herd.set(xlabel="seconds", ylabel="new connections a second, at the broker")
    births.set(xlabel="seconds", ylabel="birth messages a second, at the broker")
    for axes in (back, herd, births):
        axes.legend()
        axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main() -> list[Goal]:
    """Measure a swarm of BOARDS, as `make bench` does."""
    return measure(BOARDS, PICTURE)


def raise_descriptor_limit() -> None:
    """Allow this process and the broker that it starts as many open files as the system lets them have.

    A board takes three here; the usual 1,024 are too few for 300.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def measure(count: int, picture: Path) -> list[Goal]:
    raise_descriptor_limit()
    with tempfile.TemporaryDirectory() as folder:
        result = play(count, Path(folder))
    print_result(result)
    plot(result, picture)
    print(f"The plot is in {picture.relative_to(ROOT)}")
    return goals(result)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="swarm", description="Many boards and one broker.")
    parser.add_argument("--boards", type=int, default=BOARDS)
    parser.add_argument("--plot", type=Path, default=PICTURE)
    options = parser.parse_args()
    if not 2 <= options.boards <= MAX_BOARDS:
        sys.exit(f"error: BOARDS= is a number from 2 to {MAX_BOARDS}")
    try:
        found = measure(options.boards, options.plot.absolute())
    except BoardError as error:
        sys.exit(f"error: {error}")
    print()
    for goal in found:
        print(goal)
    sys.exit(not all(goal.met for goal in found))
