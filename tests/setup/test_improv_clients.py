"""Improv's own clients against a board: the SDK, and the dialog of ESP Web Tools around it, in Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from ci.boards import board_names, load_board
from ci.image.images import web_manifest
from simulated_board import SimulatedBoard
from tests.browser import NODE_MODULES, Visitor
from tests.classroom import ACCESS_POINT, settings, wait_subscribed
from tests.mosquitto import Mosquitto
from tests.page.web_serial import Cable, Terminal
from tests.setup.phone import Phone
from tests.setup.test_improv import ask_page
from tests.setup.test_states import config_file

pytestmark = [
    pytest.mark.browser,
    pytest.mark.simulator,
    pytest.mark.serial,
    pytest.mark.mosquitto,
]

SITE = "http://localhost"  # which no server needs to be: `serve` answers for it
SDK = NODE_MODULES / "improv-wifi-serial-sdk" / "dist"
ESP_WEB_TOOLS = NODE_MODULES / "esp-web-tools" / "dist" / "web"

PAGE = """<!doctype html><html lang=en><title>Installer</title>
<script type=module src=/tools/install-button.js></script>
<esp-web-install-button manifest=/manifest.json></esp-web-install-button>"""


def serve(page: Page, board: str, version: str) -> None:
    """Answer the page's requests: itself, a manifest, both clients' files."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(SITE)
        if path == "/":
            route.fulfill(body=PAGE, content_type="text/html")
        elif path == "/manifest.json":
            route.fulfill(body=web_manifest(load_board(board), version, "none.bin", 0))
        else:
            _, folder, name = path.split("/", 2)
            file: Path = {"sdk": SDK, "tools": ESP_WEB_TOOLS}[folder] / name
            # The SDK leaves out what bundlers add.
            file = file if file.suffix else file.with_suffix(".js")
            # The dialog gives a board 1.5 s to answer: too little here, where eight share two cores.
            script = file.read_text().replace(":1500;", ":30000;")
            route.fulfill(body=script, content_type="text/javascript")

    page.route(f"{SITE}/**", answer)


@pytest.fixture
def open_page(visitor: Visitor) -> Callable[..., Page]:
    def start(board: SimulatedBoard, version: str = "0.0.1") -> Page:
        assert board.port
        cable = Cable(Terminal(board.port.name))

        def prepare(page: Page) -> None:
            cable.prepare(page)
            serve(page, board.board, version)

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


@pytest.mark.parametrize("board_name", board_names())
def test_dialog_joins_and_leads_to_page(
    set_up: Callable[..., Phone],
    open_page: Callable[..., Page],
    mosquitto: Mosquitto,
    board_name: str,
) -> None:
    search = {"command": "scan_time", "ms": 2400}  # the chip's
    phone = set_up(board_name, joined=False, serial=True, commands=(search,))
    phone.read_line()
    manifest = json.loads(web_manifest(load_board(board_name), "0.0.1", "none.bin", 0))
    started = phone.board.wait(
        "access point",
        lambda: [e["t"] for e in phone.board.events if e["event"] == "ap" and e["active"]],
    )
    assert started[0] / 1e6 < manifest["new_install_improv_wait_time"]
    page = open_page(phone.board)
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_text(f"Connected to {phone.name}")).to_be_visible()
    # Not "Install": the board says that it is the manifest's firmware, and keeps its files.
    expect(page.get_by_text(f"Update {manifest['name']}")).to_be_visible()
    page.get_by_text("Connect to Wi-Fi").click()
    page.locator("ew-filled-select").click()
    page.locator("ew-select-option", has_text="classroom").click()
    page.locator("ew-filled-text-field[name=password]").click()
    page.keyboard.type(ACCESS_POINT.password)
    page.get_by_role("button", name="Connect", exact=True).last.click()
    link = page.locator("ew-list-item[href]", has_text="Visit Device").get_attribute("href")
    assert link and link.startswith("http://10.0.0.2/?k=")
    key = link.partition("?")[2]
    proposal = {"config": settings(mosquitto), "try": True}
    assert ask_page(phone, f"POST /setup.json?{key}", proposal).status == 200
    wait_subscribed(phone.board)


@pytest.mark.parametrize("board_name", board_names())
def test_dialog_finds_running_board(
    boot: Callable[..., SimulatedBoard], open_page: Callable[..., Page], board_name: str
) -> None:
    board = boot(board_name, serial=True)
    wait_subscribed(board)
    page = open_page(board)
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_text(f"Connected to {board_name}-000001")).to_be_visible()
    expect(page.get_by_text("Change Wi-Fi")).to_be_visible()
    before = config_file(board)
    page.get_by_text("Change Wi-Fi").click()
    expect(page.locator("ew-filled-select")).to_be_visible()
    assert config_file(board) == before
