"""Programs of the client, in the simulated firmware."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.umqtt.client_program import ClientProgram


@pytest.fixture
def run(micropython: Path, tmp_path: Path) -> Iterator[Callable[[str, int], ClientProgram]]:
    """Start a program against a port."""
    programs: list[ClientProgram] = []

    def start(program: str, port: int) -> ClientProgram:
        programs.append(ClientProgram(micropython, tmp_path, program, port))
        return programs[-1]

    yield start
    for program in programs:
        program.stop()
