"""The monitor: many messages, hostile ones, and what it lets a person send."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from broker import EmbeddedBroker
from tests.browser import Visitor
from tests.classroom import Person
from tests.page.conftest import PageBroker
from tests.page.cost import Cost
from tests.page.fake_board import FakeBoard

pytestmark = [pytest.mark.browser, pytest.mark.mosquitto]

HOSTILE = '<img src=x onerror="document.title=`broken`"><script>document.title="broken"</script>'


def watch(page: Page, topic_filter: str, broker: PageBroker | None = None) -> None:
    """Watch a topic filter, and wait until `broker`, if given, has the subscription."""
    page.get_by_role("button", name="Monitor").click()
    page.get_by_label("Topic filter", exact=True).fill(topic_filter)
    page.get_by_role("button", name="Watch").click()
    deadline = time.monotonic() + 60
    while broker and f"\t{topic_filter} (QoS" not in broker.log.read_text(errors="replace"):
        assert time.monotonic() < deadline, f"{topic_filter} was not subscribed within 60 s"
        time.sleep(0.05)


def messages(page: Page):
    return page.locator(".message:not([hidden])")


def test_messages_are_shown_as_text_hex_and_json(
    page: Page, mosquitto: PageBroker, person: Person
) -> None:
    watch(page, "door/#", mosquitto)
    expect(page.get_by_role("list", name="Topic filters")).to_contain_text("door/#")
    person.publish("door/text", "grüß 你好", retain=True)
    person.publish("door/bytes", b"\xff\x00\x01")
    person.publish("door/json", '{"a":[1,2]}')
    expect(messages(page)).to_have_count(3)
    expect(messages(page).nth(0)).to_contain_text("grüß 你好")
    expect(messages(page).nth(1)).to_contain_text("ff 00 01")
    page.get_by_label("Show as").select_option("hex")
    expect(messages(page).nth(0)).to_contain_text("67 72 c3 bc")
    page.get_by_label("Show as").select_option("JSON")
    messages(page).nth(2).click()
    expect(page.locator("pre")).to_have_text('door/json\n{\n  "a": [\n    1,\n    2\n  ]\n}')


def test_filters_hold_for_what_comes_later(
    page: Page, mosquitto: PageBroker, person: Person
) -> None:
    watch(page, "a/+", mosquitto)
    person.publish("a/one", "1")
    person.publish("a/b/c", "2")
    expect(messages(page)).to_have_count(1)
    page.get_by_label("Search").fill("two")
    expect(messages(page)).to_have_count(0)
    person.publish("a/two", "3")
    person.publish("a/three", "4")
    expect(messages(page)).to_have_count(1)
    page.get_by_label("Search").fill("")
    expect(messages(page)).to_have_count(3)
    page.get_by_role("button", name="Remove a/+").click()
    watch(page, "b", mosquitto)
    person.publish("a/four", "5")
    person.publish("b", "6")
    expect(messages(page)).to_have_count(4)


def test_paused_monitor_counts_what_passes_by(
    page: Page, mosquitto: PageBroker, person: Person
) -> None:
    """Two topic filters: each message has the colour of its own."""
    watch(page, "a", mosquitto)
    watch(page, "b", mosquitto)
    person.publish("a", "1")
    person.publish("b", "2")
    expect(messages(page)).to_have_count(2)
    assert [row.get_attribute("class") for row in messages(page).all()] == [
        "message by-0",
        "message by-1",
    ]
    page.get_by_role("button", name="Pause").click()
    person.publish("a", "3")
    expect(page.get_by_role("button", name="Go on (1 passed by)")).to_be_visible()
    expect(messages(page)).to_have_count(2)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Clear").click()
    person.publish("a", "4", retain=True)
    expect(messages(page)).to_have_count(1)
    expect(messages(page)).to_contain_text("4")


@pytest.mark.parametrize("wrong", ["a#", "#/a", "a+/b", "+a"])
def test_wrong_filter_is_said(page: Page, wrong: str) -> None:
    watch(page, wrong)
    expect(page.get_by_text(f"{wrong} is no topic filter")).to_be_visible()


def test_message_is_published_as_asked(page: Page, person: Person) -> None:
    page.get_by_role("button", name="Monitor").click()
    form = page.locator("form.send")
    form.get_by_label("Topic").fill("some/topic")
    form.get_by_label("Message").fill("good morning")
    form.get_by_label("QoS").select_option("2")
    form.get_by_label("retain").check()
    form.get_by_role("button", name="Send").click()
    assert person.receive("some/topic") == b"good morning"
    expect(page.get_by_text("Sent to some/topic.")).to_be_visible()
    form.get_by_label("Topic").fill("some/#")
    form.get_by_role("button", name="Send").click()
    expect(page.get_by_text("some/# is no topic to publish to")).to_be_visible()
    form.get_by_role("combobox", name="Sent before").select_option("some/topic good morning")
    expect(form.get_by_label("Topic")).to_have_value("some/topic")


def test_messages_are_exported(
    page: Page, mosquitto: PageBroker, person: Person, tmp_path: Path
) -> None:
    watch(page, "x/#", mosquitto)
    person.publish("x/1", '=1+1,"two"')
    person.publish("x/2", b"\xff")
    expect(messages(page)).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as JSON lines").click()
    download.value.save_as(tmp_path / "lines")
    lines = [json.loads(line) for line in (tmp_path / "lines").read_text().splitlines()]
    assert [(line["topic"], line["payload"]) for line in lines] == [
        ("x/1", '=1+1,"two"'),
        ("x/2", "ff"),
    ]
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    download.value.save_as(tmp_path / "table")
    assert '"x/1","1","false","10","\'=1+1,""two"""' in (tmp_path / "table").read_text()


def test_hostile_messages_are_shown_harmlessly(
    page: Page, mosquitto: PageBroker, person: Person, fake_boards: Callable[..., FakeBoard]
) -> None:
    """In every field that a board has, in topics, and as what no text is."""
    board = fake_boards(info={"title": HOSTILE, "has": [HOSTILE], "groups": [HOSTILE]})
    watch(page, "#", mosquitto)
    for topic in ("state", "update/state", "update/result", "label", "sensors", "status/stats"):
        for payload in (
            HOSTILE,
            '{"a":' * 1000,
            "null",
            "[]",
            '{"color":1e999}',
            "\x00\x1b[2J\r\n",
        ):
            board.say(topic, payload, retain=False)
    board.say("sensors", {HOSTILE: 1, "__proto__": 2, "constructor": 3}, retain=False)
    board.say("status/problem", HOSTILE, retain=False)
    board.say("button/a", {"event_type": HOSTILE}, retain=False)
    person.publish(f"x/{HOSTILE.replace('/', '')}", HOSTILE)
    person.publish("x/\u202e\u2028", bytes(range(256)))
    person.publish("x/last", HOSTILE)
    expect(messages(page).last).to_contain_text("x/last")
    page.get_by_role("button", name="Class").click()
    expect(page.get_by_role("heading", name="<img src=x")).to_be_visible()
    page.get_by_role("button", name="Open").click()
    page.get_by_text("More", exact=True).click()
    expect(page.locator(".sparkline").first).to_be_visible()
    assert page.title() == "Boards"
    assert page.locator("img, script:not([type=module])").count() == 0


def test_large_message_is_kept_in_part(page_file: Path, visitor: Visitor) -> None:
    """By amqtt: Mosquitto 2.0.11 sends no WebSocket client 1 MB, and then nothing at all."""
    with EmbeddedBroker(0, 0) as broker:
        page = visitor.open(
            f"{page_file.as_uri()}#broker=ws://{broker.host}:{broker.websocket_port}"
        )
        expect(page.get_by_text("Connected to")).to_be_visible()
        watch(page, "x/#")
        person = Person(broker)
        person.publish("x/large", "é" * (1 << 19), retain=True)
        expect(messages(page).last).to_contain_text("x/large")
        messages(page).last.click()
        expect(page.locator("pre")).to_contain_text("… of 1048576 bytes")
        person.close()


RATE, SECONDS = 1000, 10


def test_flood_leaves_page_quick_and_small(
    page: Page, mosquitto: PageBroker, person: Person, report: Callable[[str, str], None]
) -> None:
    watch(page, "flood/#", mosquitto)
    cost = Cost(page)
    flood(person)
    expect(messages(page).last).to_contain_text("the last one")
    count = page.get_by_text(" messages", exact=False).first.inner_text()
    report("page-flood", f"{RATE * SECONDS} messages in {cost.check()}, {count}")
    assert 2000 <= int(count.split()[0]) <= 2500


def flood(person: Person) -> None:
    """Publish for 10 s what a broker of a whole school may carry, and one more."""
    began = time.monotonic()
    payload = "x" * 200
    for number in range(RATE * SECONDS):
        person.client.publish(f"flood/{number % 50}", payload)
        ahead = began + number / RATE - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    person.publish("flood/end", "the last one")
