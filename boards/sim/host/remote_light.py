"""`make run`: a simulated board, a broker and a person's client play the remote light.

The board boots the same frozen firmware as the real one. Here, a client publishes `on` and `off` to
its command topic; the LEDs are drawn as they change, and pings are counted.
"""

from __future__ import annotations

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until main() has something to leave in order

import argparse
import contextlib
import json
import re
import select
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho

from air import PINGRESP, Air
from broker import BrokerError, EmbeddedBroker, check_reachable
from led_view import LedView
from simulated_board import DEFAULT_BOARD, ROOT, AccessPoint, BoardError, Frame, SimulatedBoard
from ci.boards import load_board  # simulated_board has put the project's folder on the path

ACCESS_POINT = AccessPoint("classroom", "chalk and talk")
# Short, so that a run of 15 s sees several pings; the firmware pings after half of it.
KEEPALIVE = 4
HELP = 'type on, off, #ff8000, 255,128,0, 40%, {"state": "ON"} or: topic payload   (Ctrl-C ends)'
# What goes to the light's own topic. No topic that a person types begins with a brace; JSON does,
# and has spaces.
PAYLOAD = re.compile(r"on|off|#[0-9a-fA-F]{6}|\d+%|\d+\s*,\s*\d+\s*,\s*\d+|\{.*")


def say(text: str) -> None:
    # Several threads tell what happens; print() would write the line and its end apart.
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@dataclass
class Scenario:
    """What must have been seen for the run to count, and whether it was."""

    connected: bool = False
    subscribed: bool = False
    on: bool = False
    off: bool = False
    pings: int = 0

    def missing(self) -> list[str]:
        wanted = {
            "the board never connected to the broker": self.connected,
            "the board never subscribed": self.subscribed,
            "the LEDs never went on": self.on,
            "the LEDs never went off after they had been on": self.off,
            "no ping was answered": self.pings > 0,
        }
        return [reason for reason, seen in wanted.items() if not seen]


@dataclass
class RemoteLight:
    board: str
    broker_host: str
    broker_port: int
    scenario: Scenario = field(default_factory=Scenario)

    def __post_init__(self) -> None:
        self.command_topic = f"{self.board}/light"  # a board's name is that of its folder
        self.view = LedView(load_board(self.board))
        self.air = Air()
        self.ready = threading.Event()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)

    def write_config(self, flash: Path) -> None:
        flash.mkdir(parents=True, exist_ok=True)
        settings = {
            "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
            "mqtt": {
                "server": self.broker_host,
                "port": self.broker_port,
                "keepalive": KEEPALIVE,
            },
            "topics": {
                "command": self.command_topic,
                "state": self.command_topic + "/state",
                "status": self.command_topic + "/status",
            },
        }
        (flash / "config.json").write_text(json.dumps(settings, indent=2))

    # What the board does ------------------------------------------------------------

    def on_line(self, line: str) -> None:
        if line.startswith("mqtt: connected"):
            self.scenario.connected = True
        elif line.startswith("mqtt: subscribed"):
            self.scenario.subscribed = True
            self.ready.set()
        say(f"board: {line}")

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
                say(f"pings answered: {self.scenario.pings}")

    # What the person does -----------------------------------------------------------

    asked = ""

    def publish(self, topic: str, payload: str) -> None:
        say(f"client: {topic} <- {payload}")
        if topic == self.command_topic:
            self.asked = payload
        self.client.publish(topic, payload, qos=1)

    def obey(self, line: str) -> None:
        line = line.strip()
        if not line:
            return
        topic, _, payload = line.partition(" ")
        if PAYLOAD.fullmatch(line):
            self.publish(self.command_topic, line)
        elif payload and not re.search(r"[#+]", topic):
            self.publish(topic, payload)
        else:
            say(HELP)

    def play(self, seconds: float | None) -> None:
        """Publish on and off once, then what is typed, until the time or the person ends it."""
        deadline = None if seconds is None else time.monotonic() + seconds
        if not self.ready.wait(seconds if seconds is not None else 60):
            return
        say(HELP)
        plan = [(1.0, "on"), (3.0, "off")]
        start = time.monotonic()
        listening = sys.stdin is not None and not sys.stdin.closed
        while deadline is None or time.monotonic() < deadline:
            if plan and time.monotonic() - start >= plan[0][0]:
                self.publish(self.command_topic, plan.pop(0)[1])
            if not listening:
                time.sleep(0.1)
            elif select.select([sys.stdin], [], [], 0.1)[0]:
                line = sys.stdin.readline()
                listening = line != ""
                self.obey(line)

    def run(self, seconds: float | None) -> None:
        flash = ROOT / "build" / "run" / self.board
        self.write_config(flash)
        self.client.connect(self.broker_host, self.broker_port)
        self.client.loop_start()
        try:
            with SimulatedBoard(
                self.board,
                flash=flash,
                access_points=(ACCESS_POINT,),
                commands=({"command": "capture", "value": True},),
                on_event=self.on_event,
                on_line=self.on_line,
            ):
                self.play(seconds)
        finally:
            self.client.disconnect()
            self.client.loop_stop()


def parse_broker(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    if not host or (port and not port.isdigit()):
        raise BrokerError(f"BROKER={text} is not host or host:port, such as 192.168.1.5:1883")
    return host, int(port or 1883)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", default=DEFAULT_BOARD)
    parser.add_argument("--broker", metavar="HOST[:PORT]", help="instead of the built-in one")
    parser.add_argument("--seconds", type=float, help="end by itself, and say whether it worked")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    scenario = Scenario()
    try:
        with contextlib.ExitStack() as stack:
            if arguments.broker:
                host, port = parse_broker(arguments.broker)
                check_reachable(host, port)
            else:
                broker = stack.enter_context(EmbeddedBroker())
                host, port = broker.host, broker.port
            say(f"broker: {host}:{port}")
            RemoteLight(arguments.board, host, port, scenario).run(arguments.seconds)
    except KeyboardInterrupt:
        print()
    except (BrokerError, BoardError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"pings answered: {scenario.pings}")
    if arguments.seconds is None:
        return 0
    for reason in scenario.missing():
        print(f"error: {reason}", file=sys.stderr)
    return 1 if scenario.missing() else 0


if __name__ == "__main__":
    sys.exit(main())
