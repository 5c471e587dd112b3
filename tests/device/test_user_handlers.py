"""What /handlers.py may use besides @device.on: connected, every, lamp, leds, early messages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from simulated_board import SimulatedBoard
from tests.classroom import Person, settings, wait_subscribed
from tests.mosquitto import Mosquitto

Boot = Callable[..., SimulatedBoard]


def test_names_of_page_exist(boot: Boot, root: Path) -> None:
    page = (root / "docs" / "handlers.md").read_text()
    names = re.findall(r"^\| `device\.(\w+)` \|", page, re.MULTILINE)
    methods = re.findall(r"`(\w+)\(", page.split("`device.lamp` |")[1].split("\n")[0])
    assert len(names) == 6 and len(methods) >= 5
    board = boot(
        files={
            "handlers.py": "import device\n"
            f"print('missing:', [name for name in {names} if not hasattr(device, name)])\n"
            f"print('lamp:', [name for name in {methods} if not hasattr(device.lamp, name)])\n"
        }
    )
    board.wait_line("missing: []")
    board.wait_line("lamp: []")


def test_example_of_page_runs(boot: Boot, root: Path, mosquitto: Mosquitto) -> None:
    page = (root / "docs" / "handlers.md").read_text()
    example = page.split("```python\n")[1].split("```")[0]
    person = Person(mosquitto, "class/#", "light/state")
    try:
        boot(files={"handlers.py": example})
        assert person.receive("class/here") == b"desk 7"
        assert b'"ON"' in person.receive("light/state") or b'"ON"' in person.receive("light/state")
        person.publish("class/7/lamp", "on")
        assert person.receive("class/seen") == b"on"
    finally:
        person.close()


CONNECTED = """\
import device

@device.connected
def hello():
    print("hello", device.lamp.is_on())
    device.publish("light/hello", "x", qos=1)

@device.connected
def fail():
    raise RuntimeError("on purpose")
"""


def test_connected_is_called_after_each_connect(
    boot: Boot, mosquitto: Mosquitto, person: Person
) -> None:
    board = boot(files={"handlers.py": CONNECTED})
    assert person.receive("light/status") == b"online"
    assert person.receive("light/hello") == b"x"
    board.wait_line("RuntimeError: on purpose")
    seen = len(board.lines)
    mosquitto.stop(kill=True)
    mosquitto.start()
    board.wait_line("hello False", since=seen)
    board.wait_line("RuntimeError: on purpose", since=seen)
    wait_subscribed(board, since=seen)


LATE = """\
import device

@device.connected
def late():
    @device.on("late")
    def never(topic, message):
        pass
"""


def test_registration_in_function_is_said(boot: Boot) -> None:
    """It came too late, and nothing told so"""
    board = boot(files={"handlers.py": LATE})
    board.wait_line("RuntimeError: @device... belongs in /handlers.py, outside its functions")
    wait_subscribed(board)


def test_registration_in_main_py_is_said(boot: Boot) -> None:
    board = boot(files={"main.py": "import device\n@device.every(1000)\ndef tick(): pass\n"})
    board.wait_line("RuntimeError: @device... belongs in /handlers.py, outside its functions")


EVERY = """\
import device, time

began = time.ticks_ms()
count = 0

@device.every(100)
def tick():
    global count
    count += 1
    if count == 2:
        raise RuntimeError("on purpose")
    if count % 10 == 0:
        print("tick", count, time.ticks_diff(time.ticks_ms(), began))

@device.every(1)
def often():
    pass
"""


def test_every_is_called_in_its_rhythm(boot: Boot, mosquitto: Mosquitto) -> None:
    """Also while the broker is away; an exception is told, and the next call comes"""
    mosquitto.stop()
    board = boot(files={"handlers.py": EVERY})
    line = board.wait_line("tick 20 ")
    assert sum("RuntimeError: on purpose" in line for line in board.lines) == 1
    # A busy machine may take longer, never less.
    assert 2000 <= int(line.split()[-1]) < 30000


def test_every_runs_between_messages(boot: Boot, person: Person) -> None:
    publish = """\
import device
@device.every(50)
def tick():
    device.publish("light/tick", "x")
"""
    board = boot(files={"handlers.py": publish})
    wait_subscribed(board)
    for _ in range(10):
        assert person.receive("light/tick") == b"x"
    person.publish("light", "on")
    board.wait_line("lights: on")
    assert person.receive("light/tick") == b"x"


WRONG = """\
import device
for wrong in (
    lambda: device.connected("hello"),
    lambda: device.connected(),
    lambda: device.every(print),
    lambda: device.every("1"),
    lambda: device.every(0),
    lambda: device.every(1 << 30),
):
    try:
        wrong()
        print("not refused")
    except (TypeError, ValueError) as error:
        print("refused:", error)
print("end")
"""


def test_wrong_decorators_are_refused(boot: Boot) -> None:
    board = boot(files={"handlers.py": WRONG})
    board.wait_line("end")
    assert "not refused" not in board.lines
    assert sum(line.startswith("refused: ") for line in board.lines) == 6
    assert "refused: write @device.connected without brackets, above a function" in board.lines
    needed = "refused: a period in milliseconds is needed: write @device.every(1000)"
    assert board.lines.count(needed) == 2


LAMP = """\
import device

@device.on("order")
def order(topic, message):
    exec("device.lamp." + message.decode())
"""


def test_lamp_changed_by_handler_is_published(boot: Boot, mosquitto: Mosquitto) -> None:
    person = Person(mosquitto, "light/state")
    try:
        board = boot(files={"handlers.py": LAMP})
        board.wait_line("mqtt: subscribed order")
        assert json.loads(person.receive("light/state"))["state"] == "OFF"
        for order, line, state in (
            ("on()", "lights: on #ffffff 100%", ("ON", 255, 255)),
            ("colour(1, 2, 3)", "lights: on #010203 100%", ("ON", 3, 255)),
            ("brightness(40)", "lights: on #010203 40%", ("ON", 3, 102)),
            ("off()", "lights: off", ("OFF", 3, 102)),
        ):
            seen = len(board.lines)
            person.publish("order", order)
            board.wait_line(line, since=seen)
            told = json.loads(person.receive("light/state"))
            assert (told["state"], told["color"]["b"], told["brightness"]) == state
        person.publish("light", "on")
        board.wait_line("lights: on #010203 40%", since=seen)
    finally:
        person.close()


def test_lamp_with_wrong_value_is_handlers_error(boot: Boot, person: Person) -> None:
    board = boot(files={"handlers.py": LAMP})
    board.wait_line("mqtt: subscribed order")
    person.publish("order", "brightness(101)")
    board.wait_line("ValueError: 101 is not a whole number from 0 to 100")
    person.publish("light", "on")
    board.wait_line("lights: on #ffffff 100%")


def test_leds_are_board_rgb(boot: Boot) -> None:
    draw = """\
import device, rgb
print("the same:", device.leds is rgb.leds(), len(device.leds))
device.leds[1] = (0, 255, 0)
device.leds.write()
"""
    board = boot(files={"handlers.py": draw})
    board.wait_line("the same: True 3")
    board.wait_frame(lambda frame: frame.colours[1][1] > 0 and not any(frame.colours[1][::2]))


@pytest.mark.parametrize("rate", [0, 600])
def test_early_messages_wait_for_first_connection(
    boot: Boot, mosquitto: Mosquitto, person: Person, rate: int
) -> None:
    # Where a platform limits the rate, 16 topics can wait in all, the board's own among them.
    count = 12 if rate else 16
    early = "import device\n"
    early += f"for i in range({count}):\n    device.publish('light/%d' % i, 'early', qos=1)\n"
    config = settings(mosquitto, **({"rate": rate} if rate else {}))
    board = boot(config=config, files={"handlers.py": early})
    if not rate:
        assert person.receive("light/status") == b"online"
    for i in range(count):
        assert person.receive(f"light/{i}") == b"early"
    assert not any("dropped" in line for line in board.lines)


def test_early_messages_beyond_queue_are_dropped(boot: Boot, person: Person) -> None:
    early = "import device\nfor i in range(18):\n    device.publish('light/%d' % i, 'early')\n"
    board = boot(files={"handlers.py": early})
    assert person.receive("light/15") == b"early"
    wait_subscribed(board)
    assert board.lines.count("mqtt: not connected; a message was dropped") == 2


def test_message_in_outage_is_dropped(boot: Boot, mosquitto: Mosquitto) -> None:
    """Only the first connection is waited for: what is old would surprise later"""
    publish = "import device\n@device.every(200)\ndef tick():\n    device.publish('a', 'x')\n"
    board = boot(files={"handlers.py": publish})
    wait_subscribed(board)
    mosquitto.stop(kill=True)
    board.wait_line("mqtt: not connected; a message was dropped")


def test_publish_without_program_says_so(boot: Boot) -> None:
    board = boot(files={"main.py": "import device\ndevice.publish('a', 'b')\n"})
    board.wait_line("OSError: the firmware's program does not run; this is for /handlers.py")
