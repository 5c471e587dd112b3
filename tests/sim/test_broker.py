"""broker: the built-in broker's port, and clear words when there is no broker."""

from __future__ import annotations

import socket
import time

import pytest

from broker import BrokerError, EmbeddedBroker, check_reachable
from ci.board.broker import find_authority, parse_address
from ci.problem import Problem


def test_busy_port_picks_another() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = busy.getsockname()[1]
        with EmbeddedBroker(taken) as broker:
            assert broker.port != taken
            check_reachable(broker.host, broker.port)


def test_unreachable_broker_is_sentence_within_ten_seconds() -> None:
    start = time.monotonic()
    with pytest.raises(BrokerError, match=r"no broker answers at 127\.0\.0\.1:1 .*BROKER="):
        check_reachable("127.0.0.1", 1)
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    "text, expected", [("example", ("example", 1883)), ("10.0.0.1:18830", ("10.0.0.1", 18830))]
)
def test_broker_is_host_and_port(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "host or host:port"),
        (":1883", "host or host:port"),
        ("host:port", "host or host:port"),
        ("localhost:99999", "from 1 to 65535"),
        ("localhost:0", "from 1 to 65535"),
    ],
)
def test_broker_that_is_neither_is_refused(text: str, words: str) -> None:
    with pytest.raises(Problem, match=words):
        parse_address(text)
