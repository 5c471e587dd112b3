"""Each broker in turn, started once for all of its tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.brokers.servers import KINDS, Broker
from tests.umqtt.client_program import ClientProgram

PARAMETERS = [
    pytest.param(kind, id=kind.name, marks=pytest.mark.xdist_group(kind.name)) for kind in KINDS
]


@pytest.fixture(scope="session", params=PARAMETERS)
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("broker")
    with request.param(folder / request.param.name) as broker:
        yield broker


@pytest.fixture
def mosquitto(broker: Broker) -> Broker:
    """The broker under the name that the client's own tests have for it."""
    return broker


@pytest.fixture
def run(
    micropython: Path, tmp_path: Path, broker: Broker
) -> Iterator[Callable[[str, int], ClientProgram]]:
    """Start a program of the client with the broker's login."""
    programs: list[ClientProgram] = []
    login = broker.login if broker.login[0] else ()

    def start(program: str, port: int) -> ClientProgram:
        programs.append(ClientProgram(micropython, tmp_path, program, port, login))
        return programs[-1]

    yield start
    for program in programs:
        program.stop()
