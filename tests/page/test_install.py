"""The tab that installs: a release beside the page, and the set-up form over a cable."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ci.boards import board_names, load_board
from ci.image.built import read_build
from ci.image.images import FILES, make_images
from ci.release.checks import page_name
from ci.release.installer import make_site
from page_server import serve_page
from simulated_board import SimulatedBoard
from tests.browser import Visitor
from tests.classroom import ACCESS_POINT
from tests.images.fake_build import VERSION, make_build
from tests.page.conftest import PageBroker
from tests.page.web_serial import Cable, Silence, Terminal

pytestmark = [pytest.mark.browser, pytest.mark.mosquitto]


# A board of version 0.1, as the form meets it: `config` lies beside `device`, which is no package; a key
# that it does not know is a problem; and what it prints once it has a configuration.
VERSION_0_1 = {
    "device_py": "",
    "config_py": """
import json
KNOWN = {
    "wifi": "ssid password hostname timeout",
    "mqtt": "platform server port user password client_id keepalive clean_session tls rate",
    "topics": "command state status",
}
def check(values):
    problems = []
    for section in values:
        if section in KNOWN:
            for key in values[section]:
                if key not in KNOWN[section].split():
                    problems.append("%s.%s: unknown key; remove it" % (section, key))
        elif section not in ("mode", "brightness"):
            problems.append(section + ": unknown key; remove it")
    if len(values["wifi"].get("password", "")) not in (0,) + tuple(range(8, 64)):
        problems.append("wifi.password: found a value of the wrong form; allowed: 8 to 63 bytes")
    return problems
def save(values):
    with open("/config.json", "w") as file:
        json.dump(values, file)
""",
    "main_py": """
import os
if "config.json" in os.listdir("/"):
    print("wifi: connected classroom 10.0.0.2")
    print("mqtt: connected 192.0.2.1:1883 session=0")
while True:
    pass
""",
}


def open_installer(
    visitor: Visitor, page_file: Path, cable: Cable, has_clock: bool = False, **profile: Any
) -> Page:
    """has_clock: whether the test moves the page's clock"""

    def prepare(page: Page) -> None:
        if has_clock:
            page.clock.install()
        cable.prepare(page)

    return visitor.open(f"{page_file.as_uri()}#tab=install", prepare=prepare, **profile)


@pytest.fixture
def plug_in(tmp_path: Path) -> Iterator[Callable[..., SimulatedBoard]]:
    """Boot a simulated board on a serial port, with files on it."""
    with ExitStack() as stack:

        def boot(number: int = 1, **files: str) -> SimulatedBoard:
            flash = tmp_path / f"flash-{number}"
            flash.mkdir()
            for name, text in files.items():
                (flash / name.replace("_", ".")).write_text(text)
            board = stack.enter_context(
                SimulatedBoard(
                    flash=flash,
                    serial=True,
                    access_points=(ACCESS_POINT,),
                    environment={"SIM_ID": str(number)},
                )
            )
            board.wait_line("boot: ")
            return board

        yield boot


def stored(board: SimulatedBoard) -> dict[str, Any]:
    return json.loads((board.flash / "config.json").read_text())


def fill(page: Page, broker: PageBroker) -> None:
    page.get_by_label("Wi-Fi name").fill(ACCESS_POINT.ssid)
    page.get_by_label("Wi-Fi password").fill(ACCESS_POINT.password)
    page.get_by_label("Broker's address").fill(broker.host)
    page.get_by_role("region", name="Install").get_by_text("More", exact=True).click()
    page.get_by_label("mqtt.port").fill(str(broker.port))


def choose(page: Page) -> None:
    page.get_by_role("button", name="Choose the board").click()
    expect(page.get_by_text("is here.")).to_be_visible()


@pytest.mark.simulator
@pytest.mark.serial
def test_boards_are_set_up_one_after_another(
    visitor: Visitor, page_file: Path, mosquitto: PageBroker, plug_in, tmp_path: Path
) -> None:
    """docs/set-up.md shows the two pictures that are taken here."""
    boards = [plug_in(number) for number in (1, 2)]
    cable = Cable(Terminal(boards[0].port.name))
    page = open_installer(visitor, page_file, cable)
    install = page.get_by_role("region", name="Install")
    choose(page)
    fill(page, mosquitto)
    install.get_by_text("More", exact=True).click()
    install.screenshot(path=visitor.picture_path("cable"))
    page.get_by_role("button", name="Write to the board").click()
    expect(page.get_by_text("Board 02514d000001 is connected to its broker.")).to_be_visible()
    page.get_by_role("button", name="Next board").click()
    cable.port = Terminal(boards[1].port.name)
    choose(page)
    page.get_by_role("button", name="Write to the board").click()
    expect(page.get_by_text("Board 02514d000002 is connected to its broker.")).to_be_visible()
    install.screenshot(path=visitor.picture_path("next-board"))
    for board in boards:
        assert stored(board)["wifi"] == {
            "ssid": ACCESS_POINT.ssid,
            "password": ACCESS_POINT.password,
        }
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the list (2) as CSV").click()
    download.value.save_as(tmp_path / "list")
    rows = (tmp_path / "list").read_text().split()
    assert rows == [
        "\ufeffnumber,id,result",  # the mark tells Excel that it is UTF-8
        '"1","02514d000001","online"',
        '"2","02514d000002","online"',
    ]
    assert ACCESS_POINT.password.encode() not in cable.read


@pytest.mark.simulator
@pytest.mark.serial
def test_what_board_refuses_stands_at_its_field(
    visitor: Visitor, page_file: Path, mosquitto: PageBroker, plug_in
) -> None:
    board = plug_in(config_json='["what is no configuration at all"]')
    page = open_installer(visitor, page_file, Cable(Terminal(board.port.name)))
    choose(page)
    fill(page, mosquitto)
    page.get_by_label("Wi-Fi password").fill("short")
    page.get_by_role("button", name="Write to the board").click()
    expect(page.get_by_text("Nothing was written")).to_be_visible()
    expect(page.get_by_role("alert").get_by_text("wifi.password: ")).to_be_visible()
    expect(page.get_by_label("Wi-Fi password")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Wi-Fi password")).to_be_focused()
    assert "short" not in (board.flash / "config.json").read_text()


@pytest.mark.simulator
@pytest.mark.serial
def test_board_keeps_password_that_is_not_typed(
    visitor: Visitor, page_file: Path, mosquitto: PageBroker, plug_in
) -> None:
    """Its program, which never ends, is stopped first."""
    before = {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": {"server": "192.0.2.1"},
    }
    board = plug_in(config_json=json.dumps(before), main_py="while True:\n    pass\n")
    cable = Cable(Terminal(board.port.name))
    page = open_installer(visitor, page_file, cable)
    choose(page)
    expect(page.get_by_label("Wi-Fi name")).to_have_value(ACCESS_POINT.ssid)
    expect(page.get_by_label("Wi-Fi password")).to_have_value("")
    page.get_by_label("Broker's address").fill(mosquitto.host)
    page.get_by_role("button", name="Write to the board").click()
    expect(page.get_by_text("Written; the board restarts")).to_be_visible()
    after = stored(board)
    assert after["wifi"] == before["wifi"] and after["mqtt"]["server"] == mosquitto.host
    assert ACCESS_POINT.password.encode() not in cable.read
    assert ACCESS_POINT.password not in page.content()


@pytest.mark.simulator
@pytest.mark.serial
def test_emptied_field_stays_empty_with_other_service(
    visitor: Visitor, page_file: Path, plug_in
) -> None:
    board = plug_in(config_json=json.dumps({"mqtt": {"server": "192.0.2.1"}}))
    page = open_installer(visitor, page_file, Cable(Terminal(board.port.name)))
    choose(page)
    expect(page.get_by_label("Broker's address")).to_have_value("192.0.2.1")
    page.get_by_label("Broker's address").fill("")
    page.get_by_label("Service").select_option("easyiot")
    page.get_by_label("Service").select_option("mqtt")
    expect(page.get_by_label("Broker's address")).to_have_value("")


@pytest.mark.simulator
@pytest.mark.serial
def test_next_board_gets_what_was_typed_for_all(
    visitor: Visitor, page_file: Path, mosquitto: PageBroker, plug_in
) -> None:
    """And neither what the first one had already, nor what belongs to that one alone."""
    first = plug_in(1, config_json=json.dumps({"label": "door", "brightness": 7}))
    second = plug_in(2, config_json=json.dumps({"label": "window"}))
    cable = Cable(Terminal(first.port.name))
    page = open_installer(visitor, page_file, cable)
    choose(page)
    fill(page, mosquitto)
    expect(page.get_by_label("brightness")).to_have_value("7")
    page.get_by_label("mqtt.client_id").fill("desk-1")
    page.get_by_label("restore").select_option("false")
    page.get_by_role("button", name="Write to the board").click()
    expect(page.get_by_text("is connected to its broker.")).to_be_visible()
    page.get_by_role("button", name="Next board").click()
    cable.port = Terminal(second.port.name)
    choose(page)
    page.get_by_role("button", name="Write to the board").click()
    expect(page.get_by_text("Board 02514d000002 is connected to its broker.")).to_be_visible()
    one, other = stored(first), stored(second)
    assert (one["label"], one["brightness"], one["restore"]) == ("door", 7, False)
    assert one["mqtt"].pop("client_id") == "desk-1"
    assert other == {key: one[key] for key in ("wifi", "mqtt", "restore")} | {"label": "window"}


@pytest.mark.simulator
@pytest.mark.serial
def test_wrong_password_is_told_soon(
    visitor: Visitor, page_file: Path, mosquitto: PageBroker, plug_in
) -> None:
    """The board says so once, and then tries on in silence: nobody is to wait for that."""
    board = plug_in()
    cable = Cable(Terminal(board.port.name))

    page = open_installer(visitor, page_file, cable, has_clock=True)
    choose(page)
    fill(page, mosquitto)
    page.get_by_label("Wi-Fi password").fill("a wrong one")
    page.get_by_role("button", name="Write to the board").click()
    why = 'wifi: "classroom" refuses the password; check wifi.password'
    expect(page.get_by_role("log").get_by_text(why)).to_be_visible()
    page.clock.fast_forward(20_000)
    expect(page.get_by_text(f"but the board is not connected: {why}.")).to_be_visible()
    expect(page.get_by_role("button", name="Next board")).to_be_visible()


@pytest.mark.simulator
@pytest.mark.serial
def test_chinese_page_says_in_chinese_what_board_says(
    visitor: Visitor, page_file: Path, mosquitto: PageBroker, plug_in
) -> None:
    """What it refuses, and why it is not online; the log has its own lines."""
    board = plug_in()
    cable = Cable(Terminal(board.port.name))

    page = open_installer(visitor, page_file, cable, has_clock=True, locale="zh-CN")
    page.get_by_role("button", name="选择开发板").click()
    page.get_by_label("Wi-Fi 网络名").fill(ACCESS_POINT.ssid)
    page.get_by_label("Wi-Fi 网络密码").fill("short")
    page.get_by_label("服务器地址").fill(mosquitto.host)
    page.get_by_role("button", name="写入板子").click()
    problem = "wifi.password: 格式不对；应为：文字，8 至 63 字节；开放的网络不填"
    expect(page.get_by_role("alert").get_by_text(problem, exact=True)).to_be_visible()
    page.get_by_label("Wi-Fi 网络密码").fill("a wrong one")
    page.get_by_role("button", name="写入板子").click()
    expect(page.get_by_role("log").get_by_text('wifi: "classroom" refuses')).to_be_visible()
    page.clock.fast_forward(20_000)
    why = "wifi: “classroom”拒绝了密码；请检查网络密码"
    expect(page.get_by_text(f"已写入，但板子未连接：{why}。")).to_be_visible()


@pytest.mark.simulator
@pytest.mark.serial
def test_look_at_other_tab_loses_nothing(
    visitor: Visitor, page_file: Path, mosquitto: PageBroker, plug_in, tmp_path: Path
) -> None:
    """Neither what was typed, nor the list of boards, nor the port; nor gets a board what is another's."""
    board, other = plug_in(1), plug_in(2)
    cable = Cable(Terminal(board.port.name))
    page = open_installer(visitor, page_file, cable)
    expect(page.get_by_role("region", name="Connection")).to_be_hidden()
    choose(page)
    fill(page, mosquitto)
    page.get_by_label("mqtt.client_id").fill("desk-1")
    begin = len(board.lines)
    page.get_by_role("button", name="Class").click()
    expect(page.get_by_role("region", name="Connection")).to_be_visible()
    board.wait_line("boot: mpython", since=begin)  # its program goes on meanwhile
    page.get_by_role("button", name="Install").click()
    choose(page)
    page.get_by_role("button", name="Write to the board").click()
    expect(page.get_by_text("Written; the board restarts")).to_be_visible()
    page.get_by_role("button", name="Class").click()
    page.get_by_role("button", name="Install").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the list (1) as CSV").click()
    download.value.save_as(tmp_path / "list")
    assert '"02514d000001","online"' in (tmp_path / "list").read_text()
    assert stored(board)["mqtt"]["client_id"] == "desk-1"
    cable.port = Terminal(other.port.name)
    choose(page)
    expect(page.get_by_label("Wi-Fi name")).to_have_value(ACCESS_POINT.ssid)
    expect(page.get_by_label("mqtt.client_id")).to_have_value("")
    # Each of a service's devices has a key of its own.
    page.get_by_label("Service").select_option("onenet")
    page.get_by_label("Broker's password").fill("a2V5")
    page.get_by_role("button", name="Class").click()
    page.get_by_role("button", name="Install").click()
    expect(page.locator("html")).to_have_attribute("data-port", "closed")
    cable.port = Terminal(board.port.name)
    choose(page)
    expect(page.get_by_label("Broker's password")).to_have_value("")


@pytest.mark.simulator
@pytest.mark.serial
def test_form_speaks_to_teacher_in_both_languages(
    visitor: Visitor, page_file: Path, plug_in
) -> None:
    """What everybody is asked has a label and a hint without words of config.json."""
    for locale, button, hint in (
        ("en-GB", "Choose the board", "boards do not hear 5 GHz"),
        ("zh-CN", "选择开发板", "板子收不到 5 GHz"),
    ):
        board = plug_in(1 if locale == "en-GB" else 2)
        cable = Cable(Terminal(board.port.name))
        page = open_installer(visitor, page_file, cable, locale=locale)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_text(hint)).to_be_visible()
        asked = page.locator("form > div:first-child > .field")
        expect(asked).to_have_count(6)
        for text in asked.all_inner_texts():
            assert not re.search(r'\b(wifi|mqtt|topics)\.|""|see platforms', text), text
            assert locale == "en-GB" or re.search(r"[\u4e00-\u9fff]", text), text
        names = page.locator("form select").first.locator("option").all_inner_texts()
        assert "Easy IoT, SIoT" in names and "mqtt" not in names


@pytest.mark.simulator
@pytest.mark.serial
def test_board_of_version_0_1_is_set_up(
    visitor: Visitor, page_file: Path, mosquitto: PageBroker, plug_in
) -> None:
    """By its own check, and with no key that it does not know."""
    board = plug_in(**VERSION_0_1)
    page = open_installer(visitor, page_file, Cable(Terminal(board.port.name)))
    choose(page)
    fill(page, mosquitto)
    page.get_by_label("Wi-Fi password").fill("short")
    page.get_by_role("button", name="Write to the board").click()
    expect(page.get_by_text("wifi.password: found a value of the wrong form")).to_be_visible()
    assert not (board.flash / "config.json").exists()
    page.get_by_label("Wi-Fi password").fill(ACCESS_POINT.password)
    page.get_by_role("button", name="Write to the board").click()
    expect(page.get_by_text("Board 02514d000001 is connected to its broker.")).to_be_visible()
    assert stored(board) == {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": {"platform": "mqtt", "server": mosquitto.host, "port": mosquitto.port},
    }


def test_silent_port_says_what_to_do(visitor: Visitor, page_file: Path) -> None:
    port = Silence()
    page = open_installer(visitor, page_file, Cable(port))
    page.get_by_role("button", name="Choose the board").click()
    expect(page.get_by_text("The board does not answer. Press its reset button")).to_be_visible()
    assert port.written.count(b"\x03") == 3
    usb = [load_board(name).usb_ids for name in board_names()]
    asked = {(each["usbVendorId"], each["usbProductId"]) for each in page.evaluate("askedFor")}
    assert asked == set().union(*usb)


@pytest.mark.parametrize(
    "port, said",
    [
        (Silence("InvalidStateError"), "used by another program"),
        (Silence("NetworkError"), "used by another program"),
        (Silence(pulled=True), "The board does not answer"),
    ],
    ids=["open", "busy", "pulled"],
)
def test_port_that_fails_is_told_in_words(
    visitor: Visitor, page_file: Path, port: Silence, said: str
) -> None:
    page = open_installer(visitor, page_file, Cable(port))
    page.get_by_role("button", name="Choose the board").click()
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_role("button", name="Choose the board")).to_be_enabled()


@pytest.mark.simulator
@pytest.mark.serial
def test_cable_that_is_out_is_told_in_words(visitor: Visitor, page_file: Path, plug_in) -> None:
    board = plug_in()
    cable = Cable(Terminal(board.port.name))
    page = open_installer(visitor, page_file, cable)
    choose(page)
    page.get_by_label("Wi-Fi name").fill(ACCESS_POINT.ssid)
    page.get_by_label("Broker's address").fill("192.0.2.1")
    cable.port = Silence(pulled=True, written=b"by the form")
    expect(page.locator("html")).to_have_attribute("data-port", "gone")
    page.get_by_role("button", name="Write to the board").click()
    expect(page.get_by_text("The board does not answer")).to_be_visible()
    expect(page.get_by_role("button", name="Choose the board")).to_be_enabled()


def test_fields_follow_platform(visitor: Visitor, page_file: Path, plug_in) -> None:
    """Their rules are those of docs/config.schema.json."""
    page = open_installer(visitor, page_file, Cable(Silence()))
    page.evaluate("document.querySelector('[aria-label=Install] form > div').hidden = false")
    platform = page.get_by_label("Service")
    platform.focus()
    page.keyboard.press("ArrowDown")
    expect(platform).to_have_value("easyiot")
    expect(platform).to_be_focused()
    platform.select_option("onenet")
    expect(page.get_by_label("mqtt.client_id")).to_be_visible()
    assert page.get_by_label("Broker's user").evaluate("field => field.required")
    platform.select_option("easyiot")
    expect(page.get_by_label("topics.command")).to_be_visible()
    platform.select_option("mqtt")
    assert page.get_by_label("Broker's address").evaluate("field => field.required")


def test_browser_without_web_serial_says_what_else(visitor: Visitor, page_file: Path) -> None:
    hide = "Object.defineProperty(Navigator.prototype, 'serial', {}); delete Navigator.prototype.serial"
    page = visitor.open(
        f"{page_file.as_uri()}#tab=install", prepare=lambda page: page.add_init_script(hide)
    )
    expect(page.get_by_text("This browser has no Web Serial.")).to_be_visible()
    expect(page.get_by_text("With a phone or tablet: plug the board in")).to_be_visible()


def test_release_beside_page_is_offered(visitor: Visitor, tmp_path: Path, page_file: Path) -> None:
    """ESP Web Tools itself, from the page's own origin, with each board's manifests."""
    for name in board_names():
        board = load_board(name)
        build = read_build(board, make_build(board, tmp_path / name))
        make_images(board, build, VERSION, FILES, tmp_path / "dist")
    shutil.copy(page_file, tmp_path / "dist" / page_name(VERSION))
    site = tmp_path / "site"
    make_site(tmp_path / "dist", VERSION, site)
    with serve_page(site, 0) as address:
        page = visitor.open(f"{address}#tab=install")
        for name in board_names():
            product = load_board(name).product
            button = page.get_by_role("button", name=f"Install or update {product}")
            expect(button).to_be_visible()
            manifest = button.locator("..").get_attribute("manifest")
            assert page.request.get(address + manifest).ok
        defined = "!!customElements.get('esp-web-install-button')"
        page.wait_for_function(defined)
        visitor.keep_picture(page, "installer", full_page=True)
