"""Brokers for the fault tests. FULL=1 in the environment (`make faults`) asks for the long forms."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conftest import Mosquitto
from tests.mosquitto.conftest import boot, person  # noqa: F401, fixtures
from tests.mosquitto.tls import Certificates

FULL = os.environ.get("FULL") == "1"


@pytest.fixture
def faults_broker(tmp_path) -> Iterator[Mosquitto]:
    """A Mosquitto that does not log: thousands of conversations are held with it."""
    broker = Mosquitto(tmp_path, "allow_anonymous true\nlog_type error\nmax_inflight_messages 0\n")
    broker.start()
    yield broker
    broker.stop(kill=True)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))
