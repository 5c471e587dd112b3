"""Files on the user's disk by the names of frozen modules: whom they stop, and who finds them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from simulated_board import DEFAULT_BOARD, SimulatedBoard, program
from tests.classroom import Person, wait_subscribed

Boot = Callable[..., SimulatedBoard]

# Built into the chip's firmware, where no file is looked for before them.
HARDWARE = {"esp32", "machine", "named_pins", "network", "power_on"}

# The names of the user's own programs.
PROGRAMS = {"boot", "handlers", "main"}


def frozen_names(board: str) -> set[str]:
    """Return the names of all modules that are frozen into a simulated board, as it holds them."""
    found = re.findall(rb"([A-Za-z_][\w/]*)\.py\0", program(board).read_bytes())
    names = {name.decode().split("/")[0] for name in found} - PROGRAMS
    assert {"board", "device", "rgb", "umqtt", "version", "wifi"} <= names
    return names


def files(board: str, content: str) -> dict[str, str]:
    """Return a file for every frozen name."""
    return {f"{name}.py": content for name in frozen_names(board)}


RAISES = "raise RuntimeError('a file of the user')\n"

HANDLERS = """\
import device, helper, topicmatch, wifi

assert topicmatch.TEXT == wifi.TEXT == "own"

@device.on("ask")
def ask(topic, message):
    import rgb                # in a function, the user's files are found as well
    device.publish("told", helper.TEXT + rgb.TEXT)
"""


def test_raising_files_leave_firmware_running(boot: Boot, person: Person, board_name: str) -> None:
    board = boot(board_name, files=files(board_name, RAISES))
    wait_subscribed(board)
    person.publish("light", "on")
    board.wait_line("lights: on")
    assert "RuntimeError" not in board.tail(99)


def test_raising_files_leave_safe_mode(boot: Boot) -> None:
    board = boot(
        files=files(DEFAULT_BOARD, RAISES) | {"main.py": "print('started')\n"},
        commands=({"command": "pin", "id": 0, "value": 0},),
    )
    board.wait_line("boot: safe mode")
    board.type("import rgb\r")
    board.wait_line("RuntimeError: a file of the user")


def test_files_loaded_by_boot_py_leave_firmware(boot: Boot) -> None:
    own = files(DEFAULT_BOARD, "OWN = True\n")
    imports = "".join(f"import {name[:-3]}\n" for name in own)
    board = boot(files=own | {"boot.py": imports + "print('loaded', rgb.OWN)\n"})
    board.wait_line("loaded True")
    wait_subscribed(board)


def test_handlers_find_own_files_and_device(
    boot: Boot, mosquitto, board_name: str  # type: ignore[no-untyped-def]
) -> None:
    own = files(board_name, "TEXT = 'own'\n") | {"helper.py": "TEXT = 'helped, '\n"}
    board = boot(board_name, files=own | {"handlers.py": HANDLERS})
    board.wait_line("mqtt: subscribed ask")
    person = Person(mosquitto, "told")
    try:
        person.publish("ask", "")
        assert person.receive("told") == b"helped, own"
        person.publish("light", "on")
        board.wait_line("lights: on")
    finally:
        person.close()


CALLBACKS = """\
import device, hashlib, timers

def tick():
    import rgb
    print("callback", rgb.TEXT, hashlib.TEXT)

timers.after(300, tick)
"""


def test_callback_of_timers_finds_own_files(boot: Boot) -> None:
    own = {f"{name}.py": "TEXT = 'own'\n" for name in ("rgb", "hashlib")}
    board = boot(files=own | {"handlers.py": CALLBACKS})
    board.wait_line("callback own own")


def test_main_py_finds_own_modules(boot: Boot, board_name: str) -> None:
    own = files(board_name, "OWN = True\n") | {"helper.py": "OWN = True\n"}
    names = sorted(name[:-3] for name in own)
    main = f"for name in {names}:\n    if not hasattr(__import__(name), 'OWN'):\n"
    main += "        print('not own:', name)\nprint('end')\n"
    board = boot(board_name, files=own | {"main.py": main})
    board.wait_line("end")
    found = {line.split(": ")[1] for line in board.lines if line.startswith("not own: ")}
    assert found <= HARDWARE


# With raising files of all other names, each frozen module can be imported.
IMPORT_EACH = """\
import os, sys
begin = sys.modules.copy()
for name, needs in NAMES:
    for each in needs:
        os.rename("/%s.py" % each, "/%s.away" % each)
    sys.modules.clear()
    sys.modules.update(begin)
    try:
        __import__(name)
        print("imported", name)
    except Exception as error:
        print("failed", name)
        sys.print_exception(error)
    for each in needs:
        os.rename("/%s.away" % each, "/%s.py" % each)
print("end")
"""


def test_frozen_modules_find_frozen_helpers(boot: Boot, board_name: str) -> None:
    """A program may bring its own rgb.py and yet import mpython"""
    own = files(board_name, RAISES)
    names = frozen_names(board_name) - HARDWARE
    # By its odd name the others ask for their helpers.
    rows = [(name, {name, "_frozen"}) for name in names]
    main = f"NAMES = {rows}\n" + IMPORT_EACH
    board = boot(board_name, files=own | {"main.py": main})
    board.wait_line("end")
    failed = [line for line in board.lines if line.startswith("failed")]
    assert not failed, "\n".join(board.lines)
    assert sum(line.startswith("imported") for line in board.lines) == len(names)


def test_umqtt_finds_matcher_beside_topicmatch_py(boot: Boot) -> None:
    main = (
        "from umqtt.robust import MQTTClient\n"
        "client = MQTTClient('name', 'broker')\n"
        "client.on('a/+', print)\n"
        "print('made')\n"
    )
    board = boot(files={"main.py": main, "topicmatch.py": RAISES})
    board.wait_line("made")


def test_wifi_start_finds_config_beside_device_py(boot: Boot) -> None:
    main = "import wifi\nwifi.start()\nprint('joined', wifi.isconnected())\n"
    board = boot(files={"main.py": main, "device.py": RAISES, "config.py": RAISES})
    board.wait_line("joined True")


def test_prompt_after_ctrl_c_finds_own_files(boot: Boot) -> None:
    board = boot(files={"rgb.py": "print('the own rgb')\n"})
    wait_subscribed(board)
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C")
    board.type("import rgb\r")
    board.wait_line("the own rgb")


def looked_up(board: SimulatedBoard) -> list[str]:
    return [event["path"] for event in board.events if event["event"] == "looked_up"]


def test_firmware_imports_look_up_no_file(boot: Boot, person: Person) -> None:
    """What it asks for are the user's programs, by their names"""
    board = boot()
    wait_subscribed(board)
    person.publish("light", "on")
    board.wait_line("lights: on")
    assert {Path(path).name for path in looked_up(board)} <= {"boot.py", "handlers.py"}


def test_user_imports_look_up_files(boot: Boot) -> None:
    """So the count above is one"""
    board = boot(files={"main.py": "import json\nprint('end')\n"})
    board.wait("lookup of json", lambda: any("json" in path for path in looked_up(board)))
