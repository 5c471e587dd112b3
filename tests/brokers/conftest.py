"""Each broker in turn, started once for all of its tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.brokers.servers import KINDS, Broker
from tests.tls import Certificates
from tests.umqtt.client_program import ClientProgram


class EachBrokerOnce(LoadScopeScheduling):
    """Gives all tests of a broker to one process, which starts it.

    xdist's own `--dist loadgroup` groups nothing with pytest 9.2: pytest-xdist's issue 1386.
    """

    def _split_scope(self, nodeid: str) -> str:
        # `[mosquitto-trixie-retained]` begins with two brokers' names.
        named = [kind.name for kind in KINDS if nodeid.partition("[")[2].startswith(kind.name)]
        return max(named, key=len, default=nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> EachBrokerOnce:
    config.option.loadscopereorder = False  # in the order of KINDS
    return EachBrokerOnce(config, log)


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.name)
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker]:
    with request.param(tmp_path_factory.mktemp("broker") / request.param.name) as broker:
        yield broker


@pytest.fixture
def mosquitto(broker: Broker) -> Broker:
    """The broker under the name that the client's own tests have for it."""
    return broker


@dataclass(frozen=True)
class WithTLS:
    """A broker as a client with TLS sees it."""

    broker: Broker

    @property
    def port(self) -> int:
        return self.broker.tls_port

    def start(self) -> None:
        self.broker.start()

    def stop(self, kill: bool = False) -> None:
        self.broker.stop(kill)


@pytest.fixture
def tls_broker(broker: Broker) -> WithTLS:
    return WithTLS(broker)


@pytest.fixture
def certificates(broker: Broker) -> Certificates:
    return broker.certificates


@pytest.fixture
def run(
    micropython: Path, tmp_path: Path, broker: Broker
) -> Iterator[Callable[[str, int], ClientProgram]]:
    """Start a program of the client with the broker's login and highest QoS."""
    programs: list[ClientProgram] = []
    login = broker.login if broker.login[0] else ()

    def start(program: str, port: int) -> ClientProgram:
        programs.append(ClientProgram(micropython, tmp_path, program, port, login, broker.max_qos))
        return programs[-1]

    yield start
    for program in programs:
        program.stop()
