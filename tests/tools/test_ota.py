"""`make ota` and `make offer`: what they find, refuse and publish. Boards are what is retained."""

from __future__ import annotations

import io
import json
import threading
import types
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client
import pytest

from ci.board import broker, ota
from ci.board.rollout import Board
from ci.boards import board_names
from ci.image import signing
from ci.problem import Problem
from simulated_board import DEFAULT_BOARD
from tests.classroom import Person
from tests.images.fake_build import make_application
from tests.mosquitto import Mosquitto
from tests.tls import Certificates

pytestmark = pytest.mark.mosquitto

KIND = DEFAULT_BOARD
OTHER = next(name for name in board_names() if name != KIND)
HERE, AWAY, ELSE = f"{KIND}/02514d000001", f"{KIND}/02514d000002", f"{OTHER}/02514d000003"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OTA_KEY", raising=False)
    monkeypatch.setattr(ota, "DIST", tmp_path)


@pytest.fixture
def image(some_board, tmp_path: Path) -> Path:
    """An image in dist/, with its manifest."""
    path = tmp_path / f"{some_board.name}-v1.3.0-app.bin"
    path.write_bytes(make_application(some_board, "1.3.0"))
    signed = signing.signed_manifest(path.read_bytes(), None, path.name)
    path.with_suffix(".json").write_text(json.dumps({**signed, "signature": "c2lnbmVk"}))
    return path


def introduce(person: Person, name: str, status: str = "online", kind: str = KIND) -> None:
    """Retain what a board says of itself."""
    state = {"installed_version": "1.2.0", "latest_version": "1.2.0"}
    result = {
        "id": "",
        "board": kind,
        "state": "idle",
        "version": "1.2.0",
        "code": "",
        "reason": "",
    }
    person.publish(f"{name}/update/state", json.dumps(state), retain=True)
    person.publish(f"{name}/update/result", json.dumps(result), retain=True)
    person.publish(f"{name}/status", status, retain=True)


@pytest.fixture
def room(mosquitto: Mosquitto) -> Iterator[Person]:
    """A broker that knows a board that is there, one that is not, and one of another kind."""
    person = Person(mosquitto, "#")
    introduce(person, HERE)
    introduce(person, AWAY, status="offline")
    introduce(person, ELSE, kind=OTHER)
    yield person
    person.close()


def call(mosquitto: Mosquitto, *arguments: str, board: str = KIND) -> None:
    ota.main([board, "--broker", f"{mosquitto.host}:{mosquitto.port}", *arguments])


# Boards -----------------------------------------------------------------------------------


def test_list_shows_boards(mosquitto, room, capsys):
    call(mosquitto, "--list")
    head, *rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert head[0] == "board"
    assert rows == [
        [ELSE, OTHER, "1.2.0", "online", "idle"],
        [HERE, KIND, "1.2.0", "online", "idle"],
        [AWAY, KIND, "1.2.0", "not", "there", "idle"],
    ]


def test_list_tells_why_last_update_failed(mosquitto, room, capsys):
    result = {"board": KIND, "state": "fell_back", "reason": "the program stopped"}
    room.publish(f"{HERE}/update/result", json.dumps(result), retain=True)
    call(mosquitto, "--list")
    assert "  fell back: the program stopped\n" in capsys.readouterr().out


def test_list_of_empty_broker_is_empty(mosquitto, capsys):
    call(mosquitto, "--list")
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("result", ["", "[]", "x", '{"board": 1}'])
def test_damaged_words_are_shown_as_unknown(result):
    board = ota._board("a/b/update", {"a/b/update/result": result})
    assert isinstance(board.kind, str) and board.version == "?" and board.is_online


BOARDS = [
    Board("lamp/1/update", "lamp/1", KIND),
    Board("lamp/2/update", "lamp/2", KIND),
    Board("desk/2/update", "desk/2", KIND),
    Board("door/3/update", "door/3", KIND, is_online=False),
    Board("lamp/4/update", "lamp/4", OTHER),
]


@pytest.mark.parametrize(
    "wanted, every, expected",
    [("1", False, ["lamp/1"]), ("desk/2", False, ["desk/2"]), ("desk", False, ["desk/2"])]
    + [("", True, ["lamp/1", "lamp/2", "desk/2"])],
)
def test_boards_are_chosen(wanted, every, expected):
    chosen = ota.choose_boards(BOARDS, KIND, wanted, every)
    assert [board.name for board in chosen] == expected


@pytest.mark.parametrize(
    "wanted, words",
    [("", "say which board"), ("2", f"names 2 {KIND}"), ("9", f"names no {KIND}")]
    + [("4", f"names no {KIND}"), ("door", "not there")],
)
def test_unclear_choice_is_refused(wanted, words):
    with pytest.raises(Problem, match=words):
        ota.choose_boards(BOARDS, KIND, wanted, False)


def test_all_of_nobody_is_refused():
    with pytest.raises(Problem, match=f"no {OTHER} is online; the broker knows none"):
        ota.choose_boards(BOARDS[:4], OTHER, "", True)


# Images -----------------------------------------------------------------------------------


def test_image_without_build_says_what_to_type():
    with pytest.raises(Problem, match=f"make build BOARD={KIND}"):
        ota.load_image(KIND, "", "")


def test_image_of_another_board_is_refused(image):
    with pytest.raises(Problem, match=f"is for {KIND}, not for {OTHER}"):
        ota.load_image(OTHER, str(image), "")


def test_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(Problem, match="no.bin cannot be read"):
        ota.load_image(KIND, str(tmp_path / "no.bin"), "")


def test_signature_beside_image_is_taken(image):
    assert ota.load_image(KIND, "", "")[1]["signature"] == "c2lnbmVk"


def test_given_key_signs_again(image, tmp_path):
    key = signing.make_key(tmp_path / "my.pem")
    _, signed = ota.load_image(KIND, "", str(tmp_path / "my.pem"))
    assert signing.is_signed_by(signed, key)


def test_unsigned_image_is_told(image, capsys):
    image.with_suffix(".json").unlink()
    assert "signature" not in ota.load_image(KIND, "", "")[1]
    assert "is not signed" in capsys.readouterr().out


# Offers -----------------------------------------------------------------------------------


def test_offer_is_retained_until_taken_back(mosquitto, image, capsys):
    url = "http://192.168.1.5:8000/app.bin"
    call(mosquitto, "--offer", "--url", url)
    person = Person(mosquitto, "+/update/offer")
    message = person.messages.get(timeout=60)
    assert message.retain and message.topic == f"{KIND}/update/offer"
    command = json.loads(message.payload)
    assert command["source"] == url and command["signature"] == "c2lnbmVk"
    assert set(command) == {"id", "manifest", "signature", "source"}
    call(mosquitto, "--offer", "--none")
    assert person.messages.get(timeout=60).payload == b""
    person.close()
    assert f"1.3.0 is offered to every {KIND}" in capsys.readouterr().out


def test_offer_without_address_is_refused(mosquitto, image):
    with pytest.raises(Problem, match="URL=http://"):
        call(mosquitto, "--offer")


# The broker -------------------------------------------------------------------------------


def test_no_broker_is_asked_for(image):
    with pytest.raises(Problem, match="BROKER=host"):
        ota.main([KIND, "--list"])


def test_broker_that_is_not_there_is_named():
    with pytest.raises(Problem, match="no broker at 127.0.0.1:1 "):
        ota.main([KIND, "--broker", "127.0.0.1:1", "--list"])


@pytest.mark.parametrize("at_once", ["0", "x", "101", "-1"])
def test_odd_at_once_is_refused(mosquitto, at_once):
    with pytest.raises(Problem, match="AT_ONCE="):
        call(mosquitto, "--all", f"--at-once={at_once}")


def test_tls_checks_certificate(tmp_path: Path, certificates: Certificates, capsys):
    server = Mosquitto(tmp_path, certificates.settings())
    server.start()
    try:
        where = [KIND, "--broker", f"localhost:{server.port}", "--list", "--tls"]
        ota.main([*where, str(certificates.ca)])
        ota.main([*where, "1"])
        with pytest.raises(Problem, match="no broker at localhost"):
            ota.main([*where, str(certificates.other_ca)])
        with pytest.raises(Problem, match="neither 1 nor the file"):
            ota.main([*where, "no.pem"])
    finally:
        server.stop()


def test_refused_login_is_told(tmp_path: Path, monkeypatch):
    monkeypatch.setenv(broker.PASSWORD, "wrong")
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    server = Mosquitto(tmp_path, f"user root\npassword_file {passwords}\n")
    server.start()
    try:
        with pytest.raises(Problem, match="refuses: Not authorized"):
            call(server, "--list", "--user", "teacher")
    finally:
        server.stop()


def test_password_is_never_argument(monkeypatch):
    monkeypatch.setenv(broker.PASSWORD, "from the environment")
    assert broker.find_password("teacher") == "from the environment"
    monkeypatch.delenv(broker.PASSWORD)
    monkeypatch.setattr("sys.stdin", io.StringIO("typed\n"))
    assert broker.find_password("teacher") == "typed"


def test_thread_that_ends_meanwhile_is_no_error(mosquitto, monkeypatch):
    """paho-mqtt looks twice for it when it is told to stop"""
    client = broker.BrokerClient(f"{mosquitto.host}:{mosquitto.port}", [])
    client.__enter__()
    thread = client._client._thread

    def look():
        thread.join(60)
        return threading.main_thread()

    watched = types.SimpleNamespace(current_thread=look)
    monkeypatch.setattr(paho.mqtt.client, "threading", watched)
    client.__exit__()


def test_last_message_is_acknowledged_before_end(mosquitto):
    # Ctrl-C: boards are told to stop, and the program ends.
    with broker.BrokerClient(f"{mosquitto.host}:{mosquitto.port}", ["#"]) as client:
        sent = [client.publish("a/b/update/set", "cancel", 1) for _ in range(50)]
    assert all(message.is_published() for message in sent)
