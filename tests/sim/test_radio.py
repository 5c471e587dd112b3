"""What an outage does to connections that are open: the simulated radio is as strict as the chip."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulated_board import AccessPoint, SimulatedBoard

pytestmark = pytest.mark.simulator

PRELUDE = """\
import errno, network, select, socket, sys, time
PORT = int(sys.argv[1])
wlan = network.WLAN()
wlan.active(True)

def join(ssid="classroom", key=None):
    wlan.connect(ssid, key)
    while not wlan.isconnected():
        time.sleep_ms(5)

def failure(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error.errno
    return None

def wait_status(status):
    while wlan.status() != status:
        time.sleep_ms(5)
"""


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(60)
        yield server


def start(tmp_path: Path, peer: socket.socket, code: str, **options: object) -> SimulatedBoard:
    script = tmp_path / "script.py"
    script.write_text(PRELUDE + code)
    port = str(peer.getsockname()[1])
    return SimulatedBoard(arguments=(str(script), port), **options)  # type: ignore[arg-type]


def test_bytes_wait_while_access_point_is_gone(tmp_path: Path, peer: socket.socket) -> None:
    code = """
join()
s = socket.socket()
s.connect(("127.0.0.1", PORT))
print("connected")
while wlan.isconnected():
    time.sleep_ms(5)
# The beacons' end is not told; nor is what comes of it, before the first search.
assert wlan.status() in (network.STAT_CONNECTING, network.STAT_NO_AP_FOUND)
s.setblocking(False)
total = 0
while True:
    sent = s.write(b"x" * 1000)
    if sent is None:
        break
    total += sent
print("held", total)
assert s.read(1) is None
assert failure(socket.socket().connect, ("127.0.0.1", PORT)) == errno.EHOSTUNREACH
wait_status(network.STAT_NO_AP_FOUND)
print("unreachable")
while not wlan.isconnected():
    time.sleep_ms(5)
s.settimeout(60)
print("got", s.recv(2))
"""
    with start(tmp_path, peer, code) as board:
        connection, _ = peer.accept()
        connection.settimeout(0.3)
        board.wait_line("connected")
        board.command("outage", value=True, noticed_after_ms=200)
        board.wait_line("held 5760")
        board.wait_line("unreachable")
        connection.sendall(b"hi")
        with pytest.raises(TimeoutError):
            connection.recv(1)
        board.command("outage", value=False)
        connection.settimeout(60)
        received = 0
        while received < 5760:
            received += len(connection.recv(5760))
        board.wait_line("got b'hi'")
        connection.close()


def test_short_silence_goes_unnoticed(tmp_path: Path, peer: socket.socket) -> None:
    code = """
join()
s = socket.socket()
s.connect(("127.0.0.1", PORT))
print("connected")
print("got", s.recv(2), wlan.isconnected())
"""
    with start(tmp_path, peer, code) as board:
        connection, _ = peer.accept()
        board.wait_line("connected")
        board.command("outage", value=True)  # noticed after 6 s
        connection.sendall(b"hi")
        with pytest.raises(Exception, match="no line"):
            board.wait_line("got", timeout=0.5)
        board.command("outage", value=False)
        board.wait_line("got b'hi' True")
        connection.close()


def test_connecting_into_silence_ends_when_it_ends(tmp_path: Path, peer: socket.socket) -> None:
    code = """
join()
print("joined")
input()
s = socket.socket()
s.setblocking(False)
assert failure(s.connect, ("127.0.0.1", PORT)) == errno.EINPROGRESS
poller = select.poll()
poller.register(s, select.POLLOUT)
print("first", poller.poll(300))
print("then", poller.poll(60000)[0][1] == select.POLLOUT)
"""
    with start(tmp_path, peer, code) as board:
        board.wait_line("joined")
        board.command("outage", value=True)
        board.type("go\r")
        board.wait_line("first []")
        board.command("outage", value=False)
        board.wait_line("then True")


def test_closed_connection_is_told_when_radio_is_back(tmp_path: Path, peer: socket.socket) -> None:
    code = """
join()
s = socket.socket()
s.connect(("127.0.0.1", PORT))
print("connected")
input()
s.close()
print("closed")
time.sleep(100)
"""
    with start(tmp_path, peer, code) as board:
        connection, _ = peer.accept()
        board.wait_line("connected")
        board.command("outage", value=True)
        board.type("go\r")
        board.wait_line("closed")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        board.command("outage", value=False)
        connection.settimeout(60)
        assert connection.recv(1) == b""
        connection.close()


def test_new_address_aborts_open_connections(tmp_path: Path, peer: socket.socket) -> None:
    code = """
join()
s = socket.socket()
s.connect(("127.0.0.1", PORT))
print("connected", wlan.ifconfig()[0])
while wlan.ifconfig()[0] == "10.0.0.2":
    time.sleep_ms(5)
assert failure(s.setsockopt, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) == errno.EINVAL
print("aborted", failure(s.recv, 1) == errno.ECONNABORTED, wlan.ifconfig()[0])
"""
    with start(tmp_path, peer, code) as board:
        connection, _ = peer.accept()
        board.wait_line("connected 10.0.0.2")
        board.command("new_address")
        board.wait_line("aborted True 10.0.0.3")
        connection.close()


def test_name_and_address_servers_can_fail(tmp_path: Path, peer: socket.socket) -> None:
    code = """
wlan.connect("classroom")
time.sleep(0.5)
assert wlan.status() == network.STAT_CONNECTING, wlan.status()
print("no address")
while not wlan.isconnected():
    time.sleep_ms(5)
print("name", failure(socket.getaddrinfo, "localhost", 1))
while failure(socket.getaddrinfo, "localhost", 1) is not None:
    time.sleep_ms(5)
print("found")
"""
    commands = ({"command": "dhcp", "value": False}, {"command": "dns", "value": False})
    with start(tmp_path, peer, code, commands=commands) as board:
        board.wait_line("no address")
        board.command("dhcp", value=True)
        board.wait_line("name -202")
        board.command("dns", value=True)
        board.wait_line("found")


def test_why_network_is_not_joined(tmp_path: Path, peer: socket.socket) -> None:
    """network_wlan_status: most reasons read as connecting, and connect() clears none of them."""
    code = """
def statuses(ssid, key):
    seen = []
    wlan.connect(ssid, key)
    for _ in range(120):
        if wlan.status() not in seen:
            seen.append(wlan.status())
        time.sleep_ms(5)
    wlan.disconnect()
    wait_status(network.STAT_IDLE)
    return seen

for ssid, key in (("a", "wrong key"), ("a", "wrong key"), ("a", None), ("open", "a key"),
                  ("b", "wrong key"), ("c", "wrong key"), ("nowhere", None)):
    print(ssid, key, statuses(ssid, key))
"""
    points = (
        AccessPoint("a", "geheim geheim"),
        AccessPoint("open"),
        AccessPoint("b", "geheim geheim", refusal=202),
        AccessPoint("c", "geheim geheim", refusal=205),
    )
    with start(tmp_path, peer, code, access_points=points) as board:
        board.wait_line("a wrong key [1001]")
        board.wait_line("a wrong key [1000, 1001]")
        board.wait_line("a None [1000, 210]")
        board.wait_line("open a key [1000, 210]")
        board.wait_line("b wrong key [1000, 202]")
        board.wait_line("c wrong key [1000, 202]")
        board.wait_line("nowhere None [1000, 201]")


def test_signal_of_access_point(tmp_path: Path, peer: socket.socket) -> None:
    """It is there while associated: for good without an address, for a handshake if that fails."""
    code = """
def heard(key):
    wlan.connect("a", key)
    found = []
    for _ in range(160):
        try:
            found.append(wlan.status("rssi"))
        except OSError as error:
            found.append(str(error))
        time.sleep_ms(5)
    wlan.disconnect()
    wait_status(network.STAT_IDLE)
    return found

for key in ("geheim geheim", "wrong key"):
    found = heard(key)
    print(sorted(set(map(str, found))), len(set(found[40:])))
"""
    points = (AccessPoint("a", "geheim geheim"),)
    commands = ({"command": "dhcp", "value": False},)
    with start(tmp_path, peer, code, access_points=points, commands=commands) as board:
        board.wait_line("['-50', 'Wifi Not Connected'] 1")
        board.wait_line("['-50', 'Wifi Not Connected'] 2")


def test_access_points_are_as_described(tmp_path: Path, peer: socket.socket) -> None:
    code = """
for ssid, bssid, channel, rssi, security, hidden in wlan.scan():
    print(ssid.decode() or "-", channel, rssi, security)
join("Küche", "geheim geheim")
print("joined", wlan.config("ssid"), wlan.status("rssi"))
wlan.disconnect()
wait_status(network.STAT_IDLE)
join("attic", None)
print("hidden ones too")
"""
    points = (
        AccessPoint("Küche", "geheim geheim", rssi=-71, channel=11),
        AccessPoint("attic", hidden=True),
    )
    with start(tmp_path, peer, code, access_points=points) as board:
        board.wait_line("Küche 11 -71 3")
        board.wait_line("- 6 -50 0")
        board.wait_line("joined Küche -71")
        board.wait_line("hidden ones too")


def test_wrong_command_is_refused(tmp_path: Path, peer: socket.socket) -> None:
    with start(tmp_path, peer, "time.sleep(100)") as board:
        board.wait("power-on", lambda: board.events)
        for name, values in (
            ("no_such_command", {}),
            ("pin", {"id": 40, "value": 0}),
            ("timer_speed", {"value": 0}),
            ("access_point", {"ssid": "x" * 33}),
        ):
            with pytest.raises(Exception, match="refuses"):
                board.command(name, **values)
        board.command("pin", id=0, value=0)
