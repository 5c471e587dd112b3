"""Secrets stay where they are, and a broker that cannot prove who it is learns nothing."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ci.boards import board_names, load_board
from ci.image.built import read_build
from ci.image.images import FILES, make_images
from simulated_board import AccessPoint, SimulatedBoard
from tests.classroom import Person, settings
from tests.images.fake_build import VERSION, make_build
from tests.mosquitto import Mosquitto
from tests.tls import Certificates
from tests.umqtt.client_program import ClientProgram

WIFI_CANARY = "canary-wifi-5d1f"
MQTT_CANARY = "canary-mqtt-93ab"
CANARIES = (WIFI_CANARY, MQTT_CANARY)


# ---- TLS


class Listener:
    """Takes connections on a free loopback port, with TLS if given a context; keeps what it reads."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.context = context
        self.heard = b""  # after TLS
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            try:
                peer.settimeout(60)
                if self.context:
                    peer = self.context.wrap_socket(peer, server_side=True)
                while data := peer.recv(4096):
                    self.heard += data
            except OSError:
                pass
            finally:
                peer.close()

    def close(self) -> None:
        # A thread that is left in accept() may take the connections of the next test's listener, whose
        # socket has the same number; shutdown wakes it.
        self.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(60)
        self.socket.close()


def serving(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def expired(c: Certificates, folder: Path) -> ssl.SSLContext:
    # OpenSSL 3.5 makes none that has ended before it began.
    certificate = c.sign(folder / "expired.pem", days=0)
    time.sleep(2)  # s; the dates in it are whole seconds
    return serving(certificate, c.key)


def self_signed(c: Certificates, folder: Path) -> ssl.SSLContext:
    return serving(c.sign(folder / "self.pem", itself=True), c.key)


def wrong_name(c: Certificates, folder: Path) -> ssl.SSLContext:
    return serving(c.sign(folder / "name.pem", name="elsewhere"), c.key)


def unknown_authority(c: Certificates, folder: Path) -> ssl.SSLContext:
    return serving(c.sign(folder / "unknown.pem", authority="other"), c.key)


def old_version(c: Certificates, folder: Path) -> ssl.SSLContext:
    context = serving(c.certificate, c.key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def no_tls(c: Certificates, folder: Path) -> None:
    return None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # that is what is wanted here
@pytest.mark.parametrize(
    "make_context, error, text",
    [
        (expired, "CertificateError", "expired"),
        (self_signed, "CertificateError", "not correctly signed by the trusted CA"),
        (wrong_name, "CertificateError", "does not match"),
        (unknown_authority, "CertificateError", "not correctly signed by the trusted CA"),
        (old_version, "OSError", ""),
        (no_tls, "OSError", ""),
    ],
)
def test_broker_that_cannot_prove_itself(
    micropython: Path,
    certificates: Certificates,
    tmp_path: Path,
    make_context: Callable[[Certificates, Path], ssl.SSLContext | None],
    error: str,
    text: str,
) -> None:
    """D27: refused in time, and neither password nor client id has left the board"""
    listener = Listener(make_context(certificates, tmp_path))
    try:
        program = f"""
        CA = {certificates.der(certificates.ca)!r}
        for kind in (simple.MQTTClient, robust.MQTTClient):
            c = make(
                kind=kind, client_id="canary-id", user="u", password={MQTT_CANARY!r},
                ssl=True, ssl_params={{"cadata": CA, "server_hostname": "localhost"}},
            )
            c.TIMEOUT = 5  # enough for a handshake on a busy machine
            start = time.ticks_ms()
            e = error_of(c.connect)
            assert isinstance(e, simple.{error} if {error!r} != "OSError" else OSError), repr(e)
            assert {text!r} in str(e), repr(e)
            assert time.ticks_diff(time.ticks_ms(), start) < 30000 and c.sock is None
            print(e)
        """
        said = ClientProgram(micropython, tmp_path, program, listener.port).finish()
        assert b"canary" not in listener.heard and "canary" not in said
    finally:
        listener.close()


# ---- secrets


def test_no_secret_is_printed_or_published(
    boot: Callable[..., SimulatedBoard], tmp_path: Path
) -> None:
    """Refusals, tracebacks, outages, statistics, a wrong configuration: none tells a password"""
    (tmp_path / "broker").mkdir()
    broker = Mosquitto(tmp_path / "broker", "allow_anonymous true\n")
    broker.start()
    listener = Person(broker, "#")
    said: list[str] = []
    failing = (
        "import device\n"
        "@device.on('fail')\n"
        "def fail(topic, message):\n"
        "    raise ValueError('on purpose')\n"
    )
    try:
        config = settings(broker, user="pupil", password=MQTT_CANARY, keepalive=2)
        config["wifi"]["password"] = WIFI_CANARY
        point = AccessPoint("classroom", WIFI_CANARY)
        board = boot(config=config, files={"handlers.py": failing}, access_points=(point,))
        board.wait_line("mqtt: subscribed fail")
        listener.publish("fail", "x")
        listener.publish("light", "stats")
        listener.publish("light", b"\xff nonsense")
        board.wait_line("ValueError: on purpose")
        published = [listener.receive("light/status/stats")]
        seen = len(board.lines)
        board.command("new_address")
        board.wait_line("mqtt: lost", since=seen)
        broker.stop(kill=True)
        board.wait_line("mqtt: lost (refused", since=seen)
        # The access point gets another password: ours is refused.
        board.command("outage", value=True, noticed_after_ms=100)
        board.wait_line("wifi: lost", since=seen)
        changed = AccessPoint("classroom", "another password").command()
        board.command(changed.pop("command"), **changed)
        board.command("outage", value=False)
        board.wait_line("does not let the board in", since=seen)
        board.interrupt()
        board.wait_line("boot: stopped by Ctrl-C", since=seen)
        said += board.lines
        # A configuration with problems, in the very keys that are secret.
        config["wifi"]["password"] = WIFI_CANARY * 9
        config["mqtt"]["password"] = [MQTT_CANARY]
        (board.flash / "config.json").write_text(json.dumps(config))
        board.type("import machine; machine.reset()\r")
        board.wait_line("config: mqtt.password", since=seen)
        board.wait_line("config: wifi.password", since=seen)
        said += board.lines
        (board.flash / "config.json").write_text(json.dumps(config)[:-9])
        board.wait_line("setup: join the network", since=seen)
        seen = len(board.lines)
        board.interrupt()
        board.wait_line("boot: stopped by Ctrl-C", since=seen)
        board.type("import machine; machine.reset()\r")
        board.wait_line("config: /config.json: line 1", since=seen)
        said += board.lines
        while not listener.messages.empty():
            message = listener.messages.get()
            published.append(message.topic.encode() + b" " + message.payload)
    finally:
        listener.close()
        broker.stop()
    everything = "\n".join(said) + repr(published)
    assert not [canary for canary in CANARIES if canary in everything]


@pytest.mark.parametrize("name", board_names())
def test_no_secret_of_builder_gets_into_image(name: str, tmp_path: Path) -> None:
    """A config.json that was left beside the files that an image brings stays out of it"""
    files = tmp_path / "files"
    shutil.copytree(FILES, files)
    config = {
        "wifi": {"ssid": "home", "password": WIFI_CANARY},
        "mqtt": {"server": "a", "password": MQTT_CANARY},
    }
    (files / "config.json").write_text(json.dumps(config))
    board = load_board(name)
    build = read_build(board, make_build(board, tmp_path / "build"))
    make_images(board, build, VERSION, files, tmp_path / "dist")
    made = list((tmp_path / "dist").iterdir())
    assert len(made) >= 3
    for path in made:
        content = path.read_bytes()
        assert not [canary for canary in CANARIES if canary.encode() in content], path


def test_only_owner_can_read_simulated_boards_files(
    boot: Callable[..., SimulatedBoard],
) -> None:
    """The flash of `make run` holds passwords as a real board's does, but on a PC with other users"""
    board = boot(config=None)
    board.wait_line("a template is there now")
    mode = stat.S_IMODE((board.flash / "config.json").stat().st_mode)
    assert mode == 0o600, oct(mode)
