"""The page's server: each system's probe byte for byte, and clients that are slow, broken or hostile."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

import pytest

from tests.setup.phone import Answer, Phone, receive

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

SetUp = Callable[..., Phone]

APPLE = b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
ANDROID = (
    b"GET /generate_204 HTTP/1.1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
    b"(KHTML, like Gecko) Chrome/60.0.3112.32 Safari/537.36\r\nHost: %s\r\n"
    b"Connection: close\r\nAccept-Encoding: gzip\r\n\r\n"
)

# As each system sends it, and what it wants once the board is done: (request, status, body).
PROBES = {
    "ios": (
        b"GET /hotspot-detect.html HTTP/1.0\r\nHost: captive.apple.com\r\nConnection: close\r\n"
        b"User-Agent: CaptiveNetworkSupport-481.40.3 wispr\r\n\r\n",
        200,
        APPLE,
    ),
    "ios sheet": (
        b"GET /hotspot-detect.html HTTP/1.1\r\nHost: captive.apple.com\r\nAccept-Language: zh-CN,zh-Hans;q=0.9\r\n"
        b"Accept: text/html,application/xhtml+xml\r\nUser-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 "
        b"like Mac OS X) AppleWebKit/605.1.15\r\nConnection: keep-alive\r\n\r\n",
        200,
        APPLE,
    ),
    "old ios": (
        b"GET /library/test/success.html HTTP/1.0\r\nHost: www.apple.com\r\n\r\n",
        200,
        APPLE,
    ),
    "android": (ANDROID % b"connectivitycheck.gstatic.com", 204, b""),
    "android in china": (ANDROID % b"connectivitycheck.gstatic.cn", 204, b""),
    "xiaomi": (ANDROID % b"connect.rom.miui.com", 204, b""),
    "huawei": (ANDROID % b"connectivitycheck.platform.hicloud.com", 204, b""),
    "android fallback": (b"GET /gen_204 HTTP/1.1\r\nHost: www.google.com\r\n\r\n", 204, b""),
    "chromeos": (b"GET /generate_204 HTTP/1.1\r\nHost: www.gstatic.com\r\n\r\n", 204, b""),
    "windows": (
        b"GET /connecttest.txt HTTP/1.1\r\nConnection: Close\r\nUser-Agent: Microsoft NCSI\r\n"
        b"Host: www.msftconnecttest.com\r\n\r\n",
        200,
        b"Microsoft Connect Test",
    ),
    "old windows": (
        b"GET /ncsi.txt HTTP/1.1\r\nUser-Agent: Microsoft NCSI\r\nHost: www.msftncsi.com\r\n\r\n",
        200,
        b"Microsoft NCSI",
    ),
    "firefox": (
        b"GET /canonical.html HTTP/1.1\r\nHost: detectportal.firefox.com\r\nCache-Control: no-cache\r\n\r\n",
        200,
        b'<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>',
    ),
    "firefox text": (
        b"GET /success.txt?ipv4 HTTP/1.1\r\nHost: detectportal.firefox.com\r\n\r\n",
        200,
        b"success\n",
    ),
    "debian": (
        b"GET /nm HTTP/1.1\r\nHost: network-test.%s.org\r\n\r\n" % b"debian",
        200,
        b"NetworkManager is online\n",
    ),
    "gnome": (
        b"GET /check_network_status.txt HTTP/1.1\r\nHost: nmcheck.gnome.org\r\n\r\n",
        200,
        b"NetworkManager is online\n",
    ),
}


def is_portal(answer: Answer) -> bool:
    """Return whether a system takes this for a network that wants a page to be seen first."""
    assert answer.status == 302 and answer.headers["location"] == "http://4.3.2.1/"
    assert len(answer.body) > 4 and int(answer.headers["content-length"]) == len(answer.body)
    return b'href="http://4.3.2.1/"' in answer.body


def test_every_probe_is_led_to_page(set_up: SetUp) -> None:
    phone = set_up()
    for name, (request, _, _) in PROBES.items():
        assert is_portal(phone.send(request)), name
    assert is_portal(phone.send(b"GET / HTTP/1.0\r\n\r\n")), "no host"
    assert is_portal(phone.get("/redirect", "www.msftconnecttest.com"))
    assert is_portal(phone.get("/anything"))
    assert is_portal(phone.get("/", "1.2.3.4"))
    assert is_portal(phone.get("/" + "x" * 1000, "ads.example"))


def test_every_probe_hears_success_once_board_is_done(set_up: SetUp) -> None:
    phone = set_up()
    config = {"wifi": {"ssid": "open house"}, "mqtt": {"server": "b"}}
    assert phone.propose(config).status == 200
    phone.board.wait_line("setup: saved")
    for name, (request, status, body) in PROBES.items():
        answer = phone.send(request)
        assert (answer.status, answer.body) == (status, body), name


def test_page_comes_in_language_of_browser(set_up: SetUp) -> None:
    phone = set_up()
    pages = [
        phone.get("/", Accept_Language=language) for language in ("de,en;q=0.9", "zh-TW,zh;q=0.9")
    ]
    for page in pages:
        assert page.status == 200 and page.headers["content-encoding"] == "gzip"
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["connection"] == "close"
    assert pages[0].body != pages[1].body


def test_head_has_length_and_no_body(set_up: SetUp) -> None:
    answer = set_up().send(b"HEAD / HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n")
    assert (
        answer.status == 200 and int(answer.headers["content-length"]) > 1000 and not answer.body
    )


@pytest.mark.parametrize(
    ("request_", "status"),
    (
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 50 + b"\n", 400),  # TLS
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"DELETE / HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1400, 431),
        (b"GET /" + b"x" * 8192 + b" HTTP/1.1\r\n\r\n", 431),
        (b"POST /setup.json HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n", 411),
        (b"POST /setup.json HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /setup.json HTTP/1.1\r\nContent-Length: 4097\r\n\r\n" + b"x" * 4097, 413),
        (b"POST /setup.json HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /setup.json HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
        (b"GET /favicon.ico HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n", 404),
    ),
)
def test_what_is_no_request_is_refused(set_up: SetUp, request_: bytes, status: int) -> None:
    answer = set_up().send(request_)
    assert answer.status == status and answer.body


def test_other_pages_cannot_post(set_up: SetUp) -> None:
    phone = set_up()
    config = {"config": {"wifi": {"ssid": "evil"}, "mqtt": {"server": "evil"}}, "try": False}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert phone.post("/setup.json", config, kind=kind).status == 415
    assert phone.post("/setup.json", config, host="evil.example").status == 302
    assert phone.get("/state.json").json["state"] == "open"


def test_network_of_station_is_not_served(set_up: SetUp) -> None:
    phone = set_up()
    assert phone.propose({"wifi": {"ssid": "open house"}, "mqtt": {"server": "b"}}).status == 200
    phone.board.wait_line("setup: saved")
    with phone.connect("127.0.0.9") as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n")
        try:
            assert stranger.recv(100) == b""
        except ConnectionResetError:
            pass
    assert phone.get("/").status == 200


def test_request_may_come_byte_by_byte(set_up: SetUp) -> None:
    phone = set_up()
    with phone.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /state.json HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n":
            connection.sendall(bytes((byte,)))
        assert receive(connection).json["state"] == "open"


def test_silent_client_is_closed(set_up: SetUp) -> None:
    phone = set_up()
    with phone.connect() as silent:
        silent.sendall(b"GET / HTTP/1.1\r\n")
        assert silent.recv(10) == b""
    with phone.connect() as silent:
        assert silent.recv(10) == b""


def test_client_that_drips_is_closed(set_up: SetUp) -> None:
    phone = set_up()
    ended = threading.Event()
    with phone.connect() as slow:

        def drip() -> None:
            try:
                while not ended.wait(0.2):
                    slow.sendall(b"x")
            except OSError:
                pass

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert slow.recv(10) == b""
        except ConnectionResetError:
            pass
        ended.set()
        thread.join()


@pytest.mark.parametrize("count", (6, 9))
def test_many_at_once_are_served_in_turn(set_up: SetUp, count: int) -> None:
    phone = set_up()
    connections = []
    for _ in range(count):  # each asks at once: who is silent for seconds is left
        connections.append(phone.connect())
        connections[-1].sendall(b"GET /state.json HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n")
    for connection in connections:
        with connection:
            assert receive(connection).status == 200


def test_silent_crowd_does_not_lock_others_out(set_up: SetUp) -> None:
    phone = set_up()
    crowd = [phone.connect() for _ in range(9)]
    assert phone.get("/state.json").status == 200
    for each in crowd:
        each.close()


def test_hundred_connections_at_once_do_no_harm(set_up: SetUp) -> None:
    """Far more than the board has places, and none of them ends as it should."""
    phone = set_up()
    address = ("127.0.0.1", phone.port(80))
    crowd = [socket.socket() for _ in range(100)]
    for each in crowd:
        each.setblocking(False)
        each.connect_ex(address)
    for each in crowd:
        each.close()
    assert phone.get("/state.json").status == 200


def test_reset_connections_are_forgotten(set_up: SetUp) -> None:
    phone = set_up()
    for request in (
        b"",
        b"GET / HTT",
        b"POST /setup.json HTTP/1.1\r\nContent-Length: 4000\r\n\r\nx",
    ):
        for _ in range(6):
            connection = phone.connect()
            connection.sendall(request)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
    assert phone.get("/state.json").status == 200


def test_second_body_has_to_wait(set_up: SetUp) -> None:
    phone = set_up()
    head = (
        b"POST /setup.json HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 4000\r\n\r\n{"
    )
    with phone.connect() as first:
        first.sendall(head)
        assert phone.get("/state.json").status == 200  # by then the first is being read
        answer = phone.send(head)
        assert answer.status == 503 and answer.body


def test_client_that_reads_nothing_is_closed(set_up: SetUp) -> None:
    phone = set_up()
    with phone.connect() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        deaf.sendall(b"GET / HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n")
        assert phone.get("/").status == 200
