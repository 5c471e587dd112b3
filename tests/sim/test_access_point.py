"""The simulated board's own access point: as strict as the chip, and a phone's traffic goes through it."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from simulated_board import AccessPoint, BoardError, SimulatedBoard

pytestmark = pytest.mark.simulator

PRELUDE = """\
import network, socket, sys, time
ap = network.WLAN(network.WLAN.IF_AP)
sta = network.WLAN(network.WLAN.IF_STA)

def failure(call, *arguments, **values):
    try:
        call(*arguments, **values)
    except (OSError, ValueError, RuntimeError) as error:
        return str(error)
    return None

def open_ap():
    ap.config(ssid="lamp", security=ap.SEC_WPA2, key="1234567890", channel=1, max_clients=2)
    ap.ifconfig(("4.3.2.1", "255.255.255.0", "4.3.2.1", "4.3.2.1"))
    ap.active(True)

def wait(condition):
    while not condition():
        time.sleep_ms(5)
"""


def start(tmp_path: Path, code: str, **options: Any) -> SimulatedBoard:
    script = tmp_path / "script.py"
    script.write_text(PRELUDE + code)
    return SimulatedBoard(arguments=(str(script),), **options)


def wait_event(board: SimulatedBoard, name: str, **fields: Any) -> dict[str, Any]:
    def find() -> dict[str, Any] | None:
        for event in board.events:
            if event["event"] == name and fields.items() <= event.items():
                return event
        return None

    return board.wait(f"event {name} {fields}", find)


def test_settings_are_as_strict_as_chip(tmp_path: Path) -> None:
    code = """
assert failure(ap.config, key="short", security=3) == "Wifi Invalid Password"
assert ap.config("security") == 0
assert failure(ap.config, reconnects=1) == "STA required"
assert failure(sta.config, key="12345678") == "AP required"
assert failure(ap.config, colour=1) == "unknown config param"
assert failure(ap.config, "key") == "unknown config param"
assert failure(ap.config, channel=14).startswith("Wifi Unknown Error")
assert failure(sta.scan) == "STA must be active"
ap.config(key="12345678")
assert ap.config("security") == 0, "a key alone leaves it open"
sta.active(True)
assert failure(ap.config, ssid="late") == "Wifi Invalid Mode"
sta.active(False)
assert failure(ap.config, ssid="late") == "Wifi Invalid Mode", "the mode outlives the station"
ap.active(True)
ap.config(ssid="now", security=3, key="12345678")
assert ap.config("ssid") == "now" and not ap.isconnected() and ap.status("stations") == []
ap.active(False)
assert failure(ap.status, "stations") == "Wifi Invalid Mode"
print("strict")
"""
    with start(tmp_path, code) as board:
        board.wait_line("strict")


def test_reconnects_are_limited_and_tell_reason(tmp_path: Path) -> None:
    code = """
sta.active(True)
sta.config(reconnects=1)
assert sta.config("reconnects") == 1
sta.connect("school", "wrong password")
assert sta.status() == network.STAT_CONNECTING
assert failure(sta.config, reconnects=2) == "Wifi Internal State Error"
wait(lambda: sta.status() != network.STAT_CONNECTING)
print("reason", sta.status())
sta.config(reconnects=-1)
"""
    points = (AccessPoint("school", "right password"),)
    with start(tmp_path, code, access_points=points) as board:
        board.wait_line("reason 15")


def test_phone_needs_key(tmp_path: Path) -> None:
    with start(
        tmp_path, "open_ap()\nwait(ap.isconnected)\nprint(ap.status('stations'))\n"
    ) as board:
        wait_event(board, "ap", active=True, ssid="lamp", security=3, channel=1)
        with pytest.raises(BoardError):
            board.command("phone", joined=True, key="0987654321")
        board.command("phone", joined=True, key="1234567890")
        assert "4.3.2.2" in board.wait_line("phone")


def test_traffic_needs_phone(tmp_path: Path) -> None:
    code = """
open_ap()
server = socket.socket()
server.bind(("0.0.0.0", 80))
server.listen(4)
client, peer = server.accept()
print("peer", peer[0])
client.write(client.recv(4))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("0.0.0.0", 53))
data, peer = udp.recvfrom(100)
print("asked by", peer[0])
udp.sendto(data, peer)
wait(lambda: not ap.isconnected())
print("gone")
wait(ap.isconnected)
client.write(b"back")
ap.active(False)
print("off")
"""
    with start(tmp_path, code) as board:
        port = wait_event(board, "listening", port=80)["at"]
        with socket.create_connection(("127.0.0.1", port), 60) as connection:
            assert not any("peer" in line for line in board.lines)  # nobody is in the air yet
            board.command("phone", joined=True, key="1234567890")
            connection.sendall(b"ping")
            board.wait_line("peer 4.3.2.2")
            assert connection.recv(4) == b"ping"
            at = wait_event(board, "listening", port=53)["at"]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                udp.settimeout(60)
                udp.sendto(b"name?", ("127.0.0.1", at))
                assert udp.recv(100) == b"name?"
            board.wait_line("asked by 4.3.2.2")
            board.command("phone", joined=False)
            board.wait_line("gone")
            board.command("phone", joined=True, key="1234567890")
            assert connection.recv(4) == b"back"
            board.wait_line("off")
            wait_event(board, "ap", active=False)


def test_network_of_station_reaches_server_too(tmp_path: Path) -> None:
    code = """
open_ap()
sta.active(True)
sta.connect("classroom")
wait(sta.isconnected)
server = socket.socket()
server.bind(("0.0.0.0", 80))
server.listen(4)
print("peer", server.accept()[1][0])
"""
    with start(tmp_path, code) as board:
        port = wait_event(board, "listening", port=80)["at"]
        with socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.9", 0)):
            board.wait_line("peer 10.0.0.9")


@pytest.mark.parametrize("follows", (True, False))
def test_channel_of_station_is_that_of_access_point(tmp_path: Path, follows: bool) -> None:
    code = """
open_ap()
wait(ap.isconnected)
sta.active(True)
sta.connect("classroom")
wait(sta.isconnected)
print("phone is there:", ap.isconnected(), ap.config("channel"))
"""
    with start(tmp_path, code, access_points=(AccessPoint("classroom", channel=11),)) as board:
        wait_event(board, "ap", active=True)
        board.command("phone", joined=True, key="1234567890", follows=follows)
        board.wait_line(f"phone is there: {follows} 11")
        wait_event(board, "ap", channel=11)
