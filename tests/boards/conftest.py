"""Tests of a board's own modules lie in a folder with its name, and are run on that board."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulated_board import program


@pytest.fixture
def own_board(request: pytest.FixtureRequest) -> str:
    """The board whose modules the test is about: that of its folder."""
    return request.path.parent.name


@pytest.fixture
def micropython(request: pytest.FixtureRequest) -> Path:
    """The simulated board that `run_script` uses: the test's `board`, or that of its folder."""
    name = "board" if "board" in request.fixturenames else "own_board"
    board = request.getfixturevalue(name)
    return program(board if name == "own_board" else board.name)
