"""The trial of a new firmware: what keeps it, and what leads back to the earlier one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from boot_loader import NEW, PENDING_VERIFY, VALID, Entry, checksum, read_entries, write_entry
from ci.boards import Board
from ci.build.board_facts import read_pins
from flash_chip import FlashChip, NorFlash
from simulated_board import SimulatedBoard
from tests.classroom import wait_subscribed
from tests.images.fake_build import make_application
from tests.mosquitto import Mosquitto
from tests.setup.phone import Phone

pytestmark = pytest.mark.simulator

Boot = Callable[..., SimulatedBoard]


@pytest.fixture
def trial(chip: FlashChip, some_board: Board) -> FlashChip:
    """A chip whose second slot is started next, on trial."""
    chip.install(make_application(some_board, "1.3.0"), slot=1)
    (otadata,) = [region for region in chip.layout.partitions if region.name == "otadata"]
    write_entry(NorFlash(chip.data), otadata, 1, Entry(2, state=NEW, checksum=checksum(2)))
    return chip


def versions(board: SimulatedBoard) -> list[str]:
    """Return the versions that were started, in order."""
    return [line.split()[-1] for line in board.lines if f"boot: {board.board} " in line]


def wait_versions(board: SimulatedBoard, *expected: str, timeout: float = 180) -> None:
    board.wait(f"start of {expected}", lambda: tuple(versions(board)) == expected or None, timeout)


def test_broker_that_acknowledges_keeps_firmware(
    trial: FlashChip, start: Boot, mosquitto: Mosquitto
) -> None:
    mosquitto.stop()
    board = start(update={"trial": 600})
    board.wait_line("update: 1.3.0 is on trial; leave the board on")
    board.wait_line("mqtt: lost (refused")
    board.wait_frame(lambda frame: frame.colours[0][0] == 0 and min(frame.colours[0][1:]) > 0)
    assert "update: 1.3.0 is kept" not in board.lines
    mosquitto.start()
    board.wait_line("update: 1.3.0 is kept")
    board.command("reset")
    wait_versions(board, "1.3.0", "1.3.0")
    wait_subscribed(board, since=board.lines.index("update: 1.3.0 is kept"))


def test_without_status_topic_subscription_keeps_firmware(trial: FlashChip, start: Boot) -> None:
    board = start(topics={"status": ""})
    board.wait_line("update: 1.3.0 is kept")


def test_without_update_topic_firmware_is_kept(trial: FlashChip, start: Boot) -> None:
    board = start(topics={"update": ""})
    board.wait_line("update: 1.3.0 is kept")


def test_broker_that_refuses_leads_back(
    trial: FlashChip, start: Boot, mosquitto: Mosquitto
) -> None:
    mosquitto.stop()
    board = start()
    board.wait_line("update: 1.3.0 did not reach the broker in 1 min; going back to 1.2.0", 240)
    wait_versions(board, "1.3.0", "1.2.0")


def test_reset_button_leads_back(trial: FlashChip, start: Boot, mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    board = start(update={"trial": 600})
    board.wait_line("update: 1.3.0 is on trial")
    board.command("reset")
    mosquitto.start()
    board.wait_line("update: 1.3.0 fell back to 1.2.0: it failed, or reset was pressed")


def test_safe_mode_leads_back(trial: FlashChip, boot: Boot, some_board: Board) -> None:
    down = {"command": "pin", "id": read_pins(some_board)["BUTTON_A"], "value": 0}
    board = boot(flash_chip=trial.path, commands=(down,))
    board.wait_line("boot: safe mode, because button A is down")
    board.wait_line("update: this firmware is on trial; in 6 min the board goes back")


def test_set_up_leads_back_with_what_it_has_saved(
    trial: FlashChip, boot: Boot, some_board: Board
) -> None:
    down = {"command": "pin", "id": read_pins(some_board)["BUTTON_B"], "value": 0}
    board = boot(flash_chip=trial.path, commands=(down,))
    phone = Phone(board)
    phone.join()
    config = {"wifi": {"ssid": "at school", "password": "not in reach"}, "mqtt": {"server": "b"}}
    assert phone.propose(config, tried=False).status == 200
    wait_versions(board, "1.3.0", "1.2.0")
    phone.join(since=board.lines.index("setup: saved; restarting"))
    assert phone.get("/setup.json").json["config"]["wifi"] == {"ssid": "at school"}


def test_ctrl_c_leads_back_later(trial: FlashChip, start: Boot, mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    board = start(update={"trial": 600})
    board.wait_line("update: 1.3.0 is on trial")
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C")
    board.wait_line("update: this firmware is on trial; in 6 min the board goes back")
    # Six minutes are too long for a test: have the watchdog, which runs, wait for less.
    board.type("import machine\r\nmachine.WDT(timeout=100)\r\n")
    wait_versions(board, "1.3.0", "1.2.0")


BROKEN_IMPORT = """\
import builtins, os
if os.getenv("SIM_VERSION") == "1.3.0":
    find = builtins.__import__

    def find_all_but_one(name, *rest):
        if name == "version":
            raise ImportError("no module named 'version'")
        return find(name, *rest)

    builtins.__import__ = find_all_but_one
"""


def test_failed_import_leads_back(trial: FlashChip, boot: Boot) -> None:
    board = boot(files={"boot.py": BROKEN_IMPORT}, flash_chip=trial.path)
    board.wait_line("no module named 'version'")
    wait_versions(board, "1.2.0")  # the other one did not get as far


def test_main_py_is_started_after_one_more_reset(trial: FlashChip, boot: Boot) -> None:
    program = "import time\nprint('hello')\ntime.sleep(1000)\n"
    board = boot(files={"main.py": program}, flash_chip=trial.path)
    board.wait_line("hello")
    assert versions(board) == ["1.3.0", "1.3.0"]
    (otadata,) = [region for region in trial.layout.partitions if region.name == "otadata"]
    assert read_entries(NorFlash(trial.data), otadata)[1].state == VALID


def test_otadata_that_names_other_slot_is_left_alone(
    trial: FlashChip, start: Boot, mosquitto: Mosquitto
) -> None:
    # The new slot has rotted: the boot loader takes the earlier one, and still names the new one.
    trial.data[trial.layout.applications[1].offset + 5000] ^= 1
    board = start()
    wait_subscribed(board)
    assert versions(board) == ["1.2.0"]
    (otadata,) = [region for region in trial.layout.partitions if region.name == "otadata"]
    assert read_entries(NorFlash(trial.data), otadata)[1].state == PENDING_VERIFY
