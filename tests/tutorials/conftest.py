"""Runs a tutorial's program on the simulated board, as a pupil does: saved as main.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from air import Air
from simulated_board import SimulatedBoard

Run = Callable[..., SimulatedBoard]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Put files on a board, power it on, and capture what goes through the air."""
    with ExitStack() as stack:

        def start(
            board: str, files: dict[str, str], *commands: dict[str, Any], **options: Any
        ) -> SimulatedBoard:
            flash = tmp_path / "flash"
            flash.mkdir()
            for name, text in files.items():
                (flash / name).write_text(text)
            capture = {"command": "capture", "value": True}
            return stack.enter_context(
                SimulatedBoard(board, flash=flash, commands=(capture, *commands), **options)
            )

        yield start


def packet_times(board: SimulatedBoard, direction: str, kind: int) -> list[float]:
    """Return when the MQTT packets that begin with `kind` went `in` or `out`, in seconds."""
    air = Air()
    return [
        event["t"] / 1e6
        for event in list(board.events)
        for way, packet in air.packets(event)
        if way == direction and packet[0] == kind
    ]
