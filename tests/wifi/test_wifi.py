"""The module wifi as programs of the user's own see it: the BPI:bit tutorial's functions."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ci.boards import load_board
from ci.build.board_facts import read_pins
from simulated_board import AccessPoint, SimulatedBoard

pytestmark = pytest.mark.simulator

LOCKED = AccessPoint("classroom", "chalk and talk")
GOOD = {"wifi": {"ssid": "classroom", "password": "chalk and talk"}, "mqtt": {"server": "x"}}


def run(tmp_path: Path, program: str, **files: str) -> SimulatedBoard:
    for name, text in {"main_py": program, **files}.items():
        (tmp_path / name.replace("_", ".")).write_text(text)
    return SimulatedBoard(flash=tmp_path, access_points=(LOCKED,))


def test_start_waits_for_address(tmp_path: Path) -> None:
    program = """
import wifi
assert not wifi.isconnected() and wifi.ifconfig()[0] == "0.0.0.0"
wifi.start()
print("joined", wifi.isconnected(), wifi.ifconfig()[0], wifi.wlan.isconnected())
wifi.start()
wifi.ready()
wifi.disconnect()
import time
while wifi.isconnected():
    time.sleep_ms(10)
print("left", wifi.isconnected())
wifi.try_connect()
while not wifi.isconnected():
    time.sleep_ms(10)
wifi.close()
print("closed", wifi.isconnected(), wifi.wlan.active())
"""
    with run(tmp_path, program, config_json=json.dumps(GOOD)) as board:
        board.wait_line("wifi: connected classroom 10.0.0.2")
        board.wait_line("joined True 10.0.0.2 True")
        board.wait_line("left False")
        board.wait_line("closed False False")


def test_start_takes_credentials_of_wifi_cfg_py(tmp_path: Path) -> None:
    program = """
import sys
sys.modules.pop("wifi_cfg", None)
with open("/wifi_cfg.py", "w") as file:
    file.write("WIFI_SSID = 'classroom'\\nWIFI_PSWD = 'chalk and talk'\\n")
import wifi
wifi.start()
print("joined", wifi.isconnected())
"""
    with run(tmp_path, program) as board:
        board.wait_line("joined True")


def test_start_without_credentials_says_so(tmp_path: Path) -> None:
    with run(tmp_path, "import wifi\nwifi.start()\n") as board:
        board.wait_line("OSError: no Wi-Fi credentials: /config.json is missing")


def test_connect_failures_are_told_apart(tmp_path: Path) -> None:
    program = """
import wifi, time
tries = ("nowhere", ""), ("classroom", "canary password"), ("mild", "canary password"), ("mild", "")
for ssid, password in tries + (("open", "canary password"),):
    try:
        wifi.connect(ssid, password, timeout=4)
    except OSError as error:
        print("failed:", error)
"""
    board = run(tmp_path, program)
    mild = AccessPoint("mild", "chalk and talk", refusal=202)
    board.access_points = (LOCKED, mild, AccessPoint("open"))
    with board:
        board.wait_line('failed: no network named "nowhere" is in reach')
        board.wait_line('failed: "classroom" does not let the board in; check wifi.password')
        board.wait_line('failed: "mild" refuses the password; check wifi.password')
        for ssid in ("mild", "open"):
            board.wait_line(f'failed: "{ssid}" asks for another kind of password, or for none')
        assert "canary" not in "\n".join(board.lines)


def test_hidden_network_is_joined_and_hinted_at(tmp_path: Path) -> None:
    program = """
import wifi
wifi.connect("attic", timeout=5)
print("joined", wifi.ifconfig()[0])
wifi.close()
try:
    wifi.connect("Attic", timeout=1)
except OSError as error:
    print("failed:", error)
"""
    board = run(tmp_path, program)
    board.access_points = (LOCKED, AccessPoint("attic", hidden=True))
    with board:
        board.wait_line("joined 10.0.0.2")
        board.wait_line("a hidden network is near: its name must be given exactly")


def test_hidden_network_is_hinted_at_when_radio_leaves_late(tmp_path: Path) -> None:
    program = """
import network
import time
import wifi

radio = wifi._station()


class Late:
    def status(self):
        if self.asked and time.ticks_diff(time.ticks_ms(), self.asked) >= 500:
            radio.disconnect()
        return radio.status()

    def disconnect(self):
        self.asked = time.ticks_ms()

    scan = radio.scan
    asked = None


radio.active(True)
radio.connect("Attic")
while radio.status() != network.STAT_NO_AP_FOUND:
    time.sleep_ms(10)
wifi._station = Late
print("hint:", wifi._hidden_hint())
"""
    board = run(tmp_path, program)
    board.access_points = (AccessPoint("attic", hidden=True),)
    with board:
        board.wait_line("hint: ; a hidden network is near")


def test_connect_without_dhcp_says_no_address(tmp_path: Path) -> None:
    program = """
import wifi
try:
    wifi.connect("classroom", "chalk and talk", timeout=1)
except OSError as error:
    print("failed:", error)
"""
    board = run(tmp_path, program)
    board.commands = ({"command": "dhcp", "value": False},)
    with board:
        board.wait_line('failed: "classroom" gives no address; is its DHCP server on?')


def test_wrong_password_is_said_while_radio_tries_on(tmp_path: Path) -> None:
    """[N2] Well before the patience ends, and again, the same line, after each disconnect()."""
    program = """
import time
import wifi
keeper = wifi.WiFi([wifi.Network("classroom", "canary password", timeout=%d)])
keeper.start()
asked = 0
last = None
while asked < 4:
    keeper.step()
    if keeper._state_time != last:
        last = keeper._state_time
        asked += 1
        print("asked", asked)
    time.sleep_ms(20)
print(keeper.reason())
"""
    sentence = '"classroom" does not let the board in; check wifi.password'
    with run(tmp_path, program % 30) as board:
        board.wait_line(f"wifi: {sentence}")
        assert "asked 2" not in board.lines
    with run(tmp_path, program % 1) as board:
        board.wait_line("asked 3")
        said = [line for line in board.lines if line.startswith("wifi: ")]
        assert said == [f"wifi: {sentence}"]


@pytest.mark.parametrize(
    "password, dhcp, sentence",
    [
        ("canary password", True, '"classroom" does not let the board in; check wifi.password'),
        ("chalk and talk", False, '"classroom" gives no address; is its DHCP server on?'),
    ],
)
def test_reason_stays_while_radio_begins_again(
    tmp_path: Path, password: str, dhcp: bool, sentence: str
) -> None:
    program = f"""
import time
import wifi
keeper = wifi.WiFi([wifi.Network("classroom", {password!r}, timeout=1)])
keeper.start()
while keeper._network.reported_status is None:
    keeper.step()
    time.sleep_ms(20)
reasons = set()
for _ in range(200):
    keeper.step()
    reasons.add(keeper.reason())
    time.sleep_ms(10)
print(len(reasons), reasons.pop())
"""
    board = run(tmp_path, program)
    board.commands = ({"command": "dhcp", "value": dhcp},)
    with board:
        board.wait_line(f"1 {sentence}")


def test_missing_address_after_loss_is_no_password(tmp_path: Path) -> None:
    program = """
import time
from wifi import Network, WiFi
keeper = WiFi([Network("classroom", "chalk and talk", timeout=3)])
keeper.start()
while True:
    keeper.step()
    time.sleep_ms(20)
"""
    with run(tmp_path, program) as board:
        board.wait_line("wifi: connected classroom")
        board.command("dhcp", value=False)
        board.command("outage", value=True, noticed_after_ms=100)
        board.wait_line("wifi: lost classroom")
        board.wait_line('wifi: no network named "classroom" is in reach')
        board.command("outage", value=False)
        # Begun again, the radio reads as idle: disconnect() was the last that it told.
        board.wait_line('wifi: "classroom" gives no address; is its DHCP server on?')
        board.command("dhcp", value=True)
        seen = len(board.lines)
        board.wait_line("wifi: connected classroom", since=seen)
        assert not any("let the board in" in line for line in board.lines)


def test_stuck_radio_begins_again(tmp_path: Path) -> None:
    program = """
import time
from wifi import Network, WiFi
keeper = WiFi([Network("classroom", "chalk and talk", timeout=1)])
keeper.start()
asked = 0
last = None
while not keeper.step():
    if keeper._state_time != last:
        last = keeper._state_time
        asked += 1
        print("asked", asked)
    time.sleep_ms(20)
"""
    board = run(tmp_path, program)
    board.commands = ({"command": "dhcp", "value": False},)
    with board:
        board.wait_line("asked 3")
        board.command("dhcp", value=True)
        board.wait_line("wifi: connected classroom")


def test_earlier_network_is_left_first_after_soft_reset(tmp_path: Path) -> None:
    program = """
import network, time
wlan = network.WLAN()
wlan.active(True)
wlan.connect("nowhere")
from wifi import Network, WiFi
keeper = WiFi([Network("classroom", "chalk and talk")])
keeper.start()
while not keeper.step():
    time.sleep_ms(20)
"""
    with run(tmp_path, program) as board:
        board.wait_line("wifi: connected classroom")


def test_disconnect_with_radio_off_does_nothing(tmp_path: Path) -> None:
    program = """
import wifi
wifi.disconnect()
wifi.close()
print("still off", wifi.wlan.active(), wifi.is_on())
"""
    with run(tmp_path, program) as board:
        board.wait_line("still off False False")


KEEP = """
import time
from wifi import Network, WiFi
keeper = WiFi([Network("classroom", "chalk and talk", timeout=%d)])
keeper.start()
while True:
    keeper.step()
    time.sleep_ms(20)
"""
FAR = AccessPoint("classroom", "chalk and talk", rssi=-81, channel=1)
NEAR = AccessPoint("classroom", "chalk and talk", rssi=-44, channel=11)
MIDDLE = AccessPoint("classroom", "chalk and talk", rssi=-60, channel=6)
OTHER = AccessPoint("staff room", "chalk and talk", rssi=-30, channel=11)


def test_strongest_access_point_of_name_is_joined(tmp_path: Path) -> None:
    """[D4] Left to itself, the radio would take the one on the lowest channel."""
    board = run(tmp_path, KEEP % 20)
    board.access_points = (FAR, NEAR, MIDDLE, OTHER)
    with board:
        board.wait_line(
            "wifi: connected classroom 10.0.0.2 "
            "(-44 dBm, channel 11, access point 02:00:00:00:00:02)"
        )


def test_next_strongest_access_point_is_joined_after_loss(tmp_path: Path) -> None:
    board = run(tmp_path, KEEP % 20)
    board.access_points = (NEAR,)
    with board:
        board.wait_line("wifi: connected classroom 10.0.0.2 (-44 dBm, channel 11")
        board.at_once({"command": "no_access_points"}, FAR.command(), MIDDLE.command())
        board.wait_line("wifi: lost classroom")
        board.wait_line("wifi: connected classroom 10.0.0.2 (-60 dBm, channel 6")


def test_access_point_that_keeps_board_out_is_skipped(tmp_path: Path) -> None:
    """The strongest one is somebody else's, with another password; then the radio chooses."""
    board = run(tmp_path, KEEP % 1)
    rogue = AccessPoint("classroom", "another password", rssi=-30, channel=11)
    board.access_points = (FAR, rogue)
    with board:
        board.wait_line("wifi: connected classroom 10.0.0.2 (-81 dBm, channel 1)")


def test_hidden_network_is_told_without_access_point(tmp_path: Path) -> None:
    board = run(tmp_path, KEEP % 20)
    board.access_points = (AccessPoint("classroom", "chalk and talk", hidden=True),)
    with board:
        board.wait_line("wifi: connected classroom 10.0.0.2 (-50 dBm, channel 6)")


KEEP_BOTH = """
import time
from wifi import Network, WiFi
networks = [
    Network("classroom", "chalk and talk", timeout=%d),
    Network("home", "my own four walls", timeout=%d),
]
keeper = WiFi(networks)
keeper.start()
while True:
    keeper.step()
    time.sleep_ms(20)
"""
HOME = AccessPoint("home", "my own four walls", rssi=-60)


def keep_both(tmp_path: Path, *points: AccessPoint, timeout: int = 20) -> SimulatedBoard:
    """Return a board that knows the networks classroom and home."""
    board = run(tmp_path, KEEP_BOTH % (timeout, timeout))
    board.access_points = points
    return board


def test_strongest_of_networks_in_reach_is_joined(tmp_path: Path) -> None:
    """Whatever its place in the list is"""
    with keep_both(tmp_path, FAR, HOME) as board:
        assert "connected home" in board.wait_line("wifi: connected")
    with keep_both(tmp_path, HOME, NEAR, FAR) as board:
        line = board.wait_line("wifi: connected")
        assert "connected classroom" in line and "channel 11" in line


def test_other_network_is_joined_where_first_is_gone(tmp_path: Path) -> None:
    with keep_both(tmp_path, NEAR, HOME) as board:
        board.wait_line("wifi: connected classroom")
        board.at_once({"command": "no_access_points"}, HOME.command())
        board.wait_line("wifi: lost classroom")
        board.wait_line("wifi: connected home")
        board.at_once({"command": "no_access_points"}, NEAR.command())
        board.wait_line("wifi: lost home")
        board.wait("return", lambda: sum("connected classroom" in li for li in board.lines) == 2)


def test_network_that_refuses_password_gives_way(tmp_path: Path) -> None:
    rogue = AccessPoint("classroom", "another password", rssi=-30)
    with keep_both(tmp_path, rogue, HOME, timeout=1) as board:
        board.wait_line('wifi: "classroom" does not let the board in; check wifi.password')
        board.wait_line("wifi: connected home")


def test_no_network_in_reach_is_told_of_each_once(tmp_path: Path) -> None:
    """Each round begins with a search, so a network that comes is found."""
    with keep_both(tmp_path, OTHER, timeout=1) as board:
        for name in ("classroom", "home", "classroom", "home"):
            board.wait_line(f'wifi: no network named "{name}" is in reach')
        board.at_once(HOME.command())
        board.wait_line("wifi: connected home")
        assert sum("is in reach" in line for line in board.lines) == 2


def test_hidden_one_of_networks_is_joined(tmp_path: Path) -> None:
    hidden = AccessPoint("home", "my own four walls", hidden=True)
    with keep_both(tmp_path, OTHER, hidden, timeout=1) as board:
        board.wait_line("wifi: connected home 10.0.0.2 (-50 dBm, channel 6)")


def test_hidden_network_is_kept_though_stronger_refuses(tmp_path: Path) -> None:
    """It is not left again for the one that has just kept the board out."""
    rogue = AccessPoint("classroom", "another password", rssi=-30)
    hidden = AccessPoint("home", "my own four walls", rssi=-60, channel=11, hidden=True)
    with keep_both(tmp_path, rogue, hidden, timeout=1) as board:
        board.wait_line('wifi: "classroom" does not let the board in; check wifi.password')
        board.wait_line("wifi: connected home 10.0.0.2 (-60 dBm, channel 11)", timeout=60)


def test_network_out_of_reach_is_not_waited_for(tmp_path: Path) -> None:
    """Its own patience would be an hour; where there is another one, ten seconds are enough."""
    hidden = AccessPoint("home", "my own four walls", hidden=True)
    with keep_both(tmp_path, hidden, timeout=3600) as board:
        board.wait_line("wifi: connected home", timeout=60)


def test_strongest_is_joined_though_all_came_late(tmp_path: Path) -> None:
    """[D4] After a power cut the board is there first; the radio by itself takes the first one."""
    board = run(tmp_path, KEEP % 3600)
    board.access_points = (OTHER,)
    with board:
        board.wait_line('wifi: no network named "classroom" is in reach')
        board.at_once(FAR.command(), NEAR.command())
        line = board.wait_line("wifi: connected classroom")
        assert "(-44 dBm, channel 11, access point" in line


def test_late_network_without_dhcp_is_not_called_missing(tmp_path: Path) -> None:
    """Until there is an address, the radio reads as it did before it found the network."""
    board = run(tmp_path, KEEP % 3600)
    board.access_points = (OTHER,)
    with board:
        board.wait_line('wifi: no network named "classroom" is in reach')
        board.at_once({"command": "dhcp", "value": False}, NEAR.command())
        board.wait_line('wifi: "classroom" gives no address; is its DHCP server on?', timeout=60)


STALE = """
import network
import time

class WLAN:
    # As on the chip where disconnect() comes between two tries: what it told last stays.
    end = None

    def active(self, on):
        pass

    def status(self, *query):
        if query or self.isconnected():
            raise OSError("Wifi Not Connected")
        return self.failure

    failure = network.STAT_IDLE

    def isconnected(self):
        return False

    def disconnect(self):
        pass

    def scan(self):
        return []

    def connect(self, ssid, key, bssid):
        print("tries", ssid)
        if ssid == "home":
            print("told", keeper.reason())
            self.end = time.ticks_add(time.ticks_ms(), 1500)
        elif self.end is None:
            self.failure = network.STAT_NO_AP_FOUND

import wifi
radio = WLAN()
wifi._station = lambda: radio
keeper = wifi.WiFi([wifi.Network("classroom", timeout=1), wifi.Network("home", timeout=1)])
keeper.start()
while radio.end is None or time.ticks_diff(radio.end, time.ticks_ms()) > 0:
    keeper.step()
    time.sleep_ms(20)
print("end")
"""


def test_failure_of_one_network_is_not_told_of_next(tmp_path: Path) -> None:
    with run(tmp_path, STALE) as board:
        board.wait_line("tries home")
        board.wait_line("end")
        assert 'wifi: no network named "classroom" is in reach' in "\n".join(board.lines)
        assert 'no network named "home"' not in "\n".join(board.lines)


def test_search_without_memory_leaves_joining_by_name(tmp_path: Path) -> None:
    """network_wlan_scan does without its list then, and raises RuntimeError"""
    failing = """
import network

def scan(self):
    raise RuntimeError("Wifi Unknown Error 0x0102")

network.WLAN.scan = scan
"""
    board = run(tmp_path, failing + KEEP % 20)
    with board:
        board.wait_line("wifi: connected classroom 10.0.0.2 (-50 dBm, channel 6)")


def test_start_joins_one_of_networks_in_config(tmp_path: Path) -> None:
    networks = [{"ssid": "home", "password": "my own four walls"}, GOOD["wifi"]]
    config = json.dumps({**GOOD, "wifi": networks})
    with run(tmp_path, "import wifi\nwifi.start()\n", config_json=config) as board:
        board.wait_line("wifi: connected classroom")


def test_signal_is_none_outside_network(tmp_path: Path) -> None:
    program = """
import time
from wifi import Network, WiFi
keeper = WiFi([Network("classroom", "chalk and talk")])
keeper.start()
print("before", keeper.signal())
while not keeper.step():
    time.sleep_ms(20)
print("inside", keeper.signal())
keeper.stop()
print("after", keeper.signal(), keeper.connected)
"""
    with run(tmp_path, program) as board:
        board.wait_line("before None")
        board.wait_line("inside (-50, 6, '02:00:00:00:00:01')")
        board.wait_line("after None False")


def test_button_is_noticed_before_search_begins(tmp_path: Path) -> None:
    """A tap in the first second leads to safe mode, though the search blocks for 2.4 s."""
    (tmp_path / "config.json").write_text(json.dumps(GOOD))
    board = SimulatedBoard(flash=tmp_path, access_points=(LOCKED,))
    board.commands = ({"command": "scan_time", "ms": 2400},)
    button_a = read_pins(load_board(board.board))["BUTTON_A"]
    with board:
        board.wait_line("boot: ")
        board.command("pin", id=button_a, value=0)
        time.sleep(0.5)  # a busy PC may let the board wait meanwhile; the search would take longer
        board.command("pin", id=button_a, value=1)
        board.wait_line("boot: safe mode")
