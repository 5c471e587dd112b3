"""Thirty boards and one broker: the small form of `make swarm`."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import swarm
from benchmarks.swarm import (
    BROKER,
    GREEN,
    HEAP_GROWTH,
    RED,
    Member,
    Swarm,
    colour_of,
    own_part,
    percentile,
    play,
    plot,
    raise_descriptor_limit,
)
from simulated_board import BoardError
from tests.classroom import Person
from tests.mosquitto import Mosquitto

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

BOARDS = 30


def test_class_of_thirty_comes_back_and_loses_nothing(tmp_path: Path) -> None:
    """play() raises if a board joins or answers too soon, does not come back, or misses a command."""
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
    for answers in (result.states, result.stats, result.offers):
        assert max(answers) >= 0.1  # of 0.3 s: they do not all answer in one moment
    assert result.memory < 4  # MB: they share their code
    picture = tmp_path / "swarm.png"
    plot(result, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_boards_that_join_at_once_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if each one's part were ten times as long as it waits."""
    monkeypatch.setattr(swarm, "JOIN_SPREAD", 20.0)
    with Swarm(3, tmp_path) as boards, pytest.raises(BoardError, match="joined before their own"):
        boards.power_on()


def test_offer_shown_at_once_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm, "OFFER_SPREAD", 6000.0)
    with Swarm(2, tmp_path) as boards:
        boards.power_on()
        with pytest.raises(BoardError, match="before its own part of 0.3 s"):
            boards.time_offer()


def test_own_part_is_that_of_board() -> None:
    """As tests/device/scripts/link.py has them of own_part()."""
    assert [round(own_part(number, 2.0) * 1000) for number in (1, 128)] == [70, 1000]


def test_program_gets_all_that_thousand_boards_retain(tmp_path: Path) -> None:
    """With Mosquitto's own max_queued_messages, 1,000, it drops what is more for one who reads."""
    with Mosquitto(tmp_path, BROKER.format(folder=tmp_path)) as broker:
        person = Person(broker)
        for number in range(5000):
            message = person.client.publish(f"swarm/{number}/state", "x" * 1000, 1, True)
        message.wait_for_publish(120)
        newcomer = Person(broker, "swarm/+/state")
        heard = {newcomer.messages.get(timeout=60).topic for _ in range(5000)}
        assert len(heard) == 5000
        newcomer.close()
        person.close()


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
        with Swarm(1, tmp_path) as crowd:
            listener = Person(crowd.broker, "word")
            person = Person(crowd.broker)
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
