"""The PC's side of the simulated board."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from simulated_board import BoardError, SimulatedBoard

PROGRAM = """
import time
print("first")
time.sleep_ms(200)
print("last")
"""


def slow_reader(line: str) -> None:
    if line == "first":
        time.sleep(3)


@pytest.fixture
def program(tmp_path: Path) -> tuple[str, ...]:
    script = tmp_path / "script.py"
    script.write_text(PROGRAM)
    return (str(script),)


def test_last_line_of_a_program_that_has_ended(program: tuple[str, ...]) -> None:
    with SimulatedBoard(arguments=program, on_line=slow_reader) as board:
        board.wait_line("last")


def test_no_wait_for_a_program_that_has_ended(program: tuple[str, ...]) -> None:
    with SimulatedBoard(arguments=program) as board:
        start = time.monotonic()
        with pytest.raises(BoardError, match="before the board's program ended.*\nfirst\nlast$"):
            board.wait_line("never", timeout=60)
        assert time.monotonic() - start < 30
