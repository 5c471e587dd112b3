"""From a click to the LEDs of a board, and back to the board that is drawn."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from simulated_board import SimulatedBoard
from tests.browser import Visitor
from tests.classroom import Person

pytestmark = [pytest.mark.browser, pytest.mark.mosquitto, pytest.mark.simulator]

RED = (255, 0, 0)


def is_red(frame) -> bool:
    red, green, blue = frame.colours[0]
    return red > 0 and green == blue == 0


def test_click_lights_board_and_its_drawing(
    page: Page, simulate: Callable[..., SimulatedBoard], report: Callable[[str, str], None]
) -> None:
    board = simulate()
    card = page.get_by_role("article")
    expect(card.get_by_text("online")).to_be_visible()
    card.get_by_role("button", name="Open").click()
    drawing = page.get_by_role("img")
    expect(drawing).to_have_accessible_name("labplus mPython 0001: off")
    began = time.monotonic()
    page.get_by_role("group", name="Colour").get_by_role("button", name="red").click()
    board.wait_frame(is_red)
    lit = time.monotonic() - began
    expect(drawing).to_have_accessible_name("labplus mPython 0001: on, #ff0000, 100 %")
    drawn = time.monotonic() - began
    assert drawing.locator("g").get_attribute("fill") == "rgb(255 0 0)"
    report(
        "page-light",
        f"click to LED frame: {1000 * lit:.0f} ms, to the drawing: {1000 * drawn:.0f}",
    )


def test_what_others_publish_is_drawn(
    page: Page, simulate: Callable[..., SimulatedBoard], person: Person
) -> None:
    board = simulate()
    board.wait_line("mqtt: subscribed")
    person.publish("mpython/02514d000001/command", "#00ff00")
    expect(page.get_by_text("on, #00ff00, 100 %", exact=True)).to_be_visible()


def test_brightness_is_what_board_says(
    page: Page, simulate: Callable[..., SimulatedBoard], person: Person
) -> None:
    """Also where somebody else has changed it: the slider follows."""
    board = simulate()
    board.wait_line("mqtt: subscribed")
    page.get_by_role("button", name="Open").click()
    page.get_by_label("Brightness").fill("40")
    expect(page.get_by_text("on, #ffffff, 40 %", exact=True)).to_be_visible()
    person.publish("mpython/02514d000001/command", "70%")
    expect(page.get_by_label("Brightness")).to_have_value("70")


def test_drawing_waits_for_board(page: Page, fake_boards) -> None:
    deaf = fake_boards(deaf=True)
    page.get_by_role("button", name="On", exact=True).last.click()
    assert deaf.wait_for("on") == f"{deaf.base}/command"
    expect(page.get_by_text("0 of 1 answered; missing: labplus mPython 0001")).to_be_visible()
    expect(page.get_by_role("img")).to_have_accessible_name("labplus mPython 0001: off")


def test_identify_reaches_board(page: Page, fake_boards) -> None:
    board = fake_boards()
    page.get_by_role("article").get_by_role("button", name="Identify").click()
    assert board.wait_for("identify") == f"{board.base}/command"


def test_pupil_is_answered_after_three_clicks(
    page: Page, simulate: Callable[..., SimulatedBoard], visitor: Visitor
) -> None:
    """From the link: open the board, choose an example or type, send. This is docs/pictures/board.png."""
    simulate().wait_line("mqtt: subscribed")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("mpython/02514d000001/command")).to_be_visible()
    page.get_by_label("Message").fill("#ff8000")
    page.get_by_role("button", name="Send").click()
    answers = page.get_by_role("log")
    expect(answers.get_by_text('"state": "ON"').first).to_be_visible()
    expect(page.get_by_text("on, #ff8000, 100 %", exact=True)).to_be_visible()
    page.set_viewport_size({"width": 1000, "height": 760})
    page.evaluate("scrollTo(0, 0)")
    visitor.keep_picture(page, "board")
