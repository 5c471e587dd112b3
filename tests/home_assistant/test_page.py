"""The page that Home Assistant makes of a board, as a person sees and uses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from simulated_board import SimulatedBoard
from tests.home_assistant.server import HomeAssistant
from tests.home_assistant.test_home_assistant import board_id, find, frame_of, wait_light

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.home_assistant, pytest.mark.simulator, pytest.mark.mosquitto]

PATIENCE = 300_000  # ms; a cold page loads several megabytes of scripts
NAME = "mpython"
SHOWN = ("Board 07", "Identify", "Light", "Pad P", "Button A", "Motion", "Restart", "Firmware")


def open_page(chromium: Browser, home: HomeAssistant, path: str) -> Page:
    """Open a page as the teacher, who has logged in."""
    profile = chromium.new_context(
        viewport={"width": 1360, "height": 1800}, locale="en-GB", service_workers="block"
    )
    tokens = json.dumps(json.dumps(home.browser_tokens()))
    profile.add_init_script(
        f"localStorage.hassTokens = {tokens}; localStorage.dockedSidebar = '\"always_hidden\"'"
    )
    page = profile.new_page()
    page.set_default_timeout(PATIENCE)

    def stay_here(route: Route) -> None:
        # Logos of integrations lie on a site of Home Assistant's makers.
        if route.request.url.startswith(home.url):
            route.continue_()
        else:
            route.abort()

    page.route("**/*", stay_here)
    page.goto(home.url + path)
    return page


@pytest.mark.usefixtures("device_messages")
def test_board_is_switched_on_its_page(
    home_assistant: HomeAssistant,
    switch_on: Callable[..., SimulatedBoard],
    chromium: Browser,
) -> None:
    """This is docs/pictures/home-assistant.png."""
    from tests.browser import PICTURES

    board = switch_on(NAME, 18, label="Board 07")
    entities = find(home_assistant, 18)
    level = entities["light_level"]
    home_assistant.wait("reading", lambda: home_assistant.states[level]["state"] != "unknown")
    home_assistant.end_onboarding()
    device = home_assistant.device(board_id(18))
    assert device is not None
    page = open_page(chromium, home_assistant, f"/config/devices/device/{device['id']}")
    for text in SHOWN:
        page.get_by_text(text, exact=True).first.wait_for()
    since = len(board.frames())
    page.get_by_role("switch").click()
    board.wait_frame(frame_of(NAME, (255, 255, 255), 255), since=since)
    page.get_by_label("Toggle Board 07 off").wait_for()
    home_assistant.call("light.turn_on", entities["light"], rgb_color=[255, 128, 0])
    wait_light(home_assistant, entities["light"], rgb_color=[255, 128, 0])

    cards = [card.bounding_box() for card in page.locator("ha-card").all()]
    boxes = [box for box in cards if box is not None]
    left = min(box["x"] for box in boxes) - 16
    top = min(box["y"] for box in boxes) - 16
    right = max(box["x"] + box["width"] for box in boxes) + 16
    bottom = max(box["y"] + box["height"] for box in boxes) + 16
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(
        path=PICTURES / "home-assistant.png",
        clip={"x": left, "y": top, "width": right - left, "height": bottom - top},
    )
    page.context.close()
