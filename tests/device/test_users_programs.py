"""What people write in /handlers.py, /main.py and config.json: mistakes are said, the board goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from simulated_board import SimulatedBoard
from tests.classroom import Person, settings, wait_subscribed
from tests.mosquitto import Mosquitto

Boot = Callable[..., SimulatedBoard]

BUTTON_A_DOWN = ({"command": "pin", "id": 0, "value": 0},)


def power_ons(board: SimulatedBoard) -> int:
    return sum(event["event"] == "power_on" for event in board.events)


# ---- safe mode


@pytest.mark.parametrize(
    "handlers",
    ["print('handlers ran')\n", "import machine\nmachine.reset()\n", "while True:\n    pass\n"],
    ids=["harmless", "resets", "hangs"],
)
def test_safe_mode_comes_before_handlers(boot: Boot, handlers: str) -> None:
    board = boot(files={"handlers.py": handlers}, commands=BUTTON_A_DOWN)
    board.wait_line("boot: safe mode")
    board.type("print(6*7)\r")
    board.wait_line("42")
    assert "handlers ran" not in board.lines and power_ons(board) == 1


def test_button_late_in_first_second_is_safe_mode(boot: Boot) -> None:
    """However long the start takes: pressed late in the second, before the handlers run"""
    board = boot(files={"handlers.py": "while True:\n    pass\n"})
    board.wait_line("boot: mpython")
    time.sleep(0.3)
    board.command("pin", id=0, value=0)
    board.wait_line("boot: safe mode")


@pytest.mark.parametrize("stopped", [False, True])
def test_boot_py_that_fails_leads_to_prompt(boot: Boot, stopped: bool) -> None:
    """ports/esp32/main.c starts no main.py after it, not even a frozen one"""
    own = "print('begins')\n" + ("while True:\n    pass\n" if stopped else "1 / 0\n")
    board = boot(files={"boot.py": own})
    board.wait_line("begins")
    if stopped:
        board.interrupt()
    board.wait_line("KeyboardInterrupt" if stopped else "ZeroDivisionError")
    board.type("print(6*7)\r")
    board.wait_line("42")
    assert not any(line.startswith("boot: ") for line in board.lines) and not board.frames()


# ---- handlers


def test_wrong_registrations_are_said(boot: Boot, person: Person) -> None:
    wrong = """\
import device
for topic_filter in (5, None, "a/#/b", ""):
    device.on(topic_filter)(print)
device.on("a", 7)(print)

@device.on("fine")
def fine(topic, message):
    print("fine", message.decode())

@device.on
def forgotten(topic, message):
    pass
"""
    board = boot(files={"handlers.py": wrong})
    board.wait_line("mqtt: subscribed fine")
    for topic_filter in ("5", "None", "'a/#/b'", "''"):
        board.wait_line(f"/handlers.py: topic filter {topic_filter}: ")
    board.wait_line("'a/#/b': + and # must stand alone between slashes, # last")
    board.wait_line("/handlers.py: topic filter 'a': qos must be 0, 1 or 2")
    board.wait_line('TypeError: a handler needs its topic filter: write @device.on("class/lamp")')
    person.publish("fine", "1")
    board.wait_line("fine 1")


def test_handlers_of_command_topic_add_to_lamp(boot: Boot, person: Person) -> None:
    """Several handlers of one filter are all called, with the highest QoS"""
    more = """\
import device
for name in ("first", "second"):
    device.on("light")(lambda topic, message, name=name: print(name, message.decode()))
"""
    board = boot(files={"handlers.py": more})
    board.wait_line("mqtt: subscribed light qos=1")
    person.publish("light", "#010203")
    for line in ("lights: on #010203 100%", "first #010203", "second #010203"):
        board.wait_line(line)


@pytest.mark.parametrize("rate", [0, 60])
def test_wrong_publish_raises_in_handler(boot: Boot, mosquitto: Mosquitto, rate: int) -> None:
    """Also where messages wait for their turn: the board goes on, and names the line"""
    wrong = """\
import device
buffer = bytearray(b"before")
WRONG = {
    b"payload": lambda: device.publish("b", 42),
    b"wildcard": lambda: device.publish("b/#", "x"),
    b"topic": lambda: device.publish(42, "x"),
    b"qos": lambda: device.publish("b", "x", qos=7),
}

@device.on("wrong")
def wrong(topic, message):
    WRONG[message]()

@device.on("right")
def right(topic, message):
    device.publish("b", buffer)
    buffer[:] = b"after "
"""
    person = Person(mosquitto, "b")
    try:
        config = settings(mosquitto, **({"rate": rate} if rate else {}))
        board = boot(config=config, files={"handlers.py": wrong})
        board.wait_line("mqtt: subscribed right")
        for what in ("payload", "wildcard", "topic", "qos"):
            seen = len(board.lines)
            person.publish("wrong", what)
            board.wait_line('File "/handlers.py", line', since=seen)
            board.wait_line("Error: ", since=seen)
        person.publish("right", "")
        assert person.receive("b") == b"before"
        time.sleep(0.5)
        assert power_ons(board) == 1 and not any("has failed" in line for line in board.lines)
    finally:
        person.close()


def test_handler_slower_than_keep_alive_reconnects(boot: Boot, mosquitto: Mosquitto) -> None:
    # Mosquitto looks at keep alives every 6 s: what exceeds 3 s is closed within 9.
    slow = """\
import device, time

@device.on("slow")
def slow(topic, message):
    time.sleep(12)
    device.publish("done", "")
"""
    person = Person(mosquitto, "done")
    try:
        board = boot(config=settings(mosquitto, keepalive=2), files={"handlers.py": slow})
        board.wait_line("mqtt: subscribed slow")
        person.publish("slow", "")
        lost = board.wait_line("mqtt: lost (the broker closed the connection)")
        board.wait_line("mqtt: connected", since=board.lines.index(lost))
    finally:
        person.close()


@pytest.mark.parametrize(
    "leaving",
    [
        "raise SystemExit",
        "@device.connected\ndef leave():\n    raise SystemExit",
        "@device.every(100)\ndef leave():\n    raise SystemExit",
        "@device.on('leave')\ndef leave(topic, message):\n    raise SystemExit",
    ],
    ids=["file", "connected", "every", "on"],
)
def test_exit_in_handlers_is_said(boot: Boot, person: Person, leaving: str) -> None:
    """It would be a soft reset, and again at the same place after it, forever."""
    person.publish("leave", "x", retain=True)
    board = boot(files={"handlers.py": f"import device\n{leaving}\n"})
    board.wait_line("SystemExit")
    wait_subscribed(board)
    person.publish("light", "on")
    board.wait_line("lights: on")
    assert power_ons(board) == 1


# ---- topics that overlap


def test_command_topic_covering_own_state_ends(boot: Boot, mosquitto: Mosquitto) -> None:
    person = Person(mosquitto, "room/#")
    try:
        topics = {"command": "room/#", "state": "room/state", "status": "room/status"}
        board = boot(config={**settings(mosquitto), "topics": topics})
        board.wait_line("mqtt: subscribed room/# qos=1")
        person.publish("room/lamp", "on")
        board.wait_line("lights: on")
        time.sleep(1)
        assert person.messages.qsize() < 8 and len(board.lines) < 12, board.tail()
    finally:
        person.close()


def test_command_topic_equal_to_state_is_refused(boot: Boot, mosquitto: Mosquitto) -> None:
    """Commands could not be told from answers"""
    topics = {"command": "room", "state": "room", "status": "room"}
    board = boot(config={**settings(mosquitto), "topics": topics})
    for key in ("state", "status"):
        board.wait_line(f"config: topics.{key}: the same as topics.command")


def test_only_changes_are_told(boot: Boot, mosquitto: Mosquitto) -> None:
    person = Person(mosquitto, "light/state")
    try:
        board = boot()
        board.wait_line("mqtt: subscribed light")
        person.receive("light/state")
        for command in ("on", "on", "#ffffff", "off"):
            person.publish("light", command)
        states = [person.receive("light/state") for _ in range(2)]
        assert [b"ON" in state for state in states] == [True, False]
        board.wait_line("lights: off")
        time.sleep(0.5)
        assert person.messages.empty()
    finally:
        person.close()


# ---- the end of a program


def check_offline(broker: Mosquitto) -> None:
    """Check that the status which the broker keeps is `offline`, once it has read that."""
    person = Person(broker, "light/status")
    try:
        while person.receive("light/status") != b"offline":
            pass
    finally:
        person.close()


def test_ctrl_c_publishes_offline(boot: Boot, mosquitto: Mosquitto) -> None:
    """DISCONNECT takes the last will with it, so the board says it itself"""
    board = boot()
    board.wait_line("mqtt: subscribed light")
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C")
    check_offline(mosquitto)


def test_ctrl_c_at_connack_publishes_offline(boot: Boot, mosquitto: Mosquitto) -> None:
    """Before `online` has been published, messages of the program still wait in the link"""
    early = """\
from device import client

def on_connected(self, session_present):
    raise KeyboardInterrupt

client.Client.on_connected = on_connected
"""
    board = boot(files={"handlers.py": early})
    board.wait_line("boot: stopped by Ctrl-C")
    check_offline(mosquitto)


def test_ctrl_c_after_failure_leads_to_quiet_prompt(boot: Boot) -> None:
    """The watchdog must not reset the board under a person's hands"""
    failing = """\
import machine
from device import link

def step(self):
    machine.WDT(timeout=5000)  # else it waits for a minute
    raise ValueError("on purpose")

link.Link.step = step
"""
    board = boot(files={"handlers.py": failing})
    board.wait_line("boot: the program has failed; resetting the board in 10 s")
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C")
    time.sleep(6)
    board.type("print(6*7)\r")
    board.wait_line("42")
    assert power_ons(board) == 1


@pytest.mark.parametrize("program", ["print(\n", "import rgb\nrgb.leds()[0] = 7\n"])
def test_main_py_that_fails_shows_red(boot: Boot, program: str) -> None:
    board = boot(files={"main.py": program})
    board.wait_line("Traceback")
    frame = board.wait_frame(
        lambda frame: any(any(colour) for colour in frame.colours[:1]) and not frame.colours[0][2]
    )
    red, green, blue = frame.colours[0]
    assert red and not green and not any(any(colour) for colour in frame.colours[1:])


def test_two_frames_lead_from_loop_to_client(boot: Boot) -> None:
    """The program's `run` and the link's `step`: memory and patience are short on a board"""
    failing = """\
from device import client

def step(self, milliseconds):
    raise ValueError("on purpose", client.missing)

client.Client.step = step
"""
    board = boot(files={"handlers.py": failing})
    board.wait_line("boot: the program has failed; resetting the board in 10 s")
    frames = [line.strip() for line in board.lines if line.startswith('  File "device/')]
    assert [frame.split('"')[1] for frame in frames] == ["device/program.py", "device/link.py"]
    assert [frame.split()[-1] for frame in frames] == ["run", "step"]


def test_main_py_goes_on_with_names_of_boot_py(boot: Boot) -> None:
    """And with those alone: none of the firmware's own"""
    main = "print(count + 1, __name__, __file__, 'imports' in globals(), 'rgb' in globals())\n"
    board = boot(files={"boot.py": "count = 41\n", "main.py": main})
    board.wait_line("42 __main__ /main.py False False")


def test_names_of_main_py_are_there_at_prompt(boot: Boot) -> None:
    board = boot(files={"main.py": "count = 41\nprint('begins')\nwhile True:\n    pass\n"})
    board.wait_line("begins")
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C")
    board.type("print(count + 1)\r")
    board.wait_line("42")


UNPRINTABLE = """\
import device

class Odd(Exception):
    def __repr__(self):
        raise ValueError("no text")

    __str__ = __repr__

@device.on("odd")
def odd(topic, message):
    raise Odd()
"""


def test_error_that_cannot_be_printed_is_counted(boot: Boot, person: Person) -> None:
    board = boot(files={"handlers.py": UNPRINTABLE})
    wait_subscribed(board)
    board.wait_line("mqtt: subscribed odd")
    person.publish("odd", "")
    board.wait_line("Odd, which cannot be printed")
    person.publish("light", "on")
    board.wait_line("lights: on")


STOPS_IMPORT = """\
import builtins, sys

stock = __import__
sys.modules["mine"] = sys

def stop(name, *rest):
    if name == "rgb":
        builtins.__import__ = stock
        raise KeyboardInterrupt
    return stock(name, *rest)

builtins.__import__ = stop
"""


def test_ctrl_c_in_first_imports_leaves_stock_path(boot: Boot) -> None:
    board = boot(files={"boot.py": STOPS_IMPORT})
    board.wait_line("KeyboardInterrupt")
    board.type("import sys; print('path', sys.path, 'mine' in sys.modules)\r\n")
    board.wait_line("path ['', '.frozen', '/lib'] True")
