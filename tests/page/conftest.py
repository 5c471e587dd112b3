"""The page, brokers that speak WebSocket, and boards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from simulated_board import DEFAULT_BOARD, AccessPoint, SimulatedBoard
from tests.browser import Visitor
from tests.classroom import ACCESS_POINT, Person
from tests.mosquitto import Mosquitto, free_port
from tests.page.fake_board import FakeBoard
from tests.web_server import serving


class PageBroker(Mosquitto):
    """A Mosquitto for boards and pages, which also serves the page."""

    def __init__(self, folder: Path, page: Path, settings: str = "allow_anonymous true\n") -> None:
        self.websocket_port = free_port("127.0.0.1")
        listener = f"listener {self.websocket_port}\nprotocol websockets\nhttp_dir {page.parent}\n"
        # A page on a busy PC reads late: nothing that it waits for is thrown away.
        super().__init__(folder, f"{settings}user root\nmax_queued_messages 0\n{listener}")

    def start(self) -> None:
        super().start()
        self.wait_listening(self.websocket_port)

    @property
    def websocket(self) -> str:
        return f"ws://127.0.0.1:{self.websocket_port}"

    @property
    def site(self) -> str:
        """What a teacher writes on the blackboard, with the broker in its link."""
        return f"http://127.0.0.1:{self.websocket_port}/index.html#broker={self.websocket}"


@pytest.fixture(scope="session")
def page_file(root: Path) -> Path:
    file = root / "build" / "page" / "index.html"
    assert file.exists(), "the page is missing; type: make page"
    return file


@pytest.fixture
def mosquitto(tmp_path: Path, page_file: Path) -> Iterator[PageBroker]:
    broker = PageBroker(tmp_path, page_file)
    broker.start()
    yield broker
    broker.stop(kill=True)


@pytest.fixture
def person(mosquitto: PageBroker) -> Iterator[Person]:
    """Somebody else, who reads all."""
    client = Person(mosquitto, "#")
    yield client
    client.close()


@pytest.fixture
def page(mosquitto: PageBroker, visitor: Visitor) -> Page:
    """The page, as it opens from the broker's own http_dir, connected."""
    return visitor.open(mosquitto.site)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[str]:
    """A file server for boards; its URL."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with serving(handler) as port:
        yield f"http://127.0.0.1:{port}"


def settings(broker: Mosquitto, **more: Any) -> dict[str, Any]:
    """A board's configuration with the topics that it has by itself."""
    return {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": {"server": broker.host, "port": broker.port},
        **more,
    }


@pytest.fixture
def simulate(mosquitto: PageBroker, tmp_path: Path) -> Iterator[Callable[..., SimulatedBoard]]:
    """Start simulated board number `number`; its id ends with that. `config` adds to what it has."""
    with ExitStack() as stack:

        def start(
            number: int = 1,
            board: str = DEFAULT_BOARD,
            config: dict[str, Any] = {},
            environment: dict[str, str] = {},
            **options: Any,
        ) -> SimulatedBoard:
            flash = tmp_path / f"flash-{board}-{number}"
            flash.mkdir()
            (flash / "config.json").write_text(json.dumps(settings(mosquitto, **config)))
            return stack.enter_context(
                SimulatedBoard(
                    board,
                    flash=flash,
                    access_points=(AccessPoint(ACCESS_POINT.ssid, ACCESS_POINT.password),),
                    environment={"SIM_ID": str(number), **environment},
                    **options,
                )
            )

        yield start


@pytest.fixture
def fake_boards(mosquitto: PageBroker) -> Iterator[Callable[..., FakeBoard]]:
    """Connect a board that says and obeys what a test tells it."""
    with ExitStack() as stack:

        def connect(number: int = 1, **facts: Any) -> FakeBoard:
            return stack.enter_context(FakeBoard(mosquitto, number, **facts))

        yield connect


def cards(page: Page) -> Locator:
    """The boards on the page."""
    return page.get_by_role("article")


def to_all(page: Page, button: str) -> Locator:
    """A button of the controls for many; each card has buttons of its own."""
    return page.get_by_role("group", name="To").get_by_role("button", name=button, exact=True)
