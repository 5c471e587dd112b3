"""Updates of a whole simulated board: its flash chip, its boot loader, a broker and a sender."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ci.boards import Board
from flash_chip import FlashChip
from simulated_board import SimulatedBoard
from tests.device.update.sender import Sender
from tests.device.update.stand_ins import make_command
from tests.images.fake_build import make_application

pytestmark = pytest.mark.simulator

Boot = Callable[..., SimulatedBoard]


def command_for(image: bytes, board: Board, version: str, **values: Any) -> bytes:
    idf = image[144:176].split(b"\0")[0].decode()
    return make_command(image, {"board": board.name, "version": version, "idf": idf}, **values)


def files_of(board: SimulatedBoard) -> dict[str, bytes]:
    assert board.flash is not None
    return {path.name: path.read_bytes() for path in sorted(board.flash.iterdir())}


def test_update_is_loaded_tried_and_kept(
    start: Boot, make_sender: Callable[[bytes], Sender], some_board: Board, chip: FlashChip
) -> None:
    image = make_application(some_board, "1.3.0")
    sender = make_sender(image)
    board = start(files={"handlers.py": "# a pupil's\n"})
    assert sender.wait("idle")["version"] == "1.2.0"
    files = files_of(board)
    sender.publish(command_for(image, some_board, "1.3.0"))
    kept = sender.wait("kept")
    assert (kept["id"], kept["version"], kept["from"]) == ("3f2a9c10", "1.3.0", "1.2.0")
    board.wait_line("update: 1.3.0 is kept")
    states = [each["state"] for each in sender.results]
    assert states[0] == "idle" and states[-3:] == ["restarting", "trial", "kept"], states
    assert chip.slot(1)[: len(image)] == image
    assert files_of(board) == files
    since = len(sender.results)
    board.command("reset")
    assert sender.wait("idle", since=since)["version"] == "1.3.0"
    last = sender.states[-1]
    assert last["installed_version"] == last["latest_version"] == "1.3.0"
    assert last["in_progress"] is False


# How the new firmware fails (boards/sim/modules/bad_image.py), and what the earlier one says of it.
BAD = {
    "panic": "it failed, or reset was pressed during the trial; see the serial port",
    "exception": "the program stopped, and the watchdog reset it",
    "hang": "the program stopped, and the watchdog reset it",
    "nowifi": "1.3.0 did not reach the broker in 1 min",
    "badconfig": "1.3.0 does not take the configuration",
}


@pytest.mark.parametrize("how", BAD)
def test_bad_image_falls_back(
    start: Boot, make_sender: Callable[[bytes], Sender], some_board: Board, how: str
) -> None:
    image = make_application(some_board, "1.3.0", bad=how)
    sender = make_sender(image)
    board = start()
    sender.wait("idle")
    files = files_of(board)
    sender.publish(command_for(image, some_board, "1.3.0"))
    fell_back = sender.wait("fell_back")
    assert fell_back["reason"] == BAD[how], board.tail(40)
    assert (fell_back["id"], fell_back["version"]) == ("3f2a9c10", "1.3.0")
    assert (fell_back["from"], fell_back["code"]) == ("1.2.0", "fell_back")
    board.wait_line(f"update: 1.3.0 fell back to 1.2.0: {BAD[how]}")
    assert files_of(board) == files
    # It is said again after each start, and the image is not taken again by itself.
    since = len(sender.results)
    board.command("reset")
    assert sender.wait("fell_back", since=since)["reason"] == BAD[how]
    sender.publish(command_for(image, some_board, "1.3.0"))
    assert sender.wait("refused")["code"] == "again"
