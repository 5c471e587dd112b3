"""Improv Wi-Fi on a board's serial line, by a client that reads as strictly as the browsers' one does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ci.boards import board_names, load_board
from ci.image.images import web_manifest
from simulated_board import AccessPoint, SimulatedBoard
from tests.classroom import ACCESS_POINT, settings, wait_subscribed
from tests.mosquitto import Mosquitto
from tests.setup import improv_client
from tests.setup.improv_client import ImprovClient
from tests.setup.phone import Phone, receive
from tests.setup.test_states import config_file, run_set_up, _FAST

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto, pytest.mark.serial]

SetUp = Callable[..., Phone]
Connect = Callable[[SimulatedBoard], ImprovClient]

STATION = "127.0.0.9"  # of the network that the board has joined
NO_BROKER = {"wifi": {"ssid": "elsewhere", "hostname": "lamp-07"}, "mqtt": {"user": "desk"}}


@pytest.fixture
def connect() -> Iterator[Connect]:
    with ExitStack() as stack:

        def start(board: SimulatedBoard) -> ImprovClient:
            assert board.port
            client = ImprovClient(board.port.name)
            stack.callback(client.close)
            return client

        yield start


def ask_page(phone: Phone, request: str, body: Any = None) -> Any:
    """Ask from the network that the board has joined; `request` is a method and a path."""
    data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    head = f"{request} HTTP/1.1\r\nHost: 10.0.0.2\r\nContent-Type: application/json\r\n"
    with phone.connect(STATION) as connection:
        connection.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        return receive(connection)


def call(client: ImprovClient) -> None:
    """Ask a running board for its state, and receive what it answers."""
    client.send(improv_client.request(improv_client.TELL_STATE))
    expected = [("error", 0), ("state", 4), ("result", (improv_client.TELL_STATE, []))]
    assert [client.receive() for _ in range(3)] == expected


@pytest.mark.parametrize("board_name", board_names())
def test_client_and_page_get_board_to_broker(
    set_up: SetUp, connect: Connect, mosquitto: Mosquitto, board_name: str
) -> None:
    phone = set_up(board_name, joined=False, serial=True)
    phone.read_line()
    board, client = phone.board, connect(phone.board)
    assert client.ask_state() == improv_client.READY
    firmware, version, chip, name, *system = client.ask(improv_client.TELL_BOARD)
    manifest = json.loads(web_manifest(load_board(board_name), version, "", 0))
    assert firmware == manifest["name"] and version in board.lines[0] and chip == "ESP32"
    assert name == phone.name and system[0] == "MicroPython" and system[1][0] == "v"
    networks = client.ask_networks()
    assert networks[0] == ["classroom", "-50", "YES"] and ["open house", "-60", "NO"] in networks
    assert "university" not in [network[0] for network in networks]

    client.send(improv_client.login(ACCESS_POINT.ssid, ACCESS_POINT.password))
    assert [client.receive() for _ in range(3)] == [("error", 0), ("state", 3), ("state", 4)]
    kind, (command, texts) = client.receive()  # type: ignore[misc]
    assert (kind, command) == ("result", improv_client.JOIN)
    address, _, key = texts[0].partition("/?k=")
    assert address == "http://10.0.0.2" and len(key) == 8
    board.wait_line(f'setup: joined "classroom"; open {texts[0]}')
    assert client.ask_state() == improv_client.PROVISIONED
    assert client.receive() == ("result", (improv_client.TELL_STATE, texts))

    for path in ("/", "/setup.json", "/setup.json?k=", "/setup.json?k=abcdefgi", f"/x?x&k={key}"):
        assert ask_page(phone, f"GET {path}").status == 403
    assert ask_page(phone, f"GET /?k={key}").headers["content-encoding"] == "gzip"
    description = ask_page(phone, f"GET /setup.json?k={key}").json
    assert description["config"]["wifi"] == {"ssid": "classroom"}
    assert "wifi.password" in description["kept"] and description["state"] == "joined"
    assert not config_file(board)["wifi"]["ssid"]  # nothing is saved before it is whole

    # With the spaces of the file it is too large. The page stays, to say so.
    mqtt = {"server": ["x" * 250] * 8, "user": "u" * 250, "password": ""}
    topics = {key: key * 25 for key in ("command", "state", "status", "info", "button")}
    config = {"wifi": {"ssid": "elsewhere"}, "mqtt": mqtt, "topics": topics}
    proposal = {"config": config, "try": False}
    mqtt["password"] = "p" * (4096 - len(json.dumps(proposal, separators=(",", ":"))))
    assert ask_page(phone, f"POST /setup.json?k={key}", proposal).status == 200
    board.wait_line("setup: /config.json: larger than 4096 bytes")
    answer = ask_page(phone, f"GET /state.json?k={key}").json
    assert (answer["state"], answer["reason"]) == (
        "joined",
        "/config.json: larger than 4096 bytes",
    )

    config = settings(mosquitto)
    del config["wifi"]["password"]  # which the page has not been told
    proposal = {"config": config, "try": True}
    assert ask_page(phone, f"POST /setup.json?k={key}", proposal).status == 200
    assert ask_page(phone, f"GET /state.json?k={key}").json["state"] == "done"
    wait_subscribed(board)
    assert config_file(board) == settings(mosquitto)
    assert not any("trying" in line for line in board.lines[-8:])


def test_each_request_has_its_answer(set_up: SetUp, connect: Connect) -> None:
    phone = set_up(config=NO_BROKER, joined=False, serial=True)
    phone.read_line()
    client = connect(phone.board)
    state = improv_client.request(improv_client.TELL_STATE)
    client.send(state, piece=1)  # byte by byte
    client.send(b"log text without an end" + state + state)
    for _ in range(3):
        assert [client.receive() for _ in range(2)] == [("error", 0), ("state", 2)]
    # Seven letters: a result of ten bytes would be lost.
    assert client.ask(improv_client.HOST_NAME) == ["lamp-07", ""]
    assert client.ask(improv_client.DEVICE_NAME) == [phone.name]
    for request, error in (
        (improv_client.request(improv_client.HOST_NAME, b"other"), 5),
        (improv_client.request(improv_client.DEVICE_NAME, b"other"), 2),
        (improv_client.request(7), 2),
        (improv_client.request(0x99, b"\x03" * 200), 2),
        (state[:-2] + b"\x00\n", 1),
        (improv_client.request(improv_client.JOIN, b"\x09x"), 1),
        (improv_client.login("classroom", "short"), 3),
        (improv_client.login("", ""), 3),
    ):
        client.send(request)
        assert client.receive() == ("error", error), request
    assert client.ask_state() == improv_client.READY
    phone.board.interrupt()
    phone.board.wait_line("boot: stopped by Ctrl-C")


def test_wrong_password_is_refused_and_right_one_taken(set_up: SetUp, connect: Connect) -> None:
    phone = set_up(joined=False, serial=True)
    phone.read_line()
    client = connect(phone.board)
    client.send(improv_client.login("staff room", "coffee at nine"))
    expected = [("error", 0), ("state", 3), ("error", 3), ("state", 2)]
    assert [client.receive() for _ in range(4)] == expected
    phone.board.wait_line('setup: "staff room" ')
    # The access point is still there, and the page says why.
    phone.board.command("phone", joined=True, key=phone.key)
    assert "check wifi.password" in phone.get("/state.json").json["reason"]
    client.send(improv_client.login("staff room", "tea at eleven"))
    expected = [("error", 0), ("state", 3), ("state", 4)]
    assert [client.receive() for _ in range(3)] == expected


@pytest.mark.parametrize("board_name", board_names())
def test_running_board_answers_and_gets_another_network(
    boot: Callable[..., SimulatedBoard], connect: Connect, mosquitto: Mosquitto, board_name: str
) -> None:
    other = AccessPoint("staff room", "tea at eleven", rssi=-70, channel=11)
    board = boot(board_name, serial=True, access_points=(ACCESS_POINT, other))
    wait_subscribed(board)
    client = connect(board)
    call(client)
    board.wait_line("boot: stopped by an Improv client")
    assert client.ask(improv_client.TELL_BOARD)[3] == f"{board_name}-000001"
    assert client.ask_networks()[1] == ["staff room", "-70", "YES"]
    assert not any(event["event"] == "ap" and event["active"] for event in board.events)
    since = len(board.lines)
    client.send(improv_client.login(other.ssid, other.password))
    expected = [("error", 0), ("state", 3), ("state", 4), ("result", (improv_client.JOIN, []))]
    assert [client.receive() for _ in range(4)] == expected
    wait_subscribed(board, since)
    wifi = {"ssid": other.ssid, "password": other.password}
    assert config_file(board) == {**settings(mosquitto), "wifi": wifi}
    assert f"wifi: connected {other.ssid}" in "\n".join(board.lines[since:])


# Says how long set-up has run, by its own clock, before it resets the board.
_TELLING = """
program.form.read = lambda: ({}, True)
program.time = Fast()
began = program.time.ticks_ms()
import machine
class Machine:
    def __getattr__(self, name):
        return getattr(machine, name)
    def reset(self):
        print("reset after", program.time.ticks_diff(program.time.ticks_ms(), began))
        raise SystemExit
program.machine = Machine()
"""


def test_board_that_nobody_asks_any_more_goes_on(tmp_path: Path) -> None:
    with run_set_up(tmp_path, _FAST + _TELLING, is_called=True) as board:
        board.wait_line("setup: nobody asks any more; restarting")
        assert int(board.wait_line("reset after").split()[-1]) >= 60_000


def test_user_program_is_stopped_by_reset(
    boot: Callable[..., SimulatedBoard], connect: Connect
) -> None:
    """Modules of its own, with the names of the firmware's, do not matter."""
    mine = "import device, sys\nselect = micropython = imports = None\nprint('mine')\nwhile True: pass\n"
    board = boot(files={"main.py": mine, "device.py": ""}, serial=True)
    board.wait_line("mine")
    client = connect(board)
    call(client)
    board.wait_line("boot: stopped by an Improv client; resetting the board into set-up")
    assert client.ask_state() == improv_client.PROVISIONED
    assert client.receive() == ("result", (improv_client.TELL_STATE, []))
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C")


def test_call_in_boot_window_opens_set_up(set_up: SetUp, connect: Connect) -> None:
    phone = set_up(joined=False, serial=True)
    phone.board.wait_line("boot: ")
    client = connect(phone.board)
    client.send(improv_client.request(improv_client.TELL_STATE))
    assert [client.receive() for _ in range(2)] == [("error", 0), ("state", 2)]
    phone.read_line()
    assert client.ask_state() == improv_client.READY


# The prompt, for people and tools -----------------------------------------------------------


def use_mpremote(board: SimulatedBoard) -> None:
    """Ask for a sum with MicroPython's own tool."""
    assert board.port
    tool = [sys.executable, "-m", "mpremote", "connect", board.port.name]
    result = subprocess.run(
        [*tool, "exec", "print(6 * 7)"], capture_output=True, text=True, timeout=120
    )
    assert result.stdout.endswith("42\n"), result.stdout + result.stderr


@pytest.mark.parametrize(
    "state", ("searching", "open", "guest", "trying", "failed", "joined", "done", "improv")
)
def test_mpremote_interrupts_set_up(set_up: SetUp, connect: Connect, state: str) -> None:
    commands = (
        {"command": "scan_time", "ms": 2400 if state == "searching" else 100},
        {"command": "dhcp", "value": state != "trying"},
    )
    phone = set_up(joined=False, serial=True, commands=commands)
    board = phone.board
    if state == "searching":
        board.wait_line("setup: looking for networks")
    elif state in ("open", "guest"):
        phone.read_line()
        if state == "guest":
            phone.join()
            board.wait_line("setup: somebody has joined")
    elif state in ("joined", "improv"):
        phone.read_line()
        client = connect(board)
        assert client.ask_state() == improv_client.READY
        if state == "joined":
            client.send(improv_client.login("open house", ""))
            board.wait_line("setup: joined")
    else:
        phone.join()
        password = "wrong password" if state == "failed" else ACCESS_POINT.password
        wifi = {"ssid": ACCESS_POINT.ssid, "password": password}
        assert phone.propose({"wifi": wifi, "mqtt": {"server": "b"}}).status == 200
        lines = {"trying": "setup: trying", "failed": 'setup: "', "done": "setup: saved"}
        board.wait_line(lines[state])
    use_mpremote(board)
    board.wait_line("boot: stopped by Ctrl-C")


def test_mpremote_interrupts_board_that_client_has_called(
    boot: Callable[..., SimulatedBoard], connect: Connect
) -> None:
    board = boot(serial=True)
    wait_subscribed(board)
    call(connect(board))
    use_mpremote(board)


def test_mpremote_interrupts_running_program(boot: Callable[..., SimulatedBoard]) -> None:
    board = boot(serial=True)
    wait_subscribed(board)
    use_mpremote(board)
    board.wait_line("boot: stopped by Ctrl-C")
    assert not any("Improv" in line for line in board.lines)
