"""For everybody: keyboard, screen reader, telephone, both languages, and from every place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from page_server import serve_page
from tests.browser import PHONE, Visitor, find_barriers
from tests.page.conftest import PageBroker
from tests.page.fake_board import FakeBoard

pytestmark = [pytest.mark.browser, pytest.mark.mosquitto]

TABS = ("Class", "Monitor", "Install")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("profile", ["desktop", "phone"])
def test_no_serious_barrier_in_any_view(
    mosquitto: PageBroker,
    visitor: Visitor,
    fake_boards: Callable[..., FakeBoard],
    scheme: str,
    profile: str,
) -> None:
    board = fake_boards(info={"has": ["oled"], "groups": ["class/all"]})
    viewport = PHONE if profile == "phone" else {"width": 1280, "height": 800}
    page = visitor.open(mosquitto.site, color_scheme=scheme, viewport=viewport)
    state = {"installed_version": "1", "latest_version": "2", "update_percentage": None}
    board.say("update/state", state)
    board.say("sensors", {"light": 1}, retain=False)
    found = []
    for tab in (*TABS, "One board"):
        if tab == "One board":
            page.get_by_role("button", name="Class").click()
            page.get_by_role("button", name="Open", exact=True).click()
        else:
            page.get_by_role("button", name=tab, exact=True).click()
        page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
        found += [f"{tab}: {barrier}" for barrier in find_barriers(page)]
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= viewport["width"], f"{tab} is {width} px wide"
        visitor.keep_picture(page, f"{tab}-{profile}-{scheme}".lower().replace(" ", "-"))
    assert not found, "\n".join(found)


def test_board_is_lit_by_keyboard_alone(page: Page, fake_boards: Callable[..., FakeBoard]) -> None:
    board = fake_boards()
    expect(page.get_by_role("article").get_by_text("online")).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
        if focused == "green":
            break
    page.keyboard.press("Enter")
    board.wait_for('{"state":"ON","color":{"r":0,"g":255,"b":0}}')


def test_chinese_browser_gets_chinese(
    mosquitto: PageBroker, visitor: Visitor, fake_boards: Callable[..., FakeBoard]
) -> None:
    fake_boards()
    page = visitor.open(mosquitto.site, locale="zh-CN")
    expect(page.get_by_role("button", name="找板").first).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    page.get_by_label("语言").select_option("English")
    expect(page.get_by_role("button", name="Identify").first).to_be_visible()
    expect(page.locator(".link")).to_contain_text("Connected to")


def test_page_works_from_disk(
    page_file: Path, mosquitto: PageBroker, visitor: Visitor, fake_boards
) -> None:
    board = fake_boards()
    page = visitor.open(f"{page_file.as_uri()}#broker={mosquitto.websocket}")
    page.get_by_role("article").get_by_role("button", name="On", exact=True).click()
    board.wait_for("on")


def test_page_works_from_web_server(
    page_file: Path, mosquitto: PageBroker, visitor: Visitor, fake_boards
) -> None:
    """That of `make run`."""
    board = fake_boards()
    with serve_page(page_file.parent, 0) as address:
        page = visitor.open(f"{address}#broker={mosquitto.websocket}")
        page.get_by_role("article").get_by_role("button", name="On", exact=True).click()
        board.wait_for("on")


def test_link_opens_one_board(
    mosquitto: PageBroker, visitor: Visitor, fake_boards: Callable[..., FakeBoard]
) -> None:
    board = fake_boards()
    fake_boards(2)
    page = visitor.open(f"{mosquitto.site}&board={board.id}")
    expect(page.get_by_text(f"{board.base}/command").first).to_be_visible()
