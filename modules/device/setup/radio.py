"""The radio while set-up runs: a search, the board's own access point, one try to join a network.

Instead of wifi.WiFi, which wants the radio for itself and never gives up.
"""

import network
import os
import time
import wifi
from micropython import const

# A public address that nobody minds: some phones take a private one for a network without internet,
# and then show no page (Android's dns_probe_private_ip_no_internet).
ADDRESS = "4.3.2.1"
_GUESTS = "4.3.2."

_MAX_GUESTS = const(2)
_MAX_NETWORKS = const(20)  # in the list

# Kinds of networks in the list.
_OPEN = const(0)
_PASSWORD = const(1)
_ENTERPRISE = const(2)  # wants a user name; the board cannot join

# esp_wifi_types_generic.h of ESP-IDF 5.5, wifi_auth_mode_t: MicroPython has no names for them all.
_OPEN_MODES = (0, 9)
_ENTERPRISE_MODES = (5, 10, 14, 15)

_TRY_TIME = const(24000)  # ms; Improv clients give up after 25 s
_BOTH_TIME = const(10000)  # ms; two searches and two handshakes

# What status() tells of the first attempt while the second goes on (network_wlan_status of v1.28).
_TOLD_EARLY = (
    network.STAT_NO_AP_FOUND,
    network.STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD,
    network.STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD,
    network.STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY,
    network.STAT_WRONG_PASSWORD,
)


def is_guest(address):
    """Return whether an IP address is one that the access point has given: while the station tries,
    the network that it joins could reach the board, too."""
    return address.startswith(_GUESTS)


def _station():
    return network.WLAN(network.WLAN.IF_STA)


def search():
    """Return the networks in reach, strongest first, 20 at most, as [name, dBm, kind].

    The station must be on. Blocks for 2.4 s. Hidden networks and names that are no UTF-8, which
    cannot stand in config.json, are left out.
    """
    found = []
    for point in sorted(wifi.access_points(_station()), key=lambda point: -point[3]):
        try:
            name = point[0].decode()
        except UnicodeError:
            continue
        if name and all(name != each[0] for each in found):
            kind = _PASSWORD
            if point[4] in _OPEN_MODES:
                kind = _OPEN
            elif point[4] in _ENTERPRISE_MODES:
                kind = _ENTERPRISE
            found.append((name, point[3], kind))
            if len(found) == _MAX_NETWORKS:
                break
    return found


class AccessPoint:
    """The board's network: WPA2 with a key of ten digits, another one each time that it opens.

    An open one, or one key for all, would put the school's password on the air in clear text.
    """

    def __init__(self, name, unique_id):
        # Six digits of the id: thirty boards in a class have thirty names.
        self.name = "%s-%s" % (name, unique_id.hex()[-6:])
        self._draw_key()
        self._channel = (1, 6, 11)[unique_id[-1] % 3]  # thirty on one would fill the air
        self._wlan = network.WLAN(network.WLAN.IF_AP)

    def _draw_key(self):
        self.key = "%010d" % (int.from_bytes(os.urandom(8), "big") % 10**10)

    def configure(self):
        """Set name, key and address. To be called before the radio is a station, once."""
        self._wlan.active(False)
        try:
            self._set()
        except OSError:
            # "Wifi Invalid Mode": it was a station before a soft reset. Then the access point must
            # be on to be set, a few milliseconds under ESP-IDF's name.
            self._wlan.active(True)
            self._set()
            self._wlan.active(False)
        self._wlan.ifconfig((ADDRESS, "255.255.255.0", ADDRESS, ADDRESS))

    def _set(self):
        # All in one: a key without security, or before its name, would be on the air like that.
        self._wlan.config(
            ssid=self.name,
            security=network.WLAN.SEC_WPA2,
            key=self.key,
            channel=self._channel,
            max_clients=_MAX_GUESTS,
        )

    def open(self):
        self._wlan.active(True)
        # The first key, which nobody was told, kept others out until here: what the chip draws before
        # its radio is on is no random number (ESP-IDF, "Random Number Generation").
        self._draw_key()
        self._set()

    def close(self):
        self._wlan.active(False)

    def has_guest(self):
        """Return whether a phone is there."""
        return self._wlan.isconnected()


class Station:
    """The board in another's network, for a search or one try."""

    def __init__(self):
        self._wlan = _station()
        self._ssid = None  # of the try
        self._begin = 0
        self._presence = None
        self._stale_status = None
        self._is_stale = False  # still said to be in the network before
        self._has_limit = False

    def search(self):
        """Return what `search()` does; the station is on meanwhile."""
        self._wlan.active(True)
        try:
            return search()
        finally:
            self._wlan.active(False)

    def begin(self, ssid, password, hostname):
        """Begin to join a network; `step` says how it goes. Blocks for the radio's start, 0.1 s."""
        self.end()
        network.hostname(hostname)
        self._ssid = ssid
        self._wlan.active(True)
        # Two attempts: a school's access points may turn the first one away. Forever, it would drag
        # the access point through the channels, and hide the reason (network_wlan.c of v1.28:
        # STA_DISCONNECTED, status).
        self._wlan.config(reconnects=1)
        self._has_limit = True
        self._presence = wifi.Presence(self._wlan)
        self._stale_status = self._wlan.status()
        self._is_stale = self._wlan.isconnected()
        self._begin = time.ticks_ms()
        self._wlan.connect(ssid, password or None)

    def step(self):
        """Return None while it is open how the try ends, "" when the board is in, else the reason."""
        if not self._wlan.isconnected():
            self._is_stale = False
        elif not self._is_stale:
            return ""
        self._presence.look()
        status = self._wlan.status()
        is_in = self._presence.is_in()
        passed = time.ticks_diff(time.ticks_ms(), self._begin)
        if passed >= _TRY_TIME:
            return wifi.reason(self._ssid, status, is_in)
        if status in (network.STAT_CONNECTING, network.STAT_IDLE) or is_in:
            return None
        # connect() does not clear what an earlier try has left in status().
        if passed < _BOTH_TIME and (status == self._stale_status or status in _TOLD_EARLY):
            return None
        # The second attempt may have found the network, and wait for an address.
        return None if wifi.is_associated(self._wlan) else wifi.reason(self._ssid, status)

    def stay(self):
        """Join again whenever the network is lost."""
        self._wlan.config(reconnects=-1)
        self._has_limit = False

    def address(self):
        return self._wlan.ifconfig()[0]

    def end(self):
        """Leave the network, and switch the station off."""
        if self._wlan.active():
            self._wlan.disconnect()
            self._wlan.active(False)

    def close(self):
        """End, and let the radio try forever again: that limit outlives a soft reset."""
        self.end()
        if self._has_limit:
            self._wlan.active(True)
            self._wlan.config(reconnects=-1)
            self._wlan.active(False)
