"""The simulated board on a serial port, as MicroPython's own tool finds it: mpremote, unchanged."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulated_board import SimulatedBoard

pytestmark = [pytest.mark.simulator, pytest.mark.serial]

Boot = Callable[..., SimulatedBoard]


@pytest.fixture
def boot(tmp_path: Path) -> Iterator[Boot]:
    """Boot a board on a serial port with files in its flash, and wait until it says `until`."""
    with ExitStack() as stack:

        def start(files: dict[str, str], until: str = "") -> SimulatedBoard:
            flash = tmp_path / "flash"
            flash.mkdir()
            for name, text in files.items():
                (flash / name).write_text(text)
            board = stack.enter_context(SimulatedBoard(flash=flash, serial=True))
            board.wait_line(until or "boot: ")
            return board

        yield start


def mpremote(board: SimulatedBoard, *arguments: object) -> str:
    """Return what the tool printed, after a good end."""
    result = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", board.port.name, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, f"{result.stdout}\n{bytes(board.port.said)!r}"
    return result.stdout


def starts_of(board: SimulatedBoard, cause: str) -> int:
    return sum(event.get("cause") == cause for event in list(board.events))


# A program of a pupil's that neither ends nor sleeps, and prints all the time.
BUSY = "print('busy')\nwhile True:\n    print('.')\n"


@pytest.mark.parametrize("main", [None, "print('busy')\nwhile True: pass\n", BUSY])
def test_ls_shows_files_and_sizes(boot: Boot, main: str | None) -> None:
    files = {"hello.txt": "hello", "config.json": "{}"}
    board = boot(files | ({"main.py": main} if main else {}), "busy" if main else "")
    shown = mpremote(board, "ls")
    assert "           5 hello.txt\n" in shown
    assert "           2 config.json\n" in shown


def test_ls_leaves_board_at_prompt(boot: Boot) -> None:
    """As on the chip, the soft reset of a tool at the raw prompt starts no main.py"""
    board = boot({"main.py": "print('main runs')\n"}, "main runs")
    mpremote(board, "ls")
    assert starts_of(board, "soft") == 1
    assert board.lines.count("main runs") == 1


def test_soft_reset_at_friendly_prompt_runs_main(boot: Boot) -> None:
    board = boot({"main.py": "print('main runs')\n"}, "main runs")
    board.wait("prompt", lambda: board.port.said.endswith(b">>> "))
    board.type("\x04")
    board.wait("second run", lambda: board.lines.count("main runs") == 2)
    assert b"MPY: soft reboot\r\n" in board.port.said


def test_cp_copies_both_ways(boot: Boot, tmp_path: Path) -> None:
    board = boot({})
    here, back = tmp_path / "here.bin", tmp_path / "back.bin"
    here.write_bytes(bytes(range(256)) * 40)
    mpremote(board, "cp", here, ":there.bin")
    assert (board.flash / "there.bin").read_bytes() == here.read_bytes()
    mpremote(board, "cp", ":there.bin", back)
    assert back.read_bytes() == here.read_bytes()


def test_run_prints_what_program_prints(boot: Boot, tmp_path: Path) -> None:
    board = boot({})
    program = tmp_path / "program.py"
    program.write_text("import board\nfor i in range(3): print(board.NAME, i)\n")
    assert mpremote(board, "run", program) == "mpython 0\nmpython 1\nmpython 2\n"


def test_exec_prints_what_line_prints(boot: Boot) -> None:
    board = boot({})
    assert mpremote(board, "exec", "import board; print(board.NAME)") == "mpython\n"


def test_reset_begins_program_again(boot: Boot) -> None:
    board = boot({"main.py": "print('main runs')\n"}, "main runs")
    mpremote(board, "reset")
    board.wait("hard reset", lambda: starts_of(board, "hard") == 1)
    board.wait("second run", lambda: board.lines.count("main runs") == 2)


def test_ctrl_c_twice_ends_no_board(boot: Boot) -> None:
    board = boot({"main.py": "print('busy')\nwhile True: pass\n"}, "busy")
    board.type("\x03\x03\x03")
    board.wait("prompt", lambda: board.port.said.endswith(b">>> "))
    board.type("print('forty' + '-two')\r")
    board.wait_line("forty-two")
    assert starts_of(board, "power") == 1


def test_what_is_typed_during_program_is_kept_unechoed(boot: Boot) -> None:
    main = "import time\nprint('busy')\ntime.sleep(1)\nprint('over')\n"
    board = boot({"main.py": main}, "busy")
    board.type("print('forty' + '-two')\r")
    board.wait_line("forty-two")
    said = bytes(board.port.said)
    assert said.index(b"over") < said.index(
        b"print('forty' + '-two')"
    ), "echoed before anybody read it"


def test_line_nobody_reads_does_not_stop_board(boot: Boot) -> None:
    main = "for i in range(3000): print('line', i)\nprint('over')\n"
    board = boot({"main.py": main}, "over")
    port = os.open(board.port.name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        while select.select([port], [], [], 0.2)[0]:
            os.read(port, 4096)
        os.write(port, b"print('forty' + '-two')\r")
        deadline = time.monotonic() + 60
        got = b""
        while b"forty-two\r\n" not in got:
            assert time.monotonic() < deadline, got
            if select.select([port], [], [], 0.2)[0]:
                got += os.read(port, 4096)
    finally:
        os.close(port)
