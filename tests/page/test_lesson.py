"""A teacher's lesson: thirty simulated boards are seen, named, lit, grouped and updated by the page.

README's pictures are taken here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ci.boards import load_board
from flash_chip import make_chip
from simulated_board import SimulatedBoard
from tests.browser import Visitor
from tests.classroom import Person
from tests.images.fake_build import make_application
from tests.page.conftest import PageBroker, cards, to_all
from tests.page.offers import OLD, make_image, make_offer

pytestmark = [pytest.mark.browser, pytest.mark.simulator, pytest.mark.mosquitto]

KINDS = ["mpython"] * 27 + ["bpi-bit"] * 3
PATIENCE = 600_000  # ms, for what thirty boards do one after the other


@pytest.fixture
def boards(
    page: Page, simulate: Callable[..., SimulatedBoard], tmp_path: Path
) -> list[SimulatedBoard]:
    """A class of thirty, on the page and in group 7b."""
    config = {"topics": {"groups": ["class/7b"]}, "update": {"allow": "any"}}
    boards = []
    for number, kind in enumerate(KINDS, 1):
        board = load_board(kind)
        chip = make_chip(board, tmp_path / f"chip-{number}.bin", make_application(board, OLD))
        boards.append(simulate(number, kind, config, flash_chip=chip.path))
    for running in boards:
        running.wait_line("mqtt: subscribed class/7b/command", timeout=300)
    expect(cards(page).get_by_text("7b")).to_have_count(30)
    expect(cards(page).get_by_text("online")).to_have_count(30)
    return boards


def test_thirty_boards_are_led_by_page(
    page: Page,
    boards: list[SimulatedBoard],
    mosquitto: PageBroker,
    visitor: Visitor,
    person: Person,
    files: str,
    tmp_path: Path,
) -> None:
    # Light: one message to the group, not thirty.
    to_all(page, "azure").click()
    expect(page.get_by_text("All 30 answered.")).to_be_visible()
    assert b'"b":255' in person.receive("class/7b/command")
    for board in boards:
        board.wait_frame(lambda frame: frame.colours[0][2] > 0 == frame.colours[0][0])

    # Names, and a colour for some.
    page.get_by_text("Names and groups").click()
    page.get_by_role("button", name="Number them in this order").click()
    expect(cards(page).get_by_role("heading", name="Board 30")).to_be_visible()
    for number, colour in ((3, "red"), (7, "yellow"), (12, "green"), (20, "magenta")):
        card = cards(page).filter(has=page.get_by_role("heading", name=f"Board {number:02}"))
        card.get_by_role("checkbox").check()
        to_all(page, colour).click()
        expect(card.locator(".light")).not_to_have_text("on, #0080ff, 100 %")
        card.get_by_role("checkbox").uncheck()
    page.get_by_text("Names and groups").click()

    # One is gone, and an order to the group says who.
    boards[14].interrupt()  # its program has ended, and the broker says so
    boards[14].process.kill()
    expect(cards(page).get_by_text("offline since")).to_have_count(1)
    page.get_by_label("Group", exact=True).first.select_option("7b")
    to_all(page, "On").click()
    expect(page.get_by_text("29 of 30 answered; missing: Board")).to_be_visible()
    cards(page).filter(has_text="Board 12").screenshot(
        path=visitor.picture_path("card"), animations="disabled"
    )

    # A new version for one kind of board: one takes it first, then four at a time.
    mpython = load_board("mpython")
    make_offer(mosquitto, mpython, make_image(mpython, tmp_path), files)
    page.get_by_role("button", name="Update all that can (26)").click()
    # In the middle: two may have it in the same second, so no single number is sure to be seen.
    expect(page.get_by_text(re.compile(r"Update: (9|1\d) of 26"))).to_be_visible(timeout=PATIENCE)
    page.set_viewport_size({"width": 1720, "height": 900})
    visitor.keep_picture(page, "class", full_page=True)
    expect(page.get_by_text("Update: 26 of 26 run the new version.")).to_be_visible(
        timeout=PATIENCE
    )
