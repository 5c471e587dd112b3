"""What the tests of the whole device share."""

from __future__ import annotations

import pytest

from ci.boards import board_names


@pytest.fixture(params=board_names())
def board_name(request: pytest.FixtureRequest) -> str:
    """Each board's name in turn."""
    return request.param
