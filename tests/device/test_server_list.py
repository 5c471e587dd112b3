"""`mqtt.server` as a list: tried in turn whatever is wrong with one, the last good one first."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulated_board import SimulatedBoard
from tests.classroom import Person, settings, wait_subscribed
from tests.mosquitto import Mosquitto
from tests.tls import Certificates

Boot = Callable[..., SimulatedBoard]

# A broker that says nothing is left after 15 s; here after 2, enough on a busy machine.
IMPATIENT = "from umqtt.simple import MQTTClient\nMQTTClient.TIMEOUT = 2\n"
# CONNACK with three of its codes.
ACCEPTED, UNAVAILABLE, NOT_AUTHORIZED = (bytes((0x20, 2, 0, code)) for code in (0, 3, 5))
WEB_PAGE = b"HTTP/1.1 400 Bad Request\r\n\r\n"
PINGREQ, PINGRESP = b"\xc0\x00", b"\xd0\x00"
CONNECT_TO_STAY = b"\x10\x11\x00\x04MQTT\x04\x00\x00\x1e\x00\x05board"  # with clean session 0


def answer(listener: socket.socket, reply: bytes, answers_pings: bool = False) -> None:
    """Answer each CONNECT with `reply`, and nothing more; then close, or answer PINGREQ alone."""
    with contextlib.suppress(OSError):
        while True:
            peer, _ = listener.accept()
            with peer, contextlib.suppress(ConnectionError):
                peer.recv(1024)
                peer.sendall(reply)
                while answers_pings and (data := peer.recv(1024)):
                    if data.endswith(PINGREQ):
                        peer.sendall(PINGRESP)


@contextlib.contextmanager
def answering(address: str, port: int, *how: Any) -> Iterator[str]:
    """Something that listens there and answers so."""
    with socket.create_server((address, port)) as listener:
        threading.Thread(target=answer, args=(listener, *how), daemon=True).start()
        try:
            yield address
        finally:
            listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def bad_brokers(mosquitto: Mosquitto) -> Iterator[list[str]]:
    """Names of brokers at the port of the good one that fail in each way that one can."""
    port = mosquitto.port
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.3", port)))
        for number, reply in enumerate((NOT_AUTHORIZED, UNAVAILABLE, b"", WEB_PAGE), 4):
            stack.enter_context(answering(f"127.0.0.{number}", port, reply))
        yield ["unknown.invalid", *(f"127.0.0.{number}" for number in range(2, 8))]
        assert silent.fileno() >= 0


def test_each_broker_that_fails_is_passed(
    boot: Boot, mosquitto: Mosquitto, person: Person, bad_brokers: list[str]
) -> None:
    config = settings(mosquitto)
    config["mqtt"]["server"] = [*bad_brokers, mosquitto.host]
    board = boot(config=config, files={"handlers.py": IMPATIENT})
    wait_subscribed(board)
    said = [line for line in board.lines if line.startswith("mqtt: ")]
    advice = "; check mqtt.server, mqtt.port and mqtt.tls"
    assert said[:15] == [
        "mqtt: lost (the broker's name is not found), retry in 0.0 s",
        "mqtt: next broker 127.0.0.2",
        f"mqtt: lost (refused or reset{advice}), retry in 0.0 s",
        "mqtt: next broker 127.0.0.3",
        f"mqtt: lost (no answer{advice}), retry in 0.0 s",
        "mqtt: next broker 127.0.0.4",
        "mqtt: the broker does not let this user in; check mqtt.user and mqtt.password",
        "mqtt: next broker 127.0.0.5",
        "mqtt: lost (the broker is not ready yet), retry in 0.0 s",
        "mqtt: next broker 127.0.0.6",
        f"mqtt: lost (the broker closed the connection{advice}), retry in 0.0 s",
        "mqtt: next broker 127.0.0.7",
        "mqtt: lost (what answers there is no MQTT broker: it is a web server), retry in 0.0 s",
        "mqtt: next broker 127.0.0.1",
        f"mqtt: connected 127.0.0.1:{mosquitto.port} session=0",
    ]
    person.publish("light", "on")
    board.wait_line("lights: on")

    # It is gone: the others are asked in turn, and it again; perhaps the next round has begun, too.
    seen = len(board.lines)
    mosquitto.stop(kill=True)
    board.wait_line("mqtt: next broker 127.0.0.1", since=seen)
    asked = [line for line in board.lines[seen:] if line.startswith("mqtt: next broker")]
    expected = [f"mqtt: next broker {server}" for server in [*bad_brokers, mosquitto.host]]
    assert asked[: len(expected)] == expected
    mosquitto.start()
    board.wait_line("mqtt: connected 127.0.0.1", since=seen)


def test_broker_that_answers_pings_alone_is_passed(boot: Boot, mosquitto: Mosquitto) -> None:
    """It lets the board in, for longer than the 10 s after which a connection is one that has lasted."""
    config = settings(mosquitto, keepalive=4)
    config["mqtt"]["server"] = ["127.0.0.3", mosquitto.host]
    patient = IMPATIENT.replace("2", "11")
    with answering("127.0.0.3", mosquitto.port, ACCEPTED, True):
        board = boot(config=config, files={"handlers.py": patient})
        wait_subscribed(board)
    said = [line for line in board.lines if line.startswith("mqtt: ")]
    assert said[:4] == [
        f"mqtt: connected 127.0.0.3:{mosquitto.port} session=0",
        "mqtt: lost (no answer), retry in 0.0 s",
        "mqtt: next broker 127.0.0.1",
        f"mqtt: connected 127.0.0.1:{mosquitto.port} session=0",
    ]


def test_list_goes_on_after_wifi_was_lost_in_attempt(boot: Boot, mosquitto: Mosquitto) -> None:
    config = settings(mosquitto)
    config["mqtt"]["server"] = ["127.0.0.3", mosquitto.host]
    with socket.create_server(("127.0.0.3", mosquitto.port)) as silent:
        board = boot(config=config, files={"handlers.py": IMPATIENT.replace("2", "60")})
        silent.settimeout(60)
        with silent.accept()[0] as peer:
            assert peer.recv(1024)[:1] == b"\x10"  # CONNECT
            board.command("outage", value=True, noticed_after_ms=200)
            board.wait_line("wifi: lost")
        seen = len(board.lines)
        board.command("outage", value=False)
        wait_subscribed(board, since=seen)
    assert "mqtt: next broker 127.0.0.1" in board.lines[seen:]


def test_all_that_refuse_are_asked_again(
    boot: Boot, mosquitto: Mosquitto, bad_brokers: list[str]
) -> None:
    config = settings(mosquitto)
    config["mqtt"]["server"] = [bad_brokers[3]] * 2
    board = boot(config=config)
    refusal = "mqtt: the broker does not let this user in; check mqtt.user and mqtt.password"
    another = f"mqtt: next broker {bad_brokers[3]}"
    board.wait("four attempts", lambda: board.lines.count(refusal) >= 4)
    said = [line for line in board.lines if line.startswith("mqtt: ")]
    assert said[:6] == [refusal, another] * 3


def test_next_broker_with_old_session_is_subscribed(
    boot: Boot, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """Its session is from days when the board had another command topic."""
    (tmp_path / "next").mkdir()
    listener = f"listener {mosquitto.port} 127.0.0.6\nallow_anonymous true\n"
    with Mosquitto(tmp_path / "next", listener) as next_broker:
        with socket.create_connection(("127.0.0.6", mosquitto.port), 60) as peer:
            peer.sendall(CONNECT_TO_STAY)
            assert peer.recv(4) == b"\x20\x02\x00\x00"  # CONNACK
            peer.sendall(b"\xe0\x00")  # DISCONNECT
        config = settings(mosquitto, client_id="board", clean_session=False)
        config["mqtt"]["server"] = [mosquitto.host, "127.0.0.6"]
        board = boot(config=config)
        wait_subscribed(board)
        seen = len(board.lines)
        mosquitto.stop(kill=True)
        board.wait_line(f"mqtt: connected 127.0.0.6:{mosquitto.port} session=1", since=seen)
        wait_subscribed(board, since=seen)
        person = Person(next_broker)
        person.publish("light", "#102030")
        board.wait_line("lights: on #102030", since=seen)
        person.close()


def test_broker_with_wrong_certificate_is_passed(boot: Boot, tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    certificates = Certificates(tmp_path / "broker")
    with Mosquitto(tmp_path / "broker", certificates.settings()) as broker:
        config = settings(broker, tls={"ca": "/ca.pem"})
        config["mqtt"]["server"] = ["127.0.0.1", "localhost"]  # the certificate is localhost's
        board = boot(config=config, files={"ca.pem": certificates.ca.read_text()})
        board.wait_line("mqtt: TLS certificate: ")
        board.wait_line("mqtt: next broker localhost")
        wait_subscribed(board)
