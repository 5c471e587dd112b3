"""Boards in set-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulated_board import AccessPoint, SimulatedBoard
from tests.classroom import ACCESS_POINT
from tests.setup.phone import Phone

POINTS = (
    ACCESS_POINT,
    AccessPoint("staff room", "tea at eleven", rssi=-70, channel=11),
    AccessPoint("open house", rssi=-60, channel=1),
    AccessPoint("university", "not a password", rssi=-80, security=5),
)


@pytest.fixture
def set_up(boot: Callable[..., SimulatedBoard]) -> Callable[..., Phone]:
    """Boot a board, without a configuration unless one is given, and return a phone in its network."""

    def start(board: str = "mpython", joined: bool = True, **options: Any) -> Phone:
        options.setdefault("config", None)
        options.setdefault("access_points", POINTS)
        phone = Phone(boot(board, **options))
        if joined:
            phone.join()
        return phone

    return start
