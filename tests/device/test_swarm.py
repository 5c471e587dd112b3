"""Thirty boards and one broker: the small form of `make swarm`."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.swarm import (
    GREEN,
    HEAP_GROWTH,
    RED,
    Member,
    Swarm,
    colour_of,
    percentile,
    play,
    plot,
    raise_descriptor_limit,
)
from tests.classroom import Person

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


@contextlib.contextmanager
def _descriptors() -> Iterator[None]:
    """In the place of a board: as many descriptors as 341 have."""
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(1024)]
    try:
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)


def test_people_are_heard_beside_thousand_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """paho-mqtt waits in select(), which takes no descriptor above 1,023: 300 boards have those."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    raise_descriptor_limit()
    monkeypatch.setattr(Swarm, "_make_member", lambda self, number: Member(_descriptors()))
    try:
        with Swarm(1, tmp_path) as swarm:
            listener = Person(swarm.broker, "word")
            person = Person(swarm.broker)
            person.publish("word", "heard")
            assert listener.receive("word") == b"heard"
            person.close()
            listener.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


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
