"""A person with a phone, played by Chromium: from the phone's own probe to the board on its broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from ci.boards import board_names
from tests.classroom import ACCESS_POINT, wait_subscribed
from tests.mosquitto import Mosquitto
from tests.setup.phone import Phone
from tests.setup.phone_browser import VIEWPORT, Browsers, time_until_usable

pytestmark = [pytest.mark.browser, pytest.mark.simulator, pytest.mark.mosquitto]


@pytest.fixture(scope="module")
def browsers(playwright: Playwright) -> Browsers:
    return Browsers(playwright)


@pytest.fixture(autouse=True)
def nothing_goes_wrong_unseen(browsers: Browsers) -> Iterator[None]:
    browsers.wrong.clear()
    yield
    assert not browsers.wrong


def fill(page: Page, broker: Mosquitto) -> None:
    """Fill in what a teacher would."""
    page.get_by_label("Network", exact=False).select_option(label="classroom")
    page.get_by_label("Its password").fill(ACCESS_POINT.password)
    page.get_by_label("Broker's address").fill(broker.host)
    page.get_by_label("Topic of commands").fill("light")
    page.get_by_text("More").click()
    page.get_by_label("Topic of its state").fill("light/state")
    page.get_by_label("Port").fill(str(broker.port))


@pytest.mark.parametrize("board_name", board_names())
@pytest.mark.parametrize("sheet", (False, True), ids=("browser", "sheet"))
def test_teacher_gets_board_to_broker(
    set_up: Callable[..., Phone],
    browsers: Browsers,
    mosquitto: Mosquitto,
    board_name: str,
    sheet: bool,
) -> None:
    phone = set_up(board_name)
    with browsers.open(phone, sheet) as page:
        page.get_by_role("heading", name=phone.name).wait_for()
        fill(page, mosquitto)
        page.get_by_role("button", name="Try and save").click()
        page.get_by_text("Saved. The board starts now.").wait_for()
        wait_subscribed(phone.board, timeout=120)


def test_page_goes_on_after_channel_jump(
    set_up: Callable[..., Phone], browsers: Browsers, mosquitto: Mosquitto
) -> None:
    phone = set_up(joined=False, commands=({"command": "dhcp", "value": False},))
    phone.join(follows=False)
    board = phone.board
    with browsers.open(phone) as page:
        page.get_by_label("Network", exact=False).select_option(label="staff room")
        page.get_by_label("Its password").fill("tea at eleven")
        page.get_by_label("Broker's address").fill(mosquitto.host)
        page.get_by_role("button", name="Try and save").click()
        board.wait(
            "phone that is dropped",
            lambda: any(e["event"] == "phone" and not e["joined"] for e in board.events),
            120,
        )
        page.get_by_text("No answer.").wait_for()
        board.command("dhcp", value=True)
        phone.join()
        page.get_by_text("Saved. The board starts now.").wait_for()


def test_page_that_is_opened_again_shows_what_failed(
    set_up: Callable[..., Phone], browsers: Browsers
) -> None:
    phone = set_up()
    wifi = {"ssid": "staff room", "password": "wrong password"}
    assert phone.propose({"wifi": wifi, "mqtt": {"server": "broker.local"}}).status == 200
    phone.wait_state("failed")
    with browsers.open(phone) as page:
        page.get_by_text("It did not work: ").get_by_text("check wifi.password").wait_for()
        assert page.get_by_label("Broker's address").input_value() == "broker.local"
        password = page.get_by_label("Its password")
        assert (
            password.input_value() == "" and password.get_attribute("placeholder") == "unchanged"
        )
        # Another network has another password, which is asked for.
        page.get_by_label("Network", exact=False).select_option(label=ACCESS_POINT.ssid)
        assert password.get_attribute("placeholder") == ""
        page.get_by_role("button", name="Try and save").click()
        assert page.evaluate("document.activeElement.name") == "wifi.password"
        page.get_by_label("Network", exact=False).select_option(label="staff room")
        assert password.get_attribute("placeholder") == "unchanged"


def test_chinese_phone_is_told_in_chinese(
    set_up: Callable[..., Phone], browsers: Browsers
) -> None:
    with browsers.open(set_up(), locale="zh-CN") as page:
        page.get_by_label("2.4 GHz 网络").select_option(label="staff room")
        page.get_by_label("网络密码").fill("wrong password")
        page.get_by_label("服务器地址").fill("broker.local")
        page.get_by_role("button", name="测试并保存").click()
        why = "未成功，“staff room”不让板子加入；请检查网络密码"
        page.get_by_text(why, exact=True).wait_for()
        page.get_by_label("服务器地址").fill("mqtt://broker")
        page.get_by_role("button", name="直接保存").click()
        page.locator("label", has_text="服务器地址").get_by_text(
            "mqtt.server: 格式不对"
        ).wait_for()
        assert page.evaluate("document.activeElement.name") == "mqtt.server"


def test_proposal_that_was_not_taken_is_told(
    set_up: Callable[..., Phone], browsers: Browsers, mosquitto: Mosquitto
) -> None:
    """The board checks what another guest has sent."""
    phone = set_up()
    with browsers.open(phone) as page:
        fill(page, mosquitto)
        page.route(
            "**/setup.json", lambda route: route.fulfill(status=409, json={"state": "open"})
        )
        page.get_by_role("button", name="Try and save").click()
        page.get_by_text("It did not work: send again").wait_for()
        page.unroute("**/setup.json")
        page.get_by_role("button", name="Try and save").click()
        page.get_by_text("Saved. The board starts now.").wait_for()


def test_what_is_missing_is_marked_and_focused(
    set_up: Callable[..., Phone], browsers: Browsers
) -> None:
    phone = set_up()
    with browsers.open(phone) as page:
        page.get_by_role("button", name="Try and save").click()
        marked = page.locator("[aria-invalid=true]")
        names = [each.get_attribute("name") for each in marked.all()]
        assert names == ["wifi.password", "mqtt.server"]  # the listed network asks for one
        assert page.evaluate("document.activeElement.name") == "wifi.password"
        assert not any("setup: trying" in line for line in phone.board.lines)
        # What only the board knows comes from it, and stands beside its field.
        page.get_by_label("Its password").fill("long enough")
        page.get_by_label("Broker's address").fill("mqtt://broker")
        page.get_by_role("button", name="Save without trying").click()
        page.get_by_text("its port in mqtt.port").wait_for()


@pytest.mark.parametrize(
    ("service", "shown", "hidden"),
    (
        ("easyiot", ("Iot_id", "Iot_pwd", "Topic of commands"), ("User",)),
        ("onenet", ("Product id", "Device name", "Device key or token"), ("Topic of commands",)),
        ("onenet-legacy", ("Product id", "Device id", "Authentication information"), ("TLS",)),
        ("adafruit", ("User name", "Key"), ("Iot_id",)),
    ),
)
def test_each_service_has_its_own_words(
    set_up: Callable[..., Phone],
    browsers: Browsers,
    service: str,
    shown: tuple[str, ...],
    hidden: tuple[str, ...],
) -> None:
    with browsers.open(set_up()) as page:
        page.get_by_label("Service").select_option(service)
        page.get_by_text("More").click()
        for label in shown:
            assert page.get_by_label(label, exact=True).is_visible(), label
        for label in hidden:
            assert not page.get_by_label(label, exact=True).is_visible(), label


def test_page_fits_phone_in_both_languages(
    set_up: Callable[..., Phone], browsers: Browsers, request: pytest.FixtureRequest
) -> None:
    from tests.browser import PICTURES, find_barriers

    phone = set_up()
    PICTURES.mkdir(parents=True, exist_ok=True)
    for locale, heading, button in (
        ("en-GB", "en", "Try and save"),
        ("zh-CN", "zh", "测试并保存"),
    ):
        with browsers.open(phone, locale=locale) as page:
            page.get_by_role("button", name=button).wait_for()
            assert page.evaluate("document.documentElement.lang") == heading
            assert page.evaluate("document.documentElement.scrollWidth") <= VIEWPORT["width"]
            for control in page.locator("input:visible, select:visible").all():
                assert control.evaluate("i => i.labels[0].innerText.trim()"), "each has a label"
            page.locator("summary").click()
            assert find_barriers(page) == []
            page.locator("summary").click()
            page.screenshot(path=PICTURES / f"set-up-{heading}.png", full_page=True)


# `make bench` has the goal, a second on a PC at rest. This only finds what is worse by far.
MAX_UNTIL_USABLE = 10_000  # ms


@pytest.mark.parametrize("board_name", board_names())
def test_page_is_soon_usable(
    set_up: Callable[..., Phone], browsers: Browsers, board_name: str
) -> None:
    with browsers.open(set_up(board_name)) as page:
        assert 0 < time_until_usable(page) < MAX_UNTIL_USABLE


def test_fields_that_may_stay_empty_say_so(
    set_up: Callable[..., Phone], browsers: Browsers
) -> None:
    with browsers.open(set_up()) as page:
        page.get_by_role("button", name="Try and save").wait_for()

        def optional() -> list[str]:
            fields = page.locator("input:visible")
            hint = "i => i.placeholder == 'optional' && i.name"
            return [name for each in fields.all() if (name := each.evaluate(hint))]

        assert optional() == ["mqtt.user", "mqtt.password", "mqtt.client_id", "topics.command"]
        page.get_by_label("Service").select_option("easyiot")
        assert optional() == ["mqtt.server", "mqtt.client_id"]


def test_network_with_user_names_cannot_be_chosen(
    set_up: Callable[..., Phone], browsers: Browsers
) -> None:
    with browsers.open(set_up()) as page:
        option = page.locator("#list option", has_text="university")
        assert "not possible" in option.inner_text() and option.is_disabled()


def test_name_with_html_is_text(set_up: Callable[..., Phone], browsers: Browsers) -> None:
    from simulated_board import AccessPoint

    evil = AccessPoint("<img src=x onerror=alert()>", "long enough")
    with browsers.open(set_up(access_points=(evil,))) as page:
        page.locator("#list option", has_text=evil.ssid).wait_for(state="attached")
        assert page.locator("img").count() == 0


def test_keyboard_alone_is_enough(
    set_up: Callable[..., Phone], browsers: Browsers, mosquitto: Mosquitto
) -> None:
    phone = set_up()
    with browsers.open(phone, has_touch=False, is_mobile=False) as page:
        page.get_by_role("button", name="Try and save").wait_for()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "list"
        page.keyboard.type("class")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.name") == "wifi.password"
        page.keyboard.type(ACCESS_POINT.password)
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.type(mosquitto.host)
        page.keyboard.press("Enter")
        page.get_by_text("Saved. The board starts now.").wait_for()


def test_saved_is_last_that_page_says(
    set_up: Callable[..., Phone], browsers: Browsers, mosquitto: Mosquitto
) -> None:
    """The board's network is gone then, and nobody is there to be asked."""
    phone = set_up()
    with browsers.open(phone) as page:
        fill(page, mosquitto)
        page.get_by_role("button", name="Try and save").click()
        page.get_by_text("Saved. The board starts now.").wait_for()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        wait_subscribed(phone.board, timeout=120)
        assert page.get_by_role("status").inner_text() == "Saved. The board starts now."
        assert not asked


def test_search_again_keeps_what_was_typed(
    set_up: Callable[..., Phone], browsers: Browsers
) -> None:
    config = {"wifi": {"ssid": "elsewhere"}, "mqtt": {"user": "desk"}}
    with browsers.open(set_up(config=config)) as page:
        network = page.get_by_label("Network", exact=False)
        password = page.get_by_label("Its password")
        page.get_by_label("User").fill("teacher")
        page.get_by_text("More").click()
        page.get_by_label("TLS").check()
        for choice, secret in (("staff room", "tea at eleven"), ("another", "long enough")):
            network.select_option(label=choice)
            password.fill(secret)
            with page.expect_response("**/setup.json"):
                page.get_by_role("button", name="Search again").click()
            page.get_by_text("Searching;").wait_for(state="detached")
            assert network.evaluate("i => i.selectedOptions[0].text") == choice
            assert password.input_value() == secret
            assert page.get_by_label("User").input_value() == "teacher"
            assert page.get_by_label("TLS").is_checked()
