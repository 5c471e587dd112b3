"""`mqtt.server` as a list: tried in turn whatever is wrong with one, the last good one first."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulated_board import SimulatedBoard
from tests.classroom import Person, settings, wait_subscribed
from tests.mosquitto import Mosquitto
from tests.tls import Certificates

Boot = Callable[..., SimulatedBoard]

# A broker that says nothing is left after 15 s; here after 2, enough on a busy machine.
IMPATIENT = "from umqtt.simple import MQTTClient\nMQTTClient.TIMEOUT = 2\n"
NOT_AUTHORIZED = b"\x20\x02\x00\x05"  # CONNACK


@pytest.fixture
def bad_brokers(mosquitto: Mosquitto) -> Iterator[list[str]]:
    """Names of brokers at the port of the good one that fail in each way that one can."""

    def refuse(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer:
                    peer.recv(1024)
                    peer.sendall(NOT_AUTHORIZED)

    with contextlib.ExitStack() as stack:
        silent, refusing = (
            stack.enter_context(socket.create_server((address, mosquitto.port)))
            for address in ("127.0.0.3", "127.0.0.4")
        )
        threading.Thread(target=refuse, args=(refusing,), daemon=True).start()
        yield ["unknown.invalid", "127.0.0.2", "127.0.0.3", "127.0.0.4"]
        refusing.shutdown(socket.SHUT_RDWR)
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
    assert said[:9] == [
        "mqtt: lost (the broker's name is not found), retry in 0.0 s",
        "mqtt: next broker 127.0.0.2",
        f"mqtt: lost (refused or reset{advice}), retry in 0.0 s",
        "mqtt: next broker 127.0.0.3",
        f"mqtt: lost (no answer{advice}), retry in 0.0 s",
        "mqtt: next broker 127.0.0.4",
        "mqtt: the broker does not let this user in; check mqtt.user and mqtt.password",
        "mqtt: next broker 127.0.0.1",
        f"mqtt: connected 127.0.0.1:{mosquitto.port} session=0",
    ]
    person.publish("light", "on")
    board.wait_line("lights: on")

    # It is gone: the others are asked in turn, and it again after a wait.
    seen = len(board.lines)
    mosquitto.stop(kill=True)
    board.wait_line("mqtt: next broker 127.0.0.1", since=seen)
    asked = [line for line in board.lines[seen:] if line.startswith("mqtt: next broker")]
    assert asked == [f"mqtt: next broker {server}" for server in [*bad_brokers, mosquitto.host]]
    mosquitto.start()
    board.wait_line("mqtt: connected 127.0.0.1", since=seen)


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
