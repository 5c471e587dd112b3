"""`make run`: a simulated board, a broker and a person's client play the remote light.

The board boots the same frozen firmware as the real one. Here, a client publishes `on` and `off` to
its command topic; the LEDs are drawn as they change. Then it is the person's turn to type.
"""

from __future__ import annotations

import signal

# make starts this with Ctrl-C ignored, so that none of Python's own imports tells of it.
signal.signal(signal.SIGINT, signal.SIG_DFL)  # until main() has something to leave in order

import argparse
import contextlib
import fcntl
import itertools
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho

from air import PINGRESP, Air
from broker import BrokerError, EmbeddedBroker, check_reachable
from led_view import LedView
from page_server import PAGE, serve_page
from person import Hands
from run_settings import RunSettings, of_broker, of_file
from screen import Keyboard, Screen
from simulated_board import DEFAULT_BOARD, ROOT, BoardError, Frame, SimulatedBoard

# simulated_board has put the project's folder on the path.
from ci.board.broker import find_password, leave, parse_address
from ci.boards import load_board
from ci.build.board_facts import facts
from ci.problem import Problem

HELP = 'type on, off, #ff8000, 255,128,0, 40%, {"state": "ON"}, stats: to the light\n'
HELP += "text Hello: to the board's display; "
HELP += "some/topic a payload: to that topic; help lists more, quit or Ctrl-C ends"
_ON_AND_OFF = 5  # s in which both can be seen; a ping comes after half of the keep alive
_PROBE = 120  # s that stand in for a keep alive of 0, as umqtt has them
_PATIENCE = 20  # s until it is said that the board does not listen


_screen = Screen()


def say(text: str) -> None:
    # Several threads tell what happens; print() would write the line and its end apart.
    _screen.write(text + "\n")


@dataclass
class Scenario:
    """What must have been seen for the run to count, and whether it was."""

    connected: bool = False
    subscribed: bool = False
    on: bool = False
    off: bool = False
    pings: int = 0
    encrypted: bool = False  # pings cannot be read then
    shortest: float = 0  # s in which all of them can be seen

    def missing(self) -> list[str]:
        wanted = {
            "the board never connected to the broker": self.connected,
            "the board never subscribed": self.subscribed,
            "the LEDs never went on": self.on,
            "the LEDs never went off after they had been on": self.off,
            "no ping was answered": self.pings > 0 or self.encrypted,
        }
        return [reason for reason, seen in wanted.items() if not seen]


@dataclass
class RemoteLight:
    board: str
    settings: RunSettings
    scenario: Scenario = field(default_factory=Scenario)

    def __post_init__(self) -> None:
        self.command_topic = self.settings.topic("command")
        mqtt = self.settings.settings["mqtt"]
        self.scenario.encrypted = bool(mqtt["tls"])
        self.scenario.shortest = _ON_AND_OFF + (mqtt["keepalive"] or _PROBE) / 2
        self.view = LedView(load_board(self.board), _screen)
        self.air = Air()
        self.display_topic = self.settings.topic("display")
        self.takes_texts = False
        self.ready = threading.Event()
        self.asked = ""
        self.refused = ""
        self.client = self.settings.make_client()
        self.client.on_connect = self.on_connect
        self.client.on_message = self.on_message

    # What the board does ------------------------------------------------------------

    def on_line(self, line: str) -> None:
        if line.startswith("mqtt: connected"):
            self.scenario.connected = True
        elif line.startswith(f"mqtt: subscribed {self.command_topic} "):
            self.scenario.subscribed = True
            self.ready.set()
        elif line.startswith(f"mqtt: subscribed {self.display_topic} "):
            self.takes_texts = True
        # A tool on the serial port sends what is no text.
        say("board: " + "".join(filter(str.isprintable, line)))

    def on_event(self, event: dict) -> None:
        if event["event"] == "frame":
            frame = Frame.from_event(event)
            lit = any(any(colour) for colour in frame.colours)
            self.scenario.on = self.scenario.on or (lit and self.asked == "on")
            if self.scenario.on and not lit and self.asked == "off":
                self.scenario.off = True
            self.view.show(frame)
        for direction, packet in self.air.packets(event):
            if direction == "in" and packet[0] == PINGRESP:
                self.scenario.pings += 1
                if self.scenario.pings == 1:
                    say("pings answered: 1 (the others are counted at the end)")

    # What the person's client sees ----------------------------------------------------

    def on_connect(self, client: paho.Client, _: object, __: object, code, *___: object) -> None:
        if not code.is_failure:
            status = self.settings.topic("status")
            topics = [self.settings.topic("state"), status, status and f"{status}/stats"]
            client.subscribe([(topic, 0) for topic in topics if topic])
        elif str(code) != self.refused:
            self.refused = str(code)
            say(f"client: the broker refuses this client, too: {code}")

    def on_message(self, _: paho.Client, __: object, message: paho.MQTTMessage) -> None:
        name = message.topic.removeprefix(f"{self.command_topic}/")
        say(f"{name}: {message.payload.decode(errors='replace')}")

    # What the person does -----------------------------------------------------------

    def publish(self, topic: str, payload: str) -> None:
        say(f"client: {topic} <- {payload}")
        if not self.client.is_connected():
            say("client: it is not connected to the broker; this waits until it is")
        elif topic == self.command_topic:
            self.asked = payload
            if not self.ready.is_set():
                say("client: the board does not follow this topic yet; its lines say why")
        self.client.publish(topic, payload, qos=1)

    def show(self, text: str) -> None:
        if self.takes_texts:
            self.publish(self.display_topic, text)
        else:
            say(
                "client: the board takes no texts; a simulated bpi-bit does, with "
                '"texts": true in its config.json, and a simulated mpython has no display'
            )

    def obey(self, line: str, hands: Hands) -> bool:
        """Do what was typed; return False if it asks for the end."""
        topic, _, payload = line.partition(" ")
        if line in ("quit", "exit"):
            return False
        if line == "help":
            say("\n".join([HELP, *hands.help()]))
        elif hands.obey(line):
            say(f"you: {line}")
        elif topic == "text":
            self.show(payload)
        elif "/" in topic and payload and not line.startswith(("{", "/")):
            if set(topic) & set("+#"):
                say("client: a topic to publish to has no + and no #")
            else:
                self.publish(topic, payload)
        elif line:
            self.publish(self.command_topic, line)
        return True

    def play(self, board: SimulatedBoard, seconds: float | None) -> None:
        """Publish on and off once, and what is typed, until the time or the person ends it."""
        hands, keyboard = Hands(board), Keyboard(_screen)
        started = time.monotonic()
        plan = [(1.0, "on"), (3.0, "off")]
        ready_since = None
        told = False
        while seconds is None or time.monotonic() < started + seconds:
            for line in keyboard.lines(0.1):
                try:
                    if not self.obey(line, hands):
                        return
                except BoardError as error:
                    say(f"board: {error}")
            now = time.monotonic()
            if board.process.poll() is not None:
                raise BoardError(f"the simulated board has ended; {board.tail()}")
            if self.ready.is_set():
                ready_since = ready_since or now
                if plan and now - ready_since >= plan[0][0]:
                    self.publish(self.command_topic, plan.pop(0)[1])
            elif not told and now - started > _PATIENCE:
                told = True
                say(
                    f"the board does not follow {self.command_topic}: its lines above say why; "
                    "until it does, what you type does not reach it"
                )

    def run(self, disk: Path, seconds: float | None, serial: bool) -> None:
        self.settings.prepare(disk)
        with contextlib.suppress(ValueError):
            say(f"disk: {disk.relative_to(ROOT)}")
        if (disk / "main.py").exists():
            say("disk: main.py is there; it runs in place of the firmware's program")
        say(f"wifi: {', '.join(point.ssid for point in self.settings.access_points)}")
        say(f"leds: 100% is {facts(load_board(self.board)).LED_BRIGHTNESS}% of what they can do")
        host, port = self.settings.broker
        try:
            self.client.connect(host, port)
        except OSError as error:
            raise BrokerError(f"a client cannot connect to {host}:{port}: {error}") from None
        self.client.loop_start()
        try:
            with SimulatedBoard(
                self.board,
                flash=disk,
                access_points=self.settings.access_points,
                commands=({"command": "capture", "value": True},),
                serial=serial,
                on_event=self.on_event,
                on_line=self.on_line,
            ) as board:
                if board.port:
                    say(f"serial port: {board.port.name}")
                say(HELP)
                self.play(board, seconds)
        finally:
            leave(self.client)


@contextlib.contextmanager
def disk_of(board: str) -> Iterator[Path]:
    """Give the folder that is the board's disk; one that is in use has the next beside it."""
    folder = ROOT / "build" / "run"
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        name = board if number == 1 else f"{board}-{number}"
        with (folder / f"{name}.lock").open("w") as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield folder / name
            return


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", default=DEFAULT_BOARD)
    parser.add_argument("--broker", metavar="HOST[:PORT]", help="instead of the built-in one")
    parser.add_argument("--user", help="who logs in there; the password is asked for")
    parser.add_argument("--tls", default="", help="1, or the file of a CA's certificate")
    parser.add_argument("--config", type=Path, help="a config.json to use instead of all these")
    parser.add_argument("--pty", action="store_true", help="put the board on a serial port")
    parser.add_argument("--seconds", type=float, help="end by itself, and say whether it worked")
    arguments = parser.parse_args()
    if (arguments.user or arguments.tls) and not arguments.broker:
        parser.error("USER and TLS go with BROKER=host[:port]")
    if arguments.config and arguments.broker:
        parser.error("the broker is in CONFIG's file already; leave BROKER out")
    return arguments


def choose_settings(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> RunSettings:
    """Return what to play with, as asked; without a broker, start one."""
    if arguments.config:
        settings = of_file(arguments.board, arguments.config)
        advice = f"check mqtt.server and mqtt.port in {arguments.config}"
        check_reachable(*settings.broker, advice)
    elif arguments.broker:
        broker = parse_address(arguments.broker, 8883 if arguments.tls else 1883)
        check_reachable(*broker)
        password = find_password(arguments.user) if arguments.user else ""
        settings = of_broker(
            arguments.board, broker, arguments.user or "", password, arguments.tls
        )
    else:
        embedded = stack.enter_context(EmbeddedBroker())
        show_page(embedded, stack)
        settings = of_broker(arguments.board, (embedded.host, embedded.port))
    return settings


def show_page(broker: EmbeddedBroker, stack: contextlib.ExitStack) -> None:
    """Serve the page, and say the link that opens it with this broker."""
    if not (PAGE / "index.html").exists():
        say("page: build/page/index.html is missing; type: make page")
        return
    address = stack.enter_context(serve_page())
    say(f"page: {address}#broker=ws://{broker.host}:{broker.websocket_port}")


def judge(scenario: Scenario, seconds: float | None) -> int:
    """Say how it went; return the exit status."""
    pings = "not to be seen under TLS" if scenario.encrypted else scenario.pings
    say(f"pings answered: {pings}")
    if seconds is None:
        return 0
    missing = scenario.missing()
    for reason in missing:
        print(f"error: {reason}", file=sys.stderr)
    if missing and seconds < scenario.shortest:
        told = f"SECONDS={seconds:g} is too short; at least {scenario.shortest:g}"
        print(f"error: {told}", file=sys.stderr)
    if not missing:
        say("it worked: the board connected and subscribed, and the light went on and off")
    return 1 if missing else 0


def interrupt_once(*_: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the next one must not break the leaving
    raise KeyboardInterrupt


def main() -> int:
    sys.stdout.reconfigure(errors="replace")  # a terminal that shows ASCII alone
    arguments = parse_arguments()
    signal.signal(signal.SIGINT, interrupt_once)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    scenario = Scenario()
    try:
        with contextlib.ExitStack() as stack:
            disk = stack.enter_context(disk_of(arguments.board))
            settings = choose_settings(arguments, stack)
            say("broker: %s:%d" % settings.broker)
            light = RemoteLight(arguments.board, settings, scenario)
            light.run(disk, arguments.seconds, arguments.pty)
    except KeyboardInterrupt:
        print()
    except (BrokerError, BoardError, Problem, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return judge(scenario, arguments.seconds)


if __name__ == "__main__":
    sys.exit(main())
