"""Thirty boards and one broker: the small form of `make swarm`."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.swarm import GREEN, HEAP_GROWTH, RED, colour_of, percentile, play, plot

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

BOARDS = 30


def test_class_of_thirty_comes_back_and_loses_nothing(tmp_path: Path) -> None:
    """play() raises if a board does not come back, or misses a group command."""
    result = play(BOARDS, tmp_path)
    assert [phase.name for phase in result.phases] == ["power-on", "restart", "kill -9"]
    assert all(len(phase.seconds) == BOARDS for phase in result.phases)
    for phase in result.phases[1:]:
        assert sum(phase.attempts) >= BOARDS
        assert phase.attempts.peak <= BOARDS * 0.9  # they do not all try in the same second
    for phase in (*result.phases, result.greeting):
        assert sum(phase.births) >= BOARDS * 3  # status, state and discovery at least
    assert len(result.greeting.births) > 1  # they do not all answer in the same second
    assert result.heap_growth <= HEAP_GROWTH
    for answers in (result.states, result.stats):
        assert max(answers) >= 0.1  # of 0.3 s: they do not all answer in one moment
    assert result.memory < 4  # MB: they share their code
    picture = tmp_path / "swarm.png"
    plot(result, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "data, colour",
    [("00ff00" * 3, RED), ("ff0000" * 3, GREEN), ("000000", None), ("0000ff", None)],
)
def test_colour_is_read_as_on_wire(data: str, colour: int | None) -> None:
    assert colour_of({"data": data}) == colour


def test_percentile_is_not_exceeded_by_so_many() -> None:
    values = list(range(100, 0, -1))
    assert percentile(values, 99) == 100
    assert percentile(values, 50) == 51
    assert percentile([7], 99) == 7
