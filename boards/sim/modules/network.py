"""The simulated board's `network`: WLAN as ports/esp32/network_wlan.c of MicroPython v1.28 has it.

The access points around the board, wrong passwords and outages come from the control channel
(boards/sim/README.md); without one there is a single open access point, "classroom".
"""

import _sim
import machine
from micropython import const

STA_IF = const(0)
AP_IF = const(1)

STAT_IDLE = const(1000)
STAT_CONNECTING = const(1001)
STAT_GOT_IP = const(1010)
STAT_BEACON_TIMEOUT = const(200)
STAT_NO_AP_FOUND = const(201)
STAT_WRONG_PASSWORD = const(202)
STAT_ASSOC_FAIL = const(203)
STAT_CONNECT_FAIL = const(203)
STAT_HANDSHAKE_TIMEOUT = const(204)
STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY = const(210)
STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD = const(211)
STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD = const(212)

AUTH_OPEN = const(0)
AUTH_WEP = const(1)
AUTH_WPA_PSK = const(2)
AUTH_WPA2_PSK = const(3)
AUTH_WPA_WPA2_PSK = const(4)

_hostname = "mpy-esp32"


def hostname(*name):
    """Get or set the name that the board gives itself in the network."""
    global _hostname
    if not name:
        return _hostname
    if len(name[0]) > 32:
        raise ValueError()
    _hostname = name[0]


def country(*code):
    return None if code else "XX"


class WLAN:
    IF_STA = STA_IF
    IF_AP = AP_IF
    SEC_OPEN = AUTH_OPEN
    PM_NONE = const(0)
    PM_PERFORMANCE = const(1)
    PM_POWERSAVE = const(2)

    _all = {}

    def __new__(cls, interface_id=STA_IF):
        if interface_id not in (STA_IF, AP_IF):
            raise ValueError("invalid WLAN interface identifier")
        if interface_id not in cls._all:
            self = super().__new__(cls)
            self._station = interface_id == STA_IF
            self._active = False
            self._settings = {}
            cls._all[interface_id] = self
        return cls._all[interface_id]

    def __init__(self, interface_id=STA_IF):
        pass

    def active(self, *on):
        if on:
            self._active = bool(on[0])
            if self._station:
                _sim.wlan_active(self._active)
        return self._active

    def connect(self, ssid=None, key=None, *, bssid=None):
        _sim.wlan_connect(ssid, key, bssid)

    def disconnect(self):
        _sim.wlan_disconnect()

    def isconnected(self):
        return self._station and _sim.wlan_status() == STAT_GOT_IP

    def status(self, *query):
        if not query:
            return _sim.wlan_status() if self._station else None
        if query[0] == "rssi":
            if not self._station:
                raise OSError("STA required")
            rssi = _sim.wlan_rssi()
            if rssi is None:
                raise OSError("Wifi Not Connected")
            return rssi
        if query[0] == "stations":
            if self._station:
                raise OSError("AP required")
            return []
        raise ValueError("unknown status param")

    def scan(self):
        return _sim.wlan_scan()

    def ifconfig(self, *settings):
        if settings:
            return None
        if not self._station:
            return ("192.168.4.1", "255.255.255.0", "192.168.4.1", "0.0.0.0")
        host = _sim.wlan_host()
        if not host:
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
        return ("10.0.0.%d" % host, "255.255.255.0", "10.0.0.1", "10.0.0.1")

    def ipconfig(self, *query, **settings):
        if settings:
            return None
        if query[0] == "addr4":
            return self.ifconfig()[:2]
        if query[0] == "gw4":
            return self.ifconfig()[2]
        if query[0] == "dhcp4":
            return True
        raise ValueError("unknown ipconfig parameter")

    def config(self, *query, **settings):
        if settings:
            if query:
                raise TypeError("either pos or kw args are allowed")
            for key in settings:
                if (
                    key
                    not in (
                        "mac ssid essid hidden security authmode key password channel hostname "
                        "dhcp_hostname max_clients reconnects txpower protocol pm"
                    ).split()
                ):
                    raise ValueError("unknown config param")
                if key in ("hostname", "dhcp_hostname"):
                    hostname(settings[key])
            self._settings.update(settings)
            return None
        if len(query) != 1:
            raise TypeError("can query only one param")
        if query[0] == "mac":
            return machine.unique_id()
        if query[0] in ("ssid", "essid"):
            return _sim.wlan_ssid() if self._station else self._settings.get("ssid", "")
        if query[0] in ("hostname", "dhcp_hostname"):
            return hostname()
        if query[0] in self._settings:
            return self._settings[query[0]]
        if query[0] == "channel":
            return _sim.wlan_channel()
        if query[0] in ("reconnects", "pm", "txpower", "protocol", "hidden"):
            return {"reconnects": -1, "pm": 1}.get(query[0], 0)
        raise ValueError("unknown config param")
