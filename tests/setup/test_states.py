"""What a board in set-up does, says and shows, from power-on to its broker: each row of the design."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ci.boards import board_names, load_board
from ci.build.board_facts import facts, read_pins
from simulated_board import AccessPoint, BoardError, SimulatedBoard
from tests.classroom import ACCESS_POINT, Person, settings, wait_subscribed
from tests.mosquitto import Mosquitto
from tests.setup.phone import CHINESE, ENGLISH, Phone

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

SetUp = Callable[..., Phone]

GOOD_WIFI = {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password}
CYAN, BLUE, RED, GREEN = (0, 120, 120), (0, 0, 255), (255, 0, 0), (0, 255, 0)


def shown(board: SimulatedBoard, colour: tuple[int, int, int], since: int = 0) -> None:
    """Wait until the first LED has a colour, at the board's own brightness."""
    scale = int(facts(load_board(board.board)).LED_BRIGHTNESS / 100 * 256 + 0.5)
    wanted = tuple((part * scale + 255) >> 8 for part in colour)
    board.wait_frame(lambda frame: frame.colours[0] == wanted, 60, since)


def hold(board: SimulatedBoard, button: str, down: bool = True) -> dict[str, Any]:
    gpio = read_pins(load_board(board.board))[f"BUTTON_{button}"]
    return {"command": "pin", "id": gpio, "value": 0 if down else 1}


def config_file(board: SimulatedBoard) -> Any:
    return json.loads((board.flash / "config.json").read_text())


def saved_file(board: SimulatedBoard) -> Any:
    board.wait_line("setup: saved; restarting")
    return config_file(board)


# When it opens ----------------------------------------------------------------------------


@pytest.mark.parametrize("board_name", board_names())
def test_person_with_phone_gets_board_to_broker(
    set_up: SetUp, mosquitto: Mosquitto, board_name: str
) -> None:
    phone = set_up(board_name)
    board = phone.board
    assert phone.name == f"{board_name}-000001"
    board.wait_line("setup: somebody has joined")
    shown(board, CYAN)
    assert phone.propose(settings(mosquitto)).status == 200
    board.wait_line('setup: trying "classroom"')
    shown(board, BLUE)
    assert phone.wait_state("done")["address"] == "10.0.0.2"
    shown(board, GREEN)
    board.wait_line("setup: saved; restarting")
    wait_subscribed(board, timeout=60)
    assert config_file(board) == settings(mosquitto)
    person = Person(mosquitto, "light/state")
    try:
        person.publish("light", "on")
        while json.loads(person.receive("light/state"))["state"] != "ON":
            pass  # what it was before
    finally:
        person.close()


@pytest.mark.parametrize(
    "config",
    (
        None,
        '{"wifi": {"ssid": ""}, "mqtt": {"server": ""}}',
        '{"wifi": {"ssid": "classroom"',
        '{"wifi": {"ssid": "classroom"}, "mqtt": {}}',
        "[]",
        "\xff" * 5000,
    ),
    ids=("missing", "template", "broken", "incomplete", "list", "large"),
)
def test_board_without_usable_file_opens(set_up: SetUp, config: Any) -> None:
    phone = set_up(config=config, joined=False)
    phone.read_line()
    assert any(line.startswith("config: ") for line in phone.board.lines)


def test_good_values_of_bad_file_are_kept(set_up: SetUp) -> None:
    bad = {
        "wifi": {"ssid": "classroom", "password": "chalk and talk", "timeout": 0},
        "mqtt": {"server": "192.168.1.5", "user": "desk", "password": "secret word", "port": "x"},
        "topics": {"command": "class/lamp"},
        "coffee": "strong and secret",
    }
    answer = set_up(config=bad).get("/setup.json")
    found = answer.json
    assert found["config"] == {
        "wifi": {"ssid": "classroom"},
        "mqtt": {"server": "192.168.1.5", "user": "desk"},
        "topics": {"command": "class/lamp"},
    }
    assert found["kept"] == ["wifi.password", "mqtt.password"]
    assert b"secret" not in answer.body and b"chalk" not in answer.body


def test_missing_network_alone_never_opens(set_up: SetUp, mosquitto: Mosquitto) -> None:
    phone = set_up(config=settings(mosquitto), joined=False, access_points=())
    phone.board.wait_line('wifi: no network named "classroom"')
    frames = len(phone.board.frames())
    phone.board.command("access_point", **_fields(ACCESS_POINT))
    wait_subscribed(phone.board, timeout=120)
    assert not any(event["event"] == "ap" for event in phone.board.events), frames
    assert not any(line.startswith("setup:") for line in phone.board.lines)


def _fields(point: AccessPoint) -> dict[str, Any]:
    return {key: value for key, value in point.command().items() if key != "command"}


@pytest.mark.parametrize("board_name", board_names())
def test_button_b_in_boot_window_opens(
    boot: Callable[..., SimulatedBoard], board_name: str
) -> None:
    gpio = read_pins(load_board(board_name))["BUTTON_B"]
    down = {"command": "pin", "id": gpio, "value": 0}
    board = boot(board_name, commands=(down,), files={"main.py": "print('mine')\n"})
    phone = Phone(board)
    phone.join()
    assert phone.get("/setup.json").json["config"]["wifi"] == {"ssid": "classroom"}
    assert "mine" not in board.lines


def test_both_buttons_down_is_safe_mode(boot: Callable[..., SimulatedBoard]) -> None:
    pins = read_pins(load_board("mpython"))
    down = [{"command": "pin", "id": pins[f"BUTTON_{x}"], "value": 0} for x in "AB"]
    board = boot(commands=tuple(down))
    board.wait_line("boot: safe mode")


def test_button_b_held_without_wifi_opens(set_up: SetUp, mosquitto: Mosquitto) -> None:
    phone = set_up(config=settings(mosquitto), joined=False, access_points=())
    board = phone.board
    board.wait_line("wifi: no network named")
    board.at_once(hold(board, "B"))
    board.wait_line("boot: button B was held; resetting the board into set-up", 60)
    board.wait_line("setup: looking for networks", 60)
    board.at_once(hold(board, "B", down=False))
    phone.join()
    assert phone.get("/setup.json").json["config"]["mqtt"]["port"] == mosquitto.port
    # Left without saving: the board is as before.
    since = len(board.lines)
    board.command("reset")
    board.wait_line("wifi: no network named", 60, since)


def test_button_b_held_in_network_does_nothing(set_up: SetUp, mosquitto: Mosquitto) -> None:
    phone = set_up(config=settings(mosquitto), joined=False)
    board = phone.board
    wait_subscribed(board, timeout=60)
    board.at_once(hold(board, "B"))
    person = Person(mosquitto, "light/state")
    try:
        began = board.events[-1]["t"]
        # For longer than the button would have to be held, by the board's own clock.
        while board.events[-1]["t"] < began + 4_000_000:
            person.publish("light", "toggle")
            person.receive("light/state")
    finally:
        person.close()
    assert not any("set-up" in line for line in board.lines)


# What it refuses, and what it says --------------------------------------------------------


def refuse(
    set_up: SetUp, wifi: dict[str, Any], *commands: dict[str, Any], **options: Any
) -> Phone:
    """Propose a network that cannot be joined; return the phone once the board has said so."""
    phone = set_up(commands=commands, **options)
    good = {
        "wifi": wifi,
        "mqtt": {"server": "broker.local", "user": "desk", "password": "geheim!"},
    }
    assert phone.propose(good).status == 200
    phone.wait_state("failed")
    return phone


def test_wrong_password_is_said_and_form_keeps_rest(set_up: SetUp) -> None:
    phone = refuse(set_up, {"ssid": "staff room", "password": "coffee at nine"})
    state = phone.get("/setup.json").json
    assert "check wifi.password" in state["reason"]
    phone.board.wait_line('setup: "staff room" ')
    shown(phone.board, RED)
    assert state["config"] == {
        "wifi": {"ssid": "staff room"},
        "mqtt": {"server": "broker.local", "user": "desk"},
    }
    assert state["kept"] == ["wifi.password", "mqtt.password"]
    assert "wifi" not in config_file(phone.board) or not config_file(phone.board)["wifi"]["ssid"]
    # The Wi-Fi password alone is typed again.
    again = {
        "wifi": {"ssid": "staff room", "password": "tea at eleven"},
        "mqtt": state["config"]["mqtt"],
    }
    assert phone.propose(again).status == 200
    phone.wait_state("done")
    assert config_file(phone.board)["mqtt"]["password"] == "geheim!"


def test_missing_network_is_said(set_up: SetUp) -> None:
    phone = refuse(set_up, {"ssid": "five gigahertz", "password": "fast and far"})
    assert "2.4 GHz" in phone.get("/state.json").json["reason"]


def test_network_without_addresses_is_said(set_up: SetUp) -> None:
    no_dhcp = {"command": "dhcp", "value": False}
    phone = refuse(set_up, {"ssid": "open house", "password": ""}, no_dhcp)
    assert "gives no address" in phone.get("/state.json").json["reason"]


def test_problems_are_those_of_config_check(set_up: SetUp) -> None:
    answer = set_up().propose(
        {"wifi": {"ssid": ""}, "mqtt": {"server": "mqtt://x", "password": "p"}}
    )
    assert answer.status == 422
    problems = answer.json["problems"]
    assert any(line.startswith("wifi.ssid: ") for line in problems)
    assert any(line.startswith("mqtt.server: ") for line in problems)


@pytest.mark.parametrize(
    "body",
    (b"", b"{", b"[]", b'{"config": 1}', b"\xff", b'{"config": {}}', b"[" * 4000, b"1" * 4096),
)
def test_malformed_proposals_are_refused(set_up: SetUp, body: bytes) -> None:
    answer = set_up().post("/setup.json", body)
    assert answer.status == 422 and answer.json["problems"]


def test_list_has_strongest_of_each_name(set_up: SetUp) -> None:
    many = [AccessPoint(f"room {i:02}", "long enough", rssi=-60 - i, channel=1) for i in range(25)]
    twice = AccessPoint("room 24", "long enough", rssi=-40, channel=11)
    hidden = AccessPoint("secret", "long enough", hidden=True)
    networks = set_up(access_points=(*many, twice, hidden)).get("/setup.json").json["networks"]
    assert networks[:2] == [["room 24", -40, 1], ["room 00", -60, 1]] and len(networks) == 20


def test_kinds_of_networks_are_told(set_up: SetUp) -> None:
    networks = set_up().get("/setup.json").json["networks"]
    assert {name: kind for name, _, kind in networks} == {
        "classroom": 1,
        "staff room": 1,
        "open house": 0,
        "university": 2,
    }


def test_save_without_trying_saves_at_once(set_up: SetUp) -> None:
    phone = set_up()
    config = {"wifi": {"ssid": "at school", "password": "not in reach"}, "mqtt": {"server": "b"}}
    assert phone.propose(config, tried=False).status == 200
    assert saved_file(phone.board) == config
    assert not any("trying" in line for line in phone.board.lines)


def test_second_post_while_trying_is_refused(set_up: SetUp) -> None:
    phone = set_up(commands=({"command": "dhcp", "value": False},))
    config = {"wifi": {"ssid": "open house"}, "mqtt": {"server": "b"}}
    assert phone.propose(config).status == 200
    answer = phone.propose(config)
    assert answer.status == 409 and answer.json["state"] == "trying"


def test_five_wrong_tries_make_pause(set_up: SetUp) -> None:
    phone = set_up()
    for number in range(5):
        wifi = {"ssid": "classroom", "password": f"wrong password {number}"}
        assert phone.propose({"wifi": wifi, "mqtt": {"server": "b"}}).status == 200
        phone.wait_state("failed")
    for language, problem in (
        (ENGLISH, "too many tries; wait half a minute"),
        (CHINESE, "尝试次数太多；请等半分钟"),
    ):
        phone.language = language
        answer = phone.propose({"wifi": {"ssid": "classroom"}, "mqtt": {"server": "b"}})
        assert answer.status == 429 and answer.json["problems"] == [problem]


# Passwords --------------------------------------------------------------------------------

OLD = {
    "wifi": {"ssid": "classroom", "password": "chalk and talk", "timeout": 0},
    "mqtt": {"server": "192.0.2.9", "user": "desk", "password": "broker's own"},
}


@pytest.mark.parametrize(
    "change", ({"server": "192.0.2.66"}, {"user": "me"}, {"port": 1884}, {"tls": True})
)
def test_password_is_not_kept_for_another_broker(set_up: SetUp, change: dict[str, Any]) -> None:
    phone = set_up(config=OLD)
    mqtt = {"server": "192.0.2.9", "user": "desk", **change}
    assert phone.propose({"wifi": {"ssid": "classroom"}, "mqtt": mqtt}, tried=False).status == 200
    assert "password" not in saved_file(phone.board)["mqtt"]
    assert saved_file(phone.board)["wifi"]["password"] == "chalk and talk"


def test_password_left_out_is_kept_for_same_broker(set_up: SetUp) -> None:
    phone = set_up(config=OLD)
    mqtt = {"platform": "mqtt", "server": "192.0.2.9", "user": "desk", "port": 0}
    config = {"wifi": {"ssid": "classroom"}, "mqtt": mqtt}
    assert phone.propose(config, tried=False).status == 200
    assert saved_file(phone.board)["mqtt"]["password"] == "broker's own"


def test_password_is_kept_after_another_network_failed(set_up: SetUp) -> None:
    """The page has asked once which passwords there are, and goes by that."""
    phone = set_up(config={"wifi": GOOD_WIFI, "mqtt": {}})
    other = {"ssid": "staff room", "password": "wrong password"}
    assert phone.propose({"wifi": other, "mqtt": {"server": "b"}}).status == 200
    phone.wait_state("failed")
    wifi = {"ssid": GOOD_WIFI["ssid"]}
    assert phone.propose({"wifi": wifi, "mqtt": {"server": "b"}}).status == 200
    assert saved_file(phone.board)["wifi"] == GOOD_WIFI


def test_list_of_networks_becomes_one_in_form(set_up: SetUp, mosquitto: Mosquitto) -> None:
    several = [{"ssid": "classroom", "password": "chalk and talk"}, {"ssid": "open house"}]
    down = {"command": "pin", "id": read_pins(load_board("mpython"))["BUTTON_B"], "value": 0}
    phone = set_up(config={**settings(mosquitto), "wifi": several}, commands=(down,))
    assert phone.get("/setup.json").json["config"]["wifi"] == {"ssid": "classroom"}
    config = {"wifi": {"ssid": "classroom"}, "mqtt": {"server": "b"}}
    assert phone.propose(config, tried=False).status == 200
    assert saved_file(phone.board)["wifi"] == several[0]


def test_whole_file_keeps_its_list_of_networks(set_up: SetUp) -> None:
    phone = set_up()
    several = [{"ssid": "open house"}, {"ssid": "elsewhere", "password": "not in reach"}]
    assert phone.propose({"wifi": several, "mqtt": {"server": "b"}}).status == 200
    phone.board.wait_line('setup: trying "open house"')
    phone.wait_state("done")
    assert saved_file(phone.board)["wifi"] == several


def test_wifi_password_is_not_kept_for_another_network(set_up: SetUp) -> None:
    phone = set_up(config=OLD)
    config = {"wifi": {"ssid": "evil twin"}, "mqtt": {"server": "b"}}
    assert phone.propose(config, tried=False).status == 200
    assert "password" not in saved_file(phone.board)["wifi"]


def test_passwords_leave_board_in_no_direction(set_up: SetUp) -> None:
    """Neither the file's, nor those typed, nor those of the wrong form; by no answer and no line."""
    phone = set_up(config=OLD)
    board = phone.board
    body = b""
    for wifi, broker in (
        ("short", "x" * 1025),
        ("tab\tin it", "line\nin it"),
        (["secret-list"], {"secret": "map"}),
        ("wrong-secret", "other-secret"),
    ):
        config = {
            "wifi": {"ssid": "classroom", "password": wifi},
            "mqtt": {"server": "user:secret-address@b", "user": "desk", "password": broker},
        }
        body += phone.propose(config).body
        config["mqtt"]["server"] = "b"
        body += phone.propose(config).body
    phone.wait_state("failed")
    for path in ("/", "/setup.json", "/state.json", "/config.json", "/../config.json", "/x?y"):
        answer = phone.get(path)
        body += gzip.decompress(answer.body) if answer.body[:2] == b"\x1f\x8b" else answer.body
    said = body.decode() + "\n".join(board.lines)
    for secret in (
        "chalk and talk",
        "broker's own",
        "short",
        "in it",
        "secret-",
        "-secret",
        "xxxxx",
    ):
        assert secret not in said, secret


# Times, radio, faults ----------------------------------------------------------------------

# Ten minutes in some seconds: the module's own limits are what they are on the chip.
_FAST = """
import time
real = time.ticks_ms
begin = real()
class Fast:
    def __getattr__(self, name):
        return getattr(time, name)
    def ticks_ms(self):
        return begin + 100 * time.ticks_diff(real(), begin) & 0x3fffffff
"""


def run_set_up(
    tmp_path: Path, before: str, is_called: bool = False, **options: Any
) -> SimulatedBoard:
    """Run set-up as a program, so that something can be put in its place first."""
    script = tmp_path / "script.py"
    script.write_text(
        "from device.setup import program\n" + before + "\n"
        "class Watchdog:\n    def step(self): pass\n"
        f"try:\n    program.Setup({is_called}).run(Watchdog())\n"
        "except KeyboardInterrupt:\n    print('prompt')\n"
    )
    return SimulatedBoard(arguments=(str(script),), **options)


def test_access_point_closes_after_ten_minutes(tmp_path: Path) -> None:
    with run_set_up(tmp_path, _FAST + "program.time = Fast()\n") as board:
        phone = Phone(board)
        phone.read_line()
        board.wait_line("setup: closed after 10 minutes; press B or reset", 60)
        began, closed = (
            board.wait(
                f"access point, active {active}",
                lambda: [e["t"] for e in board.events if e.get("active") is active],
            )[0]
            for active in (True, False)
        )
        assert closed - began >= 5_900_000  # us, a hundred times as fast
        shown(board, RED)
        since, first = len(board.lines), phone.key
        board.at_once(hold(board, "B"))
        phone.join(since)
        assert phone.key != first
        board.at_once(hold(board, "B", down=False))
        # No request: its few seconds are hundredths here.
        board.wait_line("setup: somebody has joined", since=since)


def test_phone_is_dropped_by_channel_jump_and_comes_back(set_up: SetUp) -> None:
    phone = set_up(joined=False)
    phone.join(follows=False)
    board = phone.board
    own = next(e["channel"] for e in board.events if e["event"] == "ap" and e["active"])
    wifi = {"ssid": "staff room", "password": "tea at eleven"}
    assert own != 11 and phone.propose({"wifi": wifi, "mqtt": {"server": "b"}}).status == 200
    board.wait(
        "phone that is dropped",
        lambda: any(e["event"] == "phone" and not e["joined"] for e in board.events),
        60,
    )
    phone.join()
    assert phone.wait_state("done")["address"]


def test_search_again_finds_new_network(set_up: SetUp) -> None:
    phone = set_up()
    phone.board.command("access_point", ssid="late", password="long enough", channel=1)
    assert phone.post("/scan", {}).status == 200
    phone.board.wait(
        "new network",
        lambda: "late" in [n[0] for n in phone.get("/setup.json").json["networks"]],
        60,
    )


def test_blink_shows_which_board_it_is(set_up: SetUp) -> None:
    phone = set_up()
    since = len(phone.board.frames())
    assert phone.post("/blink", {}).status == 200
    shown(phone.board, (255, 255, 255), since)


@pytest.mark.parametrize("state", ("searching", "open", "trying", "done"))
def test_ctrl_c_reaches_prompt(set_up: SetUp, state: str) -> None:
    slow = ({"command": "scan_time", "ms": 2400}, {"command": "dhcp", "value": state == "done"})
    phone = set_up(joined=False, commands=slow)
    board = phone.board
    if state == "searching":
        board.wait_line("setup: looking for networks")
    else:
        phone.join()
    if state in ("trying", "done"):
        config = {"wifi": {"ssid": "open house"}, "mqtt": {"server": "b"}}
        assert phone.propose(config).status == 200
        board.wait_line("setup: trying" if state == "trying" else "setup: saved", 60)
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C", 60)
    board.wait(
        "access point that is off",
        lambda: not [e["active"] for e in board.events if e["event"] == "ap"][-1:] == [True],
        60,
    )
    if state != "trying":
        return
    board.type(
        "import network; network.WLAN().active(True); print('again', network.WLAN().config('reconnects'))\r\n"
    )
    board.wait_line("again -1", 60)


def test_full_disk_is_said_and_old_file_stays(tmp_path: Path) -> None:
    full = """
import device.setup.form as form
def fail(values):
    raise OSError(28)
form.save = fail
"""
    with run_set_up(tmp_path, full) as board:
        phone = Phone(board)
        phone.join()
        config = {"wifi": {"ssid": "classroom"}, "mqtt": {"server": "b"}}
        phone.propose(config, tried=False)
        assert "disk full" in phone.wait_state("failed")["reason"]


def test_file_that_grows_too_large_is_said(set_up: SetUp) -> None:
    """Saved with spaces between keys and values, it would be one that no board reads."""
    networks = [{"ssid": f"room {i}", "password": "x" * 63} for i in range(8)]
    mqtt = {"server": ["x" * 250] * 8, "user": "u" * 250, "password": ""}

    def body() -> bytes:
        config = {"wifi": networks, "mqtt": mqtt}
        return json.dumps({"config": config, "try": False}, separators=(",", ":")).encode()

    mqtt["password"] = "p" * (4096 - len(body()))
    phone = set_up()
    assert phone.post("/setup.json", body()).status == 200
    assert "larger than 4096 bytes" in phone.wait_state("failed")["reason"]


def test_no_memory_drops_clients_and_goes_on(tmp_path: Path) -> None:
    short = """
whole = program.Setup.step
times = [0]
def step(self):
    if self._has_guest and times[0] == 0:
        times[0] += 1
        raise MemoryError
    whole(self)
program.Setup.step = step
"""
    with run_set_up(tmp_path, short) as board:
        phone = Phone(board)
        phone.join()
        board.wait_line("setup: somebody has joined")
        assert phone.get("/state.json").json["state"] == "open"


def test_search_without_memory_leaves_list_empty(tmp_path: Path) -> None:
    """network_wlan_scan does without its list then, and raises RuntimeError"""
    failing = """
def scan(self):
    raise RuntimeError("Wifi Unknown Error 0x0102")
program.radio.network.WLAN.scan = scan
"""
    with run_set_up(tmp_path, failing) as board:
        phone = Phone(board)
        phone.join()
        assert phone.get("/setup.json").json["networks"] == []


def test_second_memory_shortage_ends_set_up(tmp_path: Path) -> None:
    """The boot script resets the board then, as after any failure."""
    short = """
whole = program.Setup.step
def step(self):
    if self._has_guest:
        raise MemoryError
    whole(self)
program.Setup.step = step
"""
    with run_set_up(tmp_path, short) as board:
        Phone(board).join()
        board.wait_line("MemoryError")
        board.wait(
            "access point that is off",
            lambda: [e["active"] for e in board.events if e["event"] == "ap"][-1] is False,
        )


def test_phone_that_leaves_finds_board_open(set_up: SetUp) -> None:
    """As one does that goes back to a network with internet; and no other port is open to it."""
    phone = set_up()
    board = phone.board
    board.wait_line("setup: somebody has joined")
    shown(board, CYAN)
    since = len(board.frames())
    phone.leave()
    shown(board, (0, 0, 0), since)  # blinking again
    since = len(board.lines)
    board.command("phone", joined=True, key=phone.key)
    board.wait_line("setup: somebody has joined", since=since)
    assert phone.get("/state.json").json["state"] == "open"
    assert {e["port"] for e in board.events if e["event"] == "listening"} == {53, 80}


def test_user_program_does_not_run_in_set_up(set_up: SetUp) -> None:
    files = {
        "main.py": "print('mine')\n",
        "handlers.py": "print('mine, too')\n",
        "board.py": "1/0\n",
    }
    phone = set_up(files={"handlers.py": files["handlers.py"], "board.py": files["board.py"]})
    assert phone.get("/state.json").status == 200
    assert not any("mine" in line for line in phone.board.lines)


def test_each_start_has_another_key(set_up: SetUp) -> None:
    phone = set_up(joined=False)
    phone.read_line()
    first, since = phone.key, len(phone.board.lines)
    phone.board.command("reset")
    phone.read_line(since)
    assert re.fullmatch(r"\d{10}", phone.key) and phone.key != first
    with pytest.raises(BoardError):
        phone.board.command("phone", joined=True, key=first)
