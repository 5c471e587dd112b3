"""A teacher with many boards."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from simulated_board import SimulatedBoard
from surroundings import Surroundings
from tests.browser import Visitor
from tests.classroom import Person
from tests.page.conftest import PageBroker, cards, to_all
from tests.page.fake_board import FakeBoard

pytestmark = [pytest.mark.browser, pytest.mark.mosquitto]

Connect = Callable[..., FakeBoard]


def test_missing_answers_are_named(page: Page, fake_boards: Connect) -> None:
    for number in (1, 2, 3):
        fake_boards(number, deaf=number == 2)
    expect(cards(page).get_by_text("online")).to_have_count(3)
    to_all(page, "On").click()
    expect(page.get_by_text("2 of 3 answered; missing: labplus mPython 0002")).to_be_visible()


def test_group_of_boards_gets_one_message(page: Page, fake_boards: Connect) -> None:
    """Where the boards follow a topic together; else each gets one of its own."""
    boards = [fake_boards(number, groups=("class/7b",)) for number in (1, 2)]
    other = fake_boards(3)
    expect(cards(page).get_by_text("online")).to_have_count(3)
    page.get_by_label("Group", exact=True).first.select_option("7b")
    expect(cards(page)).to_have_count(2)
    to_all(page, "On").click()
    assert [board.wait_for("on") for board in boards] == ["class/7b/command"] * 2
    page.get_by_label("Group", exact=True).first.select_option("")
    to_all(page, "Off").click()
    for board in (*boards, other):
        assert board.wait_for("off") == f"{board.base}/command"


def test_selected_boards_alone_are_switched(page: Page, fake_boards: Connect) -> None:
    chosen, other = fake_boards(1), fake_boards(2)
    expect(cards(page).get_by_text("online")).to_have_count(2)
    cards(page).filter(has_text="0001").get_by_role("checkbox").check()
    expect(page.get_by_role("group", name="To 1 board")).to_be_visible()
    to_all(page, "On").click()
    chosen.wait_for("on")
    page.get_by_role("button", name="Select none").click()
    to_all(page, "Off").click()
    other.wait_for("off")
    assert [text for _, text in other.received] == ["off"]


def test_names_and_groups_are_on_every_page(
    page: Page, mosquitto: PageBroker, visitor: Visitor, fake_boards: Connect
) -> None:
    fake_boards()
    page.get_by_role("button", name="Open").click()
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Name").fill("Ada <b>")
    page.get_by_label("Groups").fill("left, red")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Ada <b>")).to_be_visible()
    other = visitor.open(mosquitto.site)
    expect(cards(other).get_by_role("heading", name="Ada <b>")).to_be_visible()
    expect(cards(other)).to_contain_text("left, red")


def test_attention_keeps_lights_off(page: Page, fake_boards: Connect, person: Person) -> None:
    board = fake_boards()
    person.publish(f"{board.base}/command", "on")
    expect(cards(page).locator(".light")).to_contain_text("on, #")
    page.get_by_role("button", name="Attention").click()
    expect(page.get_by_role("button", name="Lights stay off for 4:")).to_be_visible()
    board.wait_for("off")
    expect(cards(page).locator(".light")).to_contain_text("off")  # else it would be asked again
    board.received.clear()
    person.publish(f"{board.base}/command", "on")
    board.wait_for("off")
    expect(cards(page).locator(".light")).to_contain_text("off")
    page.get_by_role("button", name="End it").click()
    person.publish(f"{board.base}/command", "on")
    expect(cards(page).locator(".light")).to_contain_text("on, #")


def test_attention_holds_in_hidden_tab(page: Page, fake_boards: Connect, person: Person) -> None:
    """A teacher turns to the slides: then browsers draw no frame of the page."""
    board = fake_boards()
    expect(cards(page)).to_contain_text("online")
    page.get_by_role("button", name="Attention").click()
    page.evaluate("window.requestAnimationFrame = () => 0")
    person.publish(f"{board.base}/command", "on")
    board.wait_for("off")


def test_when_board_went_is_said_only_if_seen(
    page: Page, person: Person, fake_boards: Connect
) -> None:
    person.publish("mpython/a4cf12340009/status", "offline", retain=True)
    page.reload()
    expect(cards(page).get_by_text("offline", exact=True)).to_be_visible()
    board = fake_boards(1)
    board.say("status", "offline")
    expect(cards(page).get_by_text("offline since")).to_be_visible()


def test_search_and_order_find_boards(page: Page, fake_boards: Connect) -> None:
    first, second = fake_boards(1), fake_boards(2, kind="bpi-bit")
    expect(cards(page)).to_have_count(2)
    second.say("status", "offline")
    page.get_by_label("Sort").select_option("absent first")
    expect(cards(page).first).to_contain_text("offline since")
    page.get_by_label("Search").fill("MPYTHON")
    expect(cards(page)).to_have_count(1)
    expect(cards(page)).to_contain_text("online")
    page.get_by_label("Search").fill("nobody")
    expect(page.get_by_text("No board fits the search.")).to_be_visible()


def test_update_is_offered_and_its_progress_shown(page: Page, fake_boards: Connect) -> None:
    board = fake_boards()
    state = {"installed_version": "0.2.0", "latest_version": "0.3.0"}
    board.say("update/state", {**state, "in_progress": False, "update_percentage": None})
    expect(cards(page)).to_contain_text("version 0.3.0 is offered")
    page.get_by_role("button", name="Update all that can (1)").click()
    assert board.wait_for("install") == f"{board.base}/update/set"
    board.say("update/state", {**state, "in_progress": True, "update_percentage": 40})
    expect(cards(page).get_by_role("progressbar", name="Update")).to_have_js_property("value", 40)
    page.get_by_role("button", name="Open").click()
    page.get_by_role("button", name="Cancel").click()
    board.wait_for("cancel")
    reason = "stopped at 40 %"
    board.say("update/result", {"id": "", "state": "failed", "reason": reason})
    expect(page.get_by_role("status").filter(has_text=reason)).to_be_visible()


def offer_update(board: FakeBoard) -> None:
    state = {"installed_version": "0.2.0", "latest_version": "0.3.0"}
    board.say("update/state", {**state, "in_progress": False, "update_percentage": None})


def report_update(board: FakeBoard, state: str, reason: str = "") -> None:
    board.say("update/result", {"id": "3f2a9c10", "state": state, "code": "", "reason": reason})


def test_one_board_is_updated_before_others(page: Page, fake_boards: Connect) -> None:
    boards = [fake_boards(number) for number in range(1, 8)]
    for board in boards:
        offer_update(board)
    page.get_by_role("button", name="Update all that can (7)").click()
    first, *others = boards
    first.wait_for("install")
    report_update(first, "trial")
    expect(page.get_by_text("0 of 7 run the new version, 1 under way")).to_be_visible()
    assert not any(board.received for board in others)
    report_update(first, "kept")
    expect(page.get_by_text("1 of 7 run the new version, 4 under way")).to_be_visible()
    for board in others[:4]:
        board.wait_for("install")
        report_update(board, "checking")
    report_update(others[0], "failed", "404 at school")
    for board in others[1:4]:
        report_update(board, "kept")
    stopped = "Update stopped. labplus mPython 0002: 404 at school. 4 of 7 run the new version"
    expect(page.get_by_text(f"{stopped}, 0 go on, 2 were not begun.")).to_be_visible()
    assert not any(board.received for board in others[4:])


def test_readings_and_buttons_are_shown(page: Page, fake_boards: Connect) -> None:
    board = fake_boards(info={"has": ["oled"]})
    expect(cards(page)).to_contain_text("online")
    for value in (1, 5, 3):
        board.say("sensors", {"light": value}, retain=False)
    board.say("button/a", {"event_type": "press"}, retain=False)
    board.say("status/stats", {"version": "0.2.0", "rssi": -61}, retain=False)
    expect(cards(page)).to_contain_text("A press")
    expect(cards(page)).to_contain_text("0.2.0 · ▂▄ -61 dBm")
    page.get_by_role("button", name="Open").click()
    expect(page.locator(".sparkline").filter(has_text="light")).to_contain_text("light3")
    page.get_by_label("Text on the display").fill("你好")
    expect(page.get_by_text("2 of 128 letters")).to_be_visible()
    page.get_by_role("button", name="Show").click()
    assert board.wait_for("你好") == f"{board.base}/display"


@pytest.mark.simulator
def test_readings_and_texts_of_real_program_are_shown(
    page: Page, simulate: Callable[..., SimulatedBoard], visitor: Visitor
) -> None:
    config = {"texts": True, "telemetry": {"sensors": 3600, "motion": True}}
    board = simulate(1, "bpi-bit", config)
    page.get_by_role("button", name="Open").click()
    lines = page.locator(".sparkline")
    names = ["light_left", "light_right", "temperature", "x", "y", "z"]
    expect(lines.locator("b")).to_have_text(names)
    around = Surroundings(board)
    for degrees in (31, 35, 28):  # what the page's curve is made of, and its last value
        around.temperature(degrees)
        shown = lines.filter(has_text="temperature")
        nearly = rf"({degrees}(\.[0-3])?|{degrees - 1}\.[789])"
        expect(shown).to_have_text(re.compile(rf"temperature{nearly}$"))
    page.get_by_label("Text on the display").fill("HI")
    before = len(board.frames())
    page.get_by_role("button", name="Show").click()
    board.wait_frame(lambda frame: len(set(frame.colours)) > 1, since=before)
    visitor.keep_picture(page, "readings", full_page=True)


def test_restart_is_asked_before_it_is_sent(page: Page, fake_boards: Connect) -> None:
    board = fake_boards()
    page.get_by_role("button", name="Open").click()
    page.get_by_text("More", exact=True).click()
    for answer in ("Cancel", "Restart"):
        page.get_by_role("button", name="Restart").click()
        page.get_by_role("dialog").get_by_role("button", name=answer).click()
    page.get_by_role("button", name="Ask for its counters").click()
    board.wait_for("stats")
    assert [text for _, text in board.received] == ["restart", "stats"]


def test_board_that_is_gone_can_be_forgotten(
    page: Page, mosquitto: PageBroker, person: Person
) -> None:
    base = "mpython/a4cf12340001"
    for topic, said in (("status", "offline"), ("info", json.dumps({"title": "Old"}))):
        person.publish(f"{base}/{topic}", said, retain=True)
    page.get_by_role("button", name="Open").click()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Forget this board").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget this board").click()
    expect(cards(page)).to_have_count(0)
    late = Person(mosquitto, "#")
    person.publish("end", "")
    late.receive("end")  # what is retained comes before
    late.close()
