"""More than a class: a hundred boards that change all the time, and a broker full of strangers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Visitor
from tests.classroom import Person
from tests.page.conftest import PageBroker
from tests.page.cost import Cost

pytestmark = [pytest.mark.browser, pytest.mark.mosquitto]

Report = Callable[[str, str], None]

BOARDS = 100
ROUNDS = 50


def state(level: int) -> str:
    colour = {"r": level, "g": 255 - level, "b": 0}
    return json.dumps({"state": "ON", "color_mode": "rgb", "color": colour, "brightness": level})


def test_hundred_boards_may_change_at_once(page: Page, person: Person, report: Report) -> None:
    bases = [f"bpi-bit/a4cf1234{number:04x}" for number in range(BOARDS)]
    for base in bases:
        person.publish(f"{base}/status", "online", retain=True)
    expect(page.get_by_role("article").get_by_text("online")).to_have_count(BOARDS)
    cost = Cost(page)
    for level in range(1, ROUNDS + 1):
        for base in bases:
            person.publish(f"{base}/state", state(level), qos=0)
        person.publish("round/end", "")  # which waits for the broker
    last = page.get_by_text(f"on, #{ROUNDS:02x}{255 - ROUNDS:02x}00, 20 %", exact=True)
    expect(last).to_have_count(BOARDS)
    report("page-crowd", f"{BOARDS} boards, {BOARDS * ROUNDS} states in {cost.check()}")


def test_ten_thousand_retained_topics_are_borne(
    tmp_path: Path, page_file: Path, visitor: Visitor, report: Report
) -> None:
    """Of boards that there are not, and of others; the link opens the monitor, too."""
    broker = PageBroker(tmp_path, page_file)
    broker.start()
    person = Person(broker)
    for number in range(5000):
        person.publish(f"x/a4cf1234{number:04x}/status", "online", qos=0, retain=True)
        person.publish(f"stranger/{number}", "x" * 100, qos=0, retain=True)
    person.publish("filled", "")
    page = visitor.open(f"{broker.site}&tab=monitor")
    cost = Cost(page)
    page.get_by_label("Topic filter", exact=True).fill("#")
    page.get_by_role("button", name="Watch").click()
    expect(page.get_by_text(re.compile(r"^2\d\d\d messages$"))).to_be_visible()
    page.get_by_role("button", name="Class").click()
    expect(page.get_by_text("More than 500 boards have told of themselves")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(500)
    report("page-strangers", f"10,000 retained topics, 500 cards in {cost.check()}")
    person.close()
    broker.stop(kill=True)


def test_names_do_not_change_what_is_around_them(page: Page, person: Person) -> None:
    base = "mpython/a4cf12340001"
    title = "eve\u202e\nAda\u2066" + "x" * 10_000
    person.publish(f"{base}/info", json.dumps({"title": title, "version": "1\u202e"}), retain=True)
    person.publish(f"{base}/status", "online", retain=True)
    card = page.get_by_role("article")
    expect(card.get_by_role("heading")).to_have_text("eve\ufffd␊Ada\ufffd" + "x" * 191)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"]
