"""Improv's own client against a board: the SDK that ESP Web Tools has, in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from ci.boards import board_names, load_board
from simulated_board import SimulatedBoard
from tests.browser import NODE_MODULES, Visitor
from tests.page.web_serial import Cable, Terminal
from tests.setup.phone import Phone

pytestmark = [
    pytest.mark.browser,
    pytest.mark.simulator,
    pytest.mark.serial,
    pytest.mark.mosquitto,
]

SITE = "http://localhost"  # which no server needs to be: `serve` answers for it
SDK = NODE_MODULES / "improv-wifi-serial-sdk" / "dist"

PAGE = "<!doctype html><html lang=en><title>Improv</title>"


def serve(page: Page) -> None:
    """Answer the page's requests: itself, and the SDK's files."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(SITE)
        if path == "/":
            route.fulfill(body=PAGE, content_type="text/html")
        else:
            file: Path = SDK / path.removeprefix("/sdk/")
            # The SDK leaves out what bundlers add.
            file = file if file.suffix else file.with_suffix(".js")
            route.fulfill(path=file, content_type="text/javascript")

    page.route(f"{SITE}/**", answer)


@pytest.fixture
def open_page(visitor: Visitor) -> Callable[..., Page]:
    def start(board: SimulatedBoard) -> Page:
        assert board.port
        cable = Cable(Terminal(board.port.name))

        def prepare(page: Page) -> None:
            cable.prepare(page)
            serve(page)

        return visitor.open(f"{SITE}/", prepare=prepare)

    return start


def ask_sdk(page: Page, script: str) -> Any:
    """Run a function's body in which `client` is the SDK's, initialized as ESP Web Tools does."""
    return page.evaluate(
        """async (script) => {
            const { ImprovSerial } = await import("/sdk/serial.js");
            const port = await navigator.serial.requestPort({});
            await port.open({ baudRate: 115200 });
            const quiet = { log() {}, debug() {}, error: (...words) => console.log(...words) };
            const client = new ImprovSerial(port, quiet);
            await client.initialize(30000);
            const Run = Object.getPrototypeOf(async () => {}).constructor;
            const result = await new Run("client", script)(client);
            await client.close();
            await port.close();
            return result;
        }""",
        script,
    )


@pytest.mark.parametrize("board_name", board_names())
def test_sdk_gets_every_answer(
    set_up: Callable[..., Phone], open_page: Callable[..., Page], board_name: str
) -> None:
    phone = set_up(board_name, joined=False, serial=True)
    phone.read_line()
    found = ask_sdk(
        open_page(phone.board),
        """
        const found = { state: client.state, info: client.info, networks: await client.scan() };
        found.names = [await client.getHostname(), await client.getDeviceName()];
        found.refused = [];
        for (const ask of [
            () => client.setHostname("other"),
            () => client.requestNetworkState(),
            () => client.provision("classroom", "wrong password"),
        ]) {
            await ask().then(() => found.refused.push(""), (why) => found.refused.push(why));
        }
        await client.provision("open house", "");
        return { ...found, url: client.nextUrl };
        """,
    )
    assert found["state"] == 2 and found["info"]["chipFamily"] == "ESP32"
    assert found["info"]["firmware"] == f"MQTT firmware for {load_board(board_name).product}"
    assert {"name": "open house", "rssi": -60, "secured": False} in found["networks"]
    assert found["names"] == [f"{board_name}-02514d000001", phone.name]
    assert found["refused"] == ["BAD_HOSTNAME", "UNKNOWN_RPC_COMMAND", "UNABLE_TO_CONNECT"]
    assert found["url"].startswith("http://10.0.0.2/?k=")
