"""One Home Assistant and its broker for all tests, and boards that tell it of themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from simulated_board import ROOT, SimulatedBoard
from tests.classroom import ACCESS_POINT, Person
from tests.home_assistant.server import HomeAssistant
from tests.home_assistant.single_messages import Splitter
from tests.mosquitto import Mosquitto

ENVIRONMENT = ROOT / "build" / "home-assistant"
FIRST_WITH_DEVICES = (2024, 11)


def release() -> str:
    """Return the installed Home Assistant's version."""
    found = list(ENVIRONMENT.glob("lib/python*/site-packages/homeassistant-*.dist-info"))
    assert found, "Home Assistant is missing; type: make test-ha"
    return found[0].name.split("-")[1].removesuffix(".dist")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """The classroom's Mosquitto."""
    broker = Mosquitto(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def knows_devices() -> bool:
    """Whether this Home Assistant takes one message for a whole device."""
    year, month = release().split(".")[:2]
    return (int(year), int(month)) >= FIRST_WITH_DEVICES


@pytest.fixture
def device_messages(knows_devices: bool) -> None:
    if not knows_devices:
        pytest.skip(f"Home Assistant {release()} has no device messages; install Python 3.13")


@pytest.fixture(scope="session")
def home_assistant(
    broker: Mosquitto, knows_devices: bool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HomeAssistant]:
    """A Home Assistant with a user and the broker."""
    folder = tmp_path_factory.mktemp("home") / "config"
    server = HomeAssistant(folder, ENVIRONMENT / "bin" / "hass")
    with ExitStack() as stack:
        stack.callback(server.stop)
        server.start()
        server.onboard(broker)
        if not knows_devices:
            stack.callback(Splitter(broker).close)
        yield server


@pytest.fixture
def teacher(broker: Mosquitto) -> Iterator[Person]:
    """A client that sees all that is published."""
    client = Person(broker, "#")
    yield client
    client.close()


def configuration(broker: Mosquitto, **more: Any) -> dict[str, Any]:
    return {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": {"server": broker.host, "port": broker.port},
        "homeassistant": {"triggers": True},
        **more,
    }


@pytest.fixture
def switch_on(broker: Mosquitto, tmp_path: Path) -> Iterator[Callable[..., SimulatedBoard]]:
    """Switch on a board whose id ends in `number`; more keyword arguments are configuration.

    files: what else lies on its disk; flash_chip: see SimulatedBoard
    """
    with ExitStack() as stack:

        def start(
            name: str,
            number: int,
            files: dict[str, str] = {},
            flash_chip: Path | None = None,
            **more: Any,
        ) -> SimulatedBoard:
            flash = tmp_path / f"flash-{number}"
            flash.mkdir(exist_ok=True)
            (flash / "config.json").write_text(json.dumps(configuration(broker, **more)))
            for file, text in files.items():
                (flash / file).write_text(text)
            return stack.enter_context(
                SimulatedBoard(
                    name,
                    flash=flash,
                    flash_chip=flash_chip,
                    access_points=(ACCESS_POINT,),
                    environment={"SIM_ID": str(number)},
                )
            )

        yield start
