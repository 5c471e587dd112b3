"""Thonny itself on a board's serial port: it gets the prompt from every state, and the board goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ci.boards import board_names
from simulated_board import SimulatedBoard
from tests.classroom import wait_subscribed
from tests.setup import improv_client
from tests.setup.improv_client import ImprovClient
from tests.setup.phone import Phone
from tests.setup.test_improv import call
from tests.setup.thonny import Thonny, open_thonny

pytestmark = [
    pytest.mark.browser,
    pytest.mark.simulator,
    pytest.mark.serial,
    pytest.mark.mosquitto,
]

PROGRAM = b'print("saved by Thonny")\n' * 200  # more than one of the pieces that it sends

# A pupil's program that does not end, and prints all the time: 2 KB a second, of the 11 that a board's
# line takes.
BUSY = "import time\nprint('busy')\nwhile True:\n    print('busy')\n    time.sleep_ms(3)\n"


def work(thonny: Thonny, board: SimulatedBoard) -> None:
    """Do what a pupil does: an expression, the list of files, one opened, one saved and opened again."""
    assert "]42[" in thonny.run("6 * 7")  # a link to what the object inspector shows
    thonny.write_file("/lesson.py", PROGRAM)
    assert thonny.read_file("/lesson.py") == PROGRAM == (board.flash / "lesson.py").read_bytes()
    config = (board.flash / "config.json").read_bytes()
    sizes = {name: file["size"] for name, file in thonny.list_files().items()}
    assert sizes == {"lesson.py": len(PROGRAM), "config.json": len(config)}
    assert thonny.read_file("/config.json") == config


@pytest.mark.parametrize("board_name", board_names())
def test_thonny_stops_program_which_goes_on(
    boot: Callable[..., SimulatedBoard], tmp_path: Path, board_name: str
) -> None:
    board = boot(board_name, serial=True)
    assert board.port
    wait_subscribed(board)
    with open_thonny(board.port.name, tmp_path / "thonny") as thonny:
        assert "boot: stopped by Ctrl-C" in thonny.shown
        work(thonny, board)
        begin = len(board.lines)
        thonny.reset()
        wait_subscribed(board, begin)
    # Nothing is left of it on the board; the button Stop/Restart finds the program, and stops it again.
    with open_thonny(board.port.name, tmp_path / "thonny", again=True) as thonny:
        work(thonny, board)
        begin = len(board.lines)
        thonny.begin("import machine; machine.reset()")
        wait_subscribed(board, begin)


@pytest.mark.parametrize("board_name", board_names())
@pytest.mark.parametrize("asked", (False, True), ids=("open", "asked"))
def test_thonny_stops_set_up_which_opens_again(
    set_up: Callable[..., Phone], tmp_path: Path, board_name: str, asked: bool
) -> None:
    phone = set_up(board_name, joined=False, serial=True)
    phone.read_line()
    board = phone.board
    assert board.port
    if asked:
        client = ImprovClient(board.port.name)
        assert client.ask_state() == improv_client.READY
        client.close()
    with open_thonny(board.port.name, tmp_path / "thonny") as thonny:
        assert "boot: stopped by Ctrl-C" in thonny.shown
        work(thonny, board)
        begin = len(board.lines)
        thonny.reset()
        phone.join(begin)
        board.wait_line("setup: somebody has joined", since=begin)


def test_thonny_stops_board_that_client_has_called(
    boot: Callable[..., SimulatedBoard], tmp_path: Path
) -> None:
    board = boot(serial=True)
    assert board.port
    wait_subscribed(board)
    client = ImprovClient(board.port.name)
    call(client)
    client.close()
    with open_thonny(board.port.name, tmp_path / "thonny") as thonny:
        work(thonny, board)
        begin = len(board.lines)
        thonny.reset()
        wait_subscribed(board, begin)
    # Who asked before is forgotten.
    with open_thonny(board.port.name, tmp_path / "thonny") as thonny:
        assert "boot: stopped by Ctrl-C" in thonny.shown


@pytest.mark.parametrize("again", (False, True), ids=("start", "restart"))
def test_thonny_stops_program_that_prints_on_and_on(
    boot: Callable[..., SimulatedBoard], tmp_path: Path, again: bool
) -> None:
    board = boot(files={"main.py": BUSY}, serial=True)
    assert board.port
    board.wait_line("busy")
    with open_thonny(board.port.name, tmp_path / "thonny", again) as thonny:
        assert "]42[" in thonny.run("6 * 7")
        begin = len(board.lines)
        thonny.reset()
        board.wait_line("busy", since=begin)
        thonny.interrupt()
        assert "]42[" in thonny.run("6 * 7")


def test_thonny_stops_board_that_has_just_started(
    boot: Callable[..., SimulatedBoard], tmp_path: Path
) -> None:
    """Plugged in, and found by Thonny while the board waits for a button."""
    board = boot(serial=True)
    assert board.port
    board.wait_line("boot: ")
    with open_thonny(board.port.name, tmp_path / "thonny") as thonny:
        work(thonny, board)
        begin = len(board.lines)
        thonny.reset()
        wait_subscribed(board, begin)
