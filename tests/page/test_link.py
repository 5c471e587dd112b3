"""The link to the broker: refused, lost, and back."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, expect

from broker import EmbeddedBroker
from ci.boards import ROOT
from tests.browser import Visitor
from tests.classroom import Person
from tests.mosquitto import free_port, wait_listening
from tests.page.conftest import PageBroker
from tests.page.fake_board import FakeBoard

pytestmark = [pytest.mark.browser, pytest.mark.mosquitto]


def link(page: Page):
    return page.locator(".link")


def test_lost_link_is_said_and_comes_back(
    page: Page, mosquitto: PageBroker, fake_boards: Callable[..., FakeBoard]
) -> None:
    board = fake_boards()
    power = page.get_by_role("article").get_by_role("button", name="On", exact=True)
    expect(power).to_be_enabled()
    mosquitto.stop(kill=True)
    expect(link(page)).to_contain_text("is lost; the next attempt is in")
    expect(power).to_be_disabled()
    expect(page.get_by_role("article")).to_contain_text("not known whether it is there")
    mosquitto.start()
    board.wait_subscribed()
    expect(link(page)).to_contain_text("Connected to")
    board.say("status", "online")
    board.say("state", {"state": "OFF", "color": {"r": 0, "g": 0, "b": 9}, "brightness": 9})
    expect(power).to_be_enabled()
    power.click()
    board.wait_for("on")


def test_click_without_link_is_never_sent(
    page: Page, mosquitto: PageBroker, fake_boards: Callable[..., FakeBoard]
) -> None:
    """Also where the click comes before the page can know: here by the keyboard's Enter."""
    board = fake_boards()
    page.get_by_role("button", name="Open").click()
    mosquitto.stop(kill=True)
    expect(link(page)).to_contain_text("is lost")
    page.get_by_label("Message").fill("purple")
    page.get_by_label("Message").press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Not sent: there is no link to the broker.")
    mosquitto.start()
    board.wait_subscribed()
    expect(link(page)).to_contain_text("Connected to")
    page.get_by_label("Message").fill("pink")
    page.get_by_label("Message").press("Enter")
    board.wait_for("pink")
    assert "purple" not in [text for _, text in board.received]


@contextlib.contextmanager
def amqtt_that_can_be_killed(port: int, websocket_port: int, log: Path) -> Iterator[None]:
    """Run amqtt in a process of its own, whose end is SIGKILL."""
    program = (
        "import time\nfrom broker import EmbeddedBroker\n"
        f"with EmbeddedBroker({port}, {websocket_port}):\n    time.sleep(3600)\n"
    )
    with (
        log.open("ab") as out,
        subprocess.Popen(
            [sys.executable, "-c", program], cwd=ROOT / "boards/sim/host", stdout=out, stderr=out
        ) as process,
    ):
        try:
            wait_listening(process, "127.0.0.1", websocket_port, log)
            yield
        finally:
            process.kill()


def test_killed_amqtt_is_found_again(page_file: Path, visitor: Visitor, tmp_path: Path) -> None:
    """It knows MQTT 3.1.1 alone."""
    ports = free_port("127.0.0.1"), free_port("127.0.0.1")
    log = tmp_path / "amqtt.log"
    with amqtt_that_can_be_killed(*ports, log):
        page = visitor.open(f"{page_file.as_uri()}#broker=ws://127.0.0.1:{ports[1]}")
        expect(link(page)).to_contain_text("Connected to")
    expect(link(page)).to_contain_text("is lost")
    with amqtt_that_can_be_killed(*ports, log):
        expect(link(page)).to_contain_text("Connected to")


def test_another_broker_has_other_boards(
    page: Page, page_file: Path, fake_boards: Callable[..., FakeBoard]
) -> None:
    fake_boards()
    page.get_by_role("button", name="Open").click()
    with EmbeddedBroker(0, 0) as broker:
        page.get_by_text("Connection", exact=True).click()
        page.get_by_label("Broker", exact=True).fill(f"ws://127.0.0.1:{broker.websocket_port}")
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(link(page)).to_contain_text("Connected to")
        expect(page.get_by_text("No board yet.")).to_be_visible()
        expect(page.get_by_role("article")).to_have_count(0)


def test_answer_is_shown_once_by_amqtt(page_file: Path, visitor: Visitor) -> None:
    """It sends a message once for each topic filter that fits, which MQTT 3.1.1 allows."""
    with EmbeddedBroker(0, 0) as broker, FakeBoard(broker) as board:
        page = visitor.open(f"{page_file.as_uri()}#broker=ws://127.0.0.1:{broker.websocket_port}")
        page.get_by_role("button", name="Open").click()
        answers = page.get_by_role("log")
        expect(answers.get_by_text("kept by the broker").first).to_be_visible()
        for number in (1, 2, 3):
            board.say("sensors", {"light": number}, retain=False)
        expect(answers.get_by_text('{"light": 3}')).to_be_visible()
        board.say("state", "the end", retain=False)
        expect(answers.get_by_text("the end")).to_be_visible()
        expect(answers.get_by_text("light")).to_have_count(3)


@pytest.fixture
def locked(tmp_path: Path, page_file: Path) -> Iterator[PageBroker]:
    """A broker where teacher may all, and the pupil only read, and not the states."""
    passwords, rights = tmp_path / "passwords", tmp_path / "rights"
    for user in ("teacher", "pupil"):
        new = [] if passwords.exists() else ["-c"]
        subprocess.run(["mosquitto_passwd", "-b", *new, passwords, user, "chalkdust"], check=True)
    rights.write_text("user teacher\ntopic readwrite #\nuser pupil\ntopic read +/+/status\n")
    settings = f"allow_anonymous false\npassword_file {passwords}\nacl_file {rights}\n"
    broker = PageBroker(tmp_path, page_file, settings)
    broker.start()
    yield broker
    broker.stop(kill=True)


def log_in(page: Page, user: str, password: str, remember: bool = False) -> None:
    page.get_by_label("User").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Remember on this computer").set_checked(remember)
    page.get_by_role("button", name="Connect", exact=True).click()


def test_wrong_password_is_said_and_not_repeated(locked: PageBroker, visitor: Visitor) -> None:
    page = visitor.open(f"{locked.site}&user=teacher")
    attempts: list[WebSocket] = []
    page.on("websocket", lambda socket: attempts.append(socket))
    log_in(page, "teacher", "wrong")
    expect(link(page)).to_contain_text("The broker does not let this user in")
    expect(page.get_by_label("Password")).to_be_visible()
    log_in(page, "teacher", "chalkdust")
    expect(link(page)).to_contain_text("Connected to")
    assert len(attempts) == 2


def test_refused_publish_is_said(locked: PageBroker, visitor: Visitor) -> None:
    teacher = Person(locked, login=("teacher", "chalkdust"))
    teacher.publish("mpython/a4cf12340001/status", "online", retain=True)
    page = visitor.open(f"{locked.site}&user=pupil")
    log_in(page, "pupil", "chalkdust")
    page.get_by_role("article").get_by_role("button", name="On", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text(
        "The broker does not let you publish to mpython/a4cf12340001/command."
    )
    teacher.close()


def test_refused_subscription_is_said(tmp_path: Path, page_file: Path, visitor: Visitor) -> None:
    """By Mosquitto's plug-in; what acl_file forbids is subscribed, and nothing comes."""
    (plugin,) = Path("/usr/lib").glob("*/mosquitto_dynamic_security.so")
    access = {"publishClientSend": True, "publishClientReceive": True, "unsubscribe": True}
    rights = tmp_path / "rights.json"
    rights.write_text(json.dumps({"defaultACLAccess": {**access, "subscribe": False}}))
    rights.chmod(0o600)
    settings = f"allow_anonymous true\nplugin {plugin}\nplugin_opt_config_file {rights}\n"
    broker = PageBroker(tmp_path, page_file, settings)
    broker.start()
    page = visitor.open(broker.site)
    refusals = page.get_by_role("list", name="What the broker does not allow")
    expect(refusals).to_contain_text("The broker does not let you read +/+/state.")
    broker.stop(kill=True)


def test_password_is_kept_only_if_asked(locked: PageBroker, visitor: Visitor) -> None:
    page = visitor.open(f"{locked.site}&user=teacher")
    log_in(page, "teacher", "chalkdust")
    expect(link(page)).to_contain_text("Connected to")
    assert "chalkdust" not in page.url
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.reload()
    expect(link(page)).to_contain_text("Not connected")
    log_in(page, "teacher", "chalkdust", remember=True)
    expect(link(page)).to_contain_text("Connected to")
    page.reload()
    expect(link(page)).to_contain_text("Connected to")


@pytest.mark.parametrize("address", ["", "http://example", "ws://", "ws://127.0.0.1:99999"])
def test_address_that_is_none_is_said(page_file: Path, visitor: Visitor, address: str) -> None:
    page = visitor.open(page_file.as_uri())
    field = page.get_by_label("Broker", exact=True)
    field.fill(address)
    page.get_by_role("button", name="Connect", exact=True).click()
    if address:
        expect(link(page)).to_contain_text("This is no address of a broker")
    else:
        assert field.evaluate("field => field.validity.valueMissing")
