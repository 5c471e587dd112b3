"""The whole simulated board against Mosquitto: boot, lights, outages, safe mode."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from air import PINGRESP, Air
from ci.boards import board_names, load_board
from ci.build.board_facts import facts
from simulated_board import Frame, SimulatedBoard
from tests.classroom import ACCESS_POINT, Person, settings, wait_subscribed
from tests.mosquitto import Mosquitto
from tests.tls import Certificates
from tests.umqtt.wire.broker import ScriptedBroker
from tests.web_server import serving

SUBSCRIBE = 0x82

Boot = Callable[..., SimulatedBoard]


def is_lit(frame: Frame) -> bool:
    return all(any(colour) for colour in frame.colours)


def is_dark(frame: Frame) -> bool:
    return not any(any(colour) for colour in frame.colours)


@pytest.mark.parametrize("name", board_names())
def test_remote_light_obeys_and_tells(
    boot: Boot, mosquitto: Mosquitto, person: Person, name: str
) -> None:
    board = boot(name)
    wait_subscribed(board)
    # The lines that people and scripts read (docs/serial.md).
    assert board.lines[0].startswith(f"boot: {name} ")
    assert board.lines[1].startswith("wifi: connected classroom 10.0.0.2 (")
    assert board.lines[2] == f"mqtt: connected {mosquitto.host}:{mosquitto.port} session=0"
    assert person.receive("light/status") == b"online"
    assert json.loads(person.receive("light/state"))["state"] == "OFF"

    before = len(board.frames())
    person.publish("light", "on")
    frame = board.wait_frame(is_lit, since=before)
    assert len(frame.colours) == facts(load_board(name)).LED_COUNT
    assert json.loads(person.receive("light/state"))["state"] == "ON"
    board.wait_line("lights: on #ffffff 100%")

    before = len(board.frames())
    person.publish("light", "off")
    board.wait_frame(is_dark, since=before)
    assert json.loads(person.receive("light/state"))["state"] == "OFF"
    board.wait_line("lights: off")


def test_pings_keep_connection(boot: Boot, mosquitto: Mosquitto) -> None:
    board = boot(
        config=settings(mosquitto, keepalive=4),
        commands=({"command": "capture", "value": True},),
    )
    wait_subscribed(board)

    def last_answer() -> float:
        """When the broker last answered a ping, in seconds by the board's clock."""
        air = Air()
        times = [
            event["t"] / 1e6
            for event in list(board.events)
            for direction, packet in air.packets(event)
            if direction == "in" and packet[0] == PINGRESP
        ]
        return max(times, default=0)

    # The broker would have closed after 1.5 of the keep alive.
    begin = board.wait("first ping", last_answer)
    board.wait("ping after twice the keep alive", lambda: last_answer() > begin + 8)
    assert not any("lost" in line for line in board.lines)


def test_payload_not_understood_changes_nothing(boot: Boot, person: Person) -> None:
    board = boot()
    wait_subscribed(board)
    # Blank, white, blue, dark: the last says that the board is ready.
    board.wait_frame(is_dark, since=3)
    before = len(board.frames())
    person.publish("light", "disco")
    board.wait_line("lights: b'disco' is not understood; send on, off")
    assert len(board.frames()) == before


def test_board_killed_publishes_last_will(boot: Boot, person: Person) -> None:
    board = boot()
    wait_subscribed(board)
    assert person.receive("light/status") == b"online"
    board.process.kill()
    assert person.receive("light/status") == b"offline"


def test_broker_killed_is_found_again(boot: Boot, mosquitto: Mosquitto, person: Person) -> None:
    board = boot()
    wait_subscribed(board)
    seen = len(board.lines)
    mosquitto.stop(kill=True)
    board.wait_line("mqtt: lost (", since=seen)
    seen = len(board.lines)
    mosquitto.start()
    board.wait_line("mqtt: connected", since=seen)
    wait_subscribed(board, since=seen)
    before = len(board.frames())
    person.publish("light", "on")
    board.wait_frame(is_lit, since=before)


def test_new_command_topic_in_old_session_is_obeyed(
    boot: Boot, mosquitto: Mosquitto, person: Person
) -> None:
    config = settings(mosquitto, clean_session=False)
    board = boot(config=config)
    wait_subscribed(board)
    board.process.kill()
    config["topics"]["command"] = "light/new"
    board = boot(config=config)
    board.wait_line("session=1")
    board.wait_line("mqtt: subscribed light/new qos=1")
    person.publish("light/new", "on")
    board.wait_frame(is_lit)


def subscribe_packets(board: SimulatedBoard) -> list[bytes]:
    """Return the SUBSCRIBE packets that a board has sent, after the command `capture`."""
    air = Air()
    return [
        packet
        for event in list(board.events)
        for direction, packet in air.packets(event)
        if direction == "out" and packet[0] == SUBSCRIBE
    ]


def test_packet_identifiers_differ_in_kept_session(boot: Boot, mosquitto: Mosquitto) -> None:
    """[MQTT-4.3.3-2]: one that the broker still holds would pass for a repetition"""
    first = []
    for _ in range(2):
        board = boot(
            config=settings(mosquitto, clean_session=False),
            commands=({"command": "capture", "value": True},),
        )
        packets = board.wait("SUBSCRIBE", lambda board=board: subscribe_packets(board))
        first.append(packets[0][2:4])
        board.process.kill()
    assert first[0] != first[1], first


def test_wifi_gone_is_joined_again(boot: Boot, mosquitto: Mosquitto, person: Person) -> None:
    board = boot(config=settings(mosquitto, keepalive=4))
    wait_subscribed(board)
    seen = len(board.lines)
    board.command("outage", value=True, noticed_after_ms=500)
    board.wait_line("wifi: lost classroom", since=seen)
    time.sleep(1)
    board.command("outage", value=False)
    board.wait_line("wifi: connected classroom", since=seen)
    before = len(board.frames())
    deadline = time.monotonic() + 60
    while not any(is_lit(frame) for frame in board.frames()[before:]):
        person.publish("light", "on")
        assert time.monotonic() < deadline, board.tail()
        time.sleep(0.5)


def test_wrong_wifi_password_is_said(boot: Boot, mosquitto: Mosquitto) -> None:
    config = settings(mosquitto)
    config["wifi"]["password"] = "canary-password"
    board = boot(config=config)
    board.wait_line('wifi: "classroom" refuses the password; check wifi.password')
    assert "canary" not in "\n".join(board.lines)


def test_missing_access_point_is_said(boot: Boot) -> None:
    board = boot(access_points=())
    board.wait_line('wifi: no network named "classroom" is in reach; check wifi.ssid')
    hint = "hint: hold button B for 3 s to give the board another network or password"
    board.wait_line(hint)
    # Another reason does not bring it again.
    board.command("access_point", ssid="classroom", password="another", channel=1)
    board.wait_line('wifi: "classroom" ', timeout=60)
    assert board.lines.count(hint) == 1


def test_missing_config_writes_template(boot: Boot) -> None:
    board = boot(config=None)
    board.wait_line("config: /config.json: was missing; a template is there now")
    assert "ssid" in (board.flash / "config.json").read_text()
    board.wait_line("setup: join the network")
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C")
    board.type("print(6*7)\r")
    board.wait_line("42")


def test_unknown_key_is_told_and_ignored(boot: Boot, mosquitto: Mosquitto) -> None:
    """After a downgrade the configuration may hold keys of the newer firmware"""
    config = {**settings(mosquitto), "discovery": {"prefix": "homeassistant"}}
    config["mqtt"]["keep_alive"] = 20
    board = boot(config=config)
    board.wait_line("config: discovery: unknown key; remove it (known here: ")
    board.wait_line('config: mqtt.keep_alive: unknown key; did you mean "keepalive"?')
    wait_subscribed(board)


def test_ctrl_c_leads_to_prompt(boot: Boot, person: Person) -> None:
    board = boot()
    wait_subscribed(board)
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C")
    board.type("print(6*7)\r")
    board.wait_line("42")


def test_button_is_safe_mode(boot: Boot) -> None:
    board = boot(
        commands=({"command": "pin", "id": 0, "value": 0},),
        files={"main.py": "print('the user')\n"},
    )
    board.wait_line("boot: safe mode")
    board.type("print(6*7)\r")
    board.wait_line("42")
    assert "the user" not in board.lines


def test_main_py_replaces_loop(boot: Boot) -> None:
    board = boot(files={"main.py": "print('hello from', __name__, __file__)\n"})
    board.wait_line("hello from __main__ /main.py")
    assert not any(line.startswith("wifi:") for line in board.lines)


def test_echo_mode_does_not_feed_itself(boot: Boot, mosquitto: Mosquitto, person: Person) -> None:
    board = boot(config={**settings(mosquitto), "mode": "echo"})
    wait_subscribed(board)
    person.publish("light", "hello")
    assert person.receive("light") == b"hello"  # the person's own
    assert person.receive("light") == b"hello"  # the echo
    # A broker keeps the order: an echo of the echo would come between these, or before them.
    for message in (b"hello", b"the end"):
        person.publish("light", message)
        assert [person.receive("light") for _ in range(2)] == [message] * 2
    shown = lambda: sum(line.startswith("echo: light") for line in board.lines)  # noqa: E731
    board.wait("a line for each message", lambda: shown() >= 6)
    assert shown() == 6


def test_echoes_of_whole_class_end(boot: Boot, mosquitto: Mosquitto, person: Person) -> None:
    """More messages at once than the board can know again: none of them goes round forever"""
    board = boot(config={**settings(mosquitto), "mode": "echo"})
    wait_subscribed(board)
    sent = [f"{number}".encode() for number in range(100)]
    for message in sent:
        person.client.publish("light", message)
    came: list[bytes] = []

    def is_over() -> bool:
        while not person.messages.empty():
            message = person.messages.get()
            if message.topic == "light":
                came.append(message.payload)
        dropped = sum("not echoed" in line for line in board.lines)
        return len(came) + dropped >= 2 * len(sent)

    board.wait("echo of each message, or a line", is_over)
    assert sorted(set(came)) == sorted(sent)
    assert max(came.count(message) for message in sent) == 2  # its own, and one echo
    # The board echoes on, and nothing else comes between.
    for message in (b"afterwards", b"the end"):
        person.publish("light", message)
        assert [person.receive("light") for _ in range(2)] == [message] * 2


def test_empty_password_joins_open_network(boot: Boot, mosquitto: Mosquitto) -> None:
    config = settings(mosquitto)
    config["wifi"]["password"] = ""
    board = boot(
        config=config,
        access_points=(type(ACCESS_POINT)("classroom"),),
    )
    wait_subscribed(board)


HANDLERS = """\
import device

@device.on("class/+/lamp")
def lamp(topic, message):
    device.publish("class/seen", topic + b" " + message)

@device.on("class/fail")
def fail(topic, message):
    raise RuntimeError("on purpose")

@device.on("class/#/wrong")
def wrong(topic, message):
    pass
"""


def test_handlers_publish_and_fail(boot: Boot, mosquitto: Mosquitto) -> None:
    board = boot(files={"handlers.py": HANDLERS})
    wait_subscribed(board)
    board.wait_line("mqtt: subscribed class/+/lamp qos=0")
    assert any("/handlers.py: topic filter 'class/#/wrong'" in line for line in board.lines)
    listener = Person(mosquitto, "class/seen", "light/status/stats")
    try:
        board.wait_line("mqtt: subscribed class/fail qos=0")
        listener.publish("class/7/lamp", "on")
        assert listener.receive("class/seen") == b"class/7/lamp on"
        # An exception is printed and counted, and the loop goes on.
        listener.publish("class/fail", "x")
        board.wait_line("RuntimeError: on purpose")
        listener.publish("class/8/lamp", "on")
        assert listener.receive("class/seen") == b"class/8/lamp on"
        listener.publish("light", "stats")
        stats = json.loads(listener.receive("light/status/stats"))
        assert stats["errors"] == 2 and stats["connects"] == 1 and stats["heap_free"] > 0
    finally:
        listener.close()


def test_handlers_with_syntax_error_leave_board_running(boot: Boot) -> None:
    board = boot(files={"handlers.py": "import device\n@device.on(\n"})
    board.wait_line("SyntaxError")
    wait_subscribed(board)


def test_refused_password_is_said(boot: Boot, tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    with Mosquitto(tmp_path / "broker", "allow_anonymous false\n") as broker:
        board = boot(config=settings(broker, user="pupil", password="canary-secret"))
        board.wait_line("mqtt: the broker does not let this user in; check mqtt.user")
        board.wait_frame(lambda frame: frame.colours[0][0] > 0 and not any(frame.colours[0][1:]))
        assert "canary" not in "\n".join(board.lines)


@pytest.mark.parametrize("authority, trusted", [("ca", True), ("other", False)])
def test_tls_trusts_configured_ca_alone(
    boot: Boot, tmp_path: Path, authority: str, trusted: bool
) -> None:
    (tmp_path / "broker").mkdir()
    certificates = Certificates(tmp_path / "broker")
    with Mosquitto(tmp_path / "broker", certificates.settings()) as broker:
        config = settings(broker, tls={"ca": "/ca.pem"})
        config["mqtt"]["server"] = "localhost"
        ca = (tmp_path / "broker" / f"{authority}.pem").read_text()
        board = boot(config=config, files={"ca.pem": ca})
        if trusted:
            wait_subscribed(board)
        else:
            board.wait_line("mqtt: TLS certificate: ")
            assert not any("mqtt: connected" in line for line in board.lines)


@pytest.mark.parametrize(
    "files, said",
    [
        ({}, 'the board has no file "/ca.pem"; copy it there'),
        ({"ca.pem": "-----BEGIN CERTIFICATE-----\nMIIB"}, '"/ca.pem" is no certificate, or cut'),
        ({"ca.pem": "-----BEGIN CERT-----\nMIIBx\n-----END CERT-----\n"}, "no certificate"),
        ({"ca.pem": "-----BEGIN CERT-----\nMIICAAAA\n-----END CERT-----\n"}, "cut off"),
        ({"ca.pem": "<html>-----BEGIN"}, "no certificate"),
        ({"ca.pem": ""}, "no certificate"),
    ],
)
def test_unreadable_ca_leads_to_set_up(
    boot: Boot, mosquitto: Mosquitto, files: dict[str, str], said: str
) -> None:
    """It waits for a person, who reads why; it does not start again and again"""
    board = boot(config=settings(mosquitto, tls={"ca": "/ca.pem"}), files=files)
    assert said in board.wait_line("config: mqtt.tls.ca: ")
    board.wait_line("setup: join the network")


def test_unknown_broker_name_is_said(boot: Boot, mosquitto: Mosquitto) -> None:
    config = settings(mosquitto)
    config["mqtt"]["server"] = "no.such.name.invalid"
    board = boot(config=config)
    board.wait_line("mqtt: lost (the broker's name is not found), retry in ")


@pytest.fixture
def web_server() -> Iterator[int]:
    """The port of a web server, which waits for the rest of a request that never comes."""
    with serving(SimpleHTTPRequestHandler) as port:
        yield port


def test_port_of_web_server_is_said(boot: Boot, mosquitto: Mosquitto, web_server: int) -> None:
    config = settings(mosquitto)
    config["mqtt"]["port"] = web_server
    board = boot(config=config)
    line = board.wait_line("mqtt: lost (")
    assert "no MQTT broker: it is a web server" in line or (
        "(no answer; check mqtt.server, mqtt.port and mqtt.tls)" in line
    )


@pytest.fixture
def scripted() -> Iterator[ScriptedBroker]:
    broker = ScriptedBroker()
    broker.listener.settimeout(60)
    yield broker
    broker.close()


def test_web_server_that_answers_is_said(boot: Boot, scripted: ScriptedBroker) -> None:
    """As Home Assistant's port 8123 does"""
    config = settings(cast(Mosquitto, SimpleNamespace(host="127.0.0.1", port=scripted.port)))
    board = boot(config=config)
    scripted.accept()
    scripted.read_packet()
    scripted.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    board.wait_line("mqtt: lost (what answers there is no MQTT broker: it is a web server), retry")


def test_port_for_tls_is_said(boot: Boot, tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    with Mosquitto(tmp_path / "broker", Certificates(tmp_path / "broker").settings()) as broker:
        line = boot(config=settings(broker)).wait_line("mqtt: lost (")
        assert (
            "this port is for TLS" in line or "check mqtt.server, mqtt.port and mqtt.tls" in line
        )


def test_lost_broker_gives_no_advice(boot: Boot, mosquitto: Mosquitto) -> None:
    """Once the board was let in, its configuration is right."""
    board = boot()
    wait_subscribed(board)
    mosquitto.stop(kill=True)
    board.wait_line("mqtt: lost (refused or reset), retry")
    assert not any("check mqtt" in line for line in board.lines)


def test_reset_begins_again(boot: Boot) -> None:
    board = boot()
    wait_subscribed(board)
    seen = len(board.lines)
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C", since=seen)
    board.type("import machine; machine.reset()\r")
    board.wait_line("boot: mpython", since=seen)
    wait_subscribed(board, since=seen)
    seen = len(board.lines)
    board.interrupt()
    board.wait_line("boot: stopped by Ctrl-C", since=seen)
    board.type("\x04")  # Ctrl-D: soft reset
    board.wait_line("MPY: soft reboot", since=seen)
    board.wait_line("boot: mpython", since=seen)
