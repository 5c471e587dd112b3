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

# Keys of config() that only an access point has, or only a station; the second names are old.
_AP_KEYS = ("ssid", "essid", "hidden", "security", "authmode", "key", "password", "max_clients")
_STATION_KEYS = ("reconnects",)
_KEYS = ("mac", "channel", "bandwidth", "hostname", "dhcp_hostname", "txpower", "protocol", "pm")
_OLD_NAMES = {"essid": "ssid", "authmode": "security", "password": "key"}

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
    SEC_WEP = AUTH_WEP
    SEC_WPA = AUTH_WPA_PSK
    SEC_WPA2 = AUTH_WPA2_PSK
    SEC_WPA_WPA2 = AUTH_WPA_WPA2_PSK
    SEC_WPA2_ENT = const(5)
    SEC_WPA3 = const(6)
    SEC_WPA2_WPA3 = const(7)
    PM_NONE = const(0)
    PM_PERFORMANCE = const(1)
    PM_POWERSAVE = const(2)

    _all = {}
    _mode = None  # ESP-IDF's, bits of the interfaces that are on; None before any was
    _started = False

    def __new__(cls, interface_id=STA_IF):
        if interface_id not in (STA_IF, AP_IF):
            raise ValueError("invalid WLAN interface identifier")
        if interface_id not in cls._all:
            self = super().__new__(cls)
            self._station = interface_id == STA_IF
            self._bit = 1 << interface_id
            self._settings = {}
            if not self._station:  # ESP-IDF's own
                self._settings.update(
                    ssid="ESP_000001", security=0, key="", channel=1, max_clients=4, hidden=False
                )
            self._address = ("192.168.4.1", "255.255.255.0", "192.168.4.1", "0.0.0.0")
            cls._all[interface_id] = self
        return cls._all[interface_id]

    def __init__(self, interface_id=STA_IF):
        pass

    @property
    def _active(self):
        return WLAN._started and bool(WLAN._mode & self._bit)

    def active(self, *on):
        if on:
            # As network_wlan_active: what is stopped keeps its mode.
            before = WLAN._mode if WLAN._started else 0
            mode = before | self._bit if on[0] else before & ~self._bit
            WLAN._started = mode != 0
            if mode:
                WLAN._mode = mode
            if self._station:
                _sim.wlan_active(self._active)
            elif before & self._bit != mode & self._bit:
                self._apply()
        return self._active

    def _apply(self):
        # Tell the radio what its access point is.
        settings = self._settings
        _sim.ap_set(
            self._active,
            settings["ssid"],
            settings["key"],
            settings["security"],
            settings["channel"],
            self._address[0],
        )

    def connect(self, ssid=None, key=None, *, bssid=None):
        _sim.wlan_connect(ssid, key, bssid)

    def disconnect(self):
        _sim.wlan_disconnect()

    def isconnected(self):
        if self._station:
            return _sim.wlan_status() == STAT_GOT_IP
        return _sim.ap_phone() is not None

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
            if not self._active:
                raise OSError("Wifi Invalid Mode")
            address = _sim.ap_phone()
            return [] if address is None else [(b"\x02phone", address)]
        raise ValueError("unknown status param")

    def scan(self):
        return _sim.wlan_scan()

    def ifconfig(self, *settings):
        if settings:
            if not self._station:
                self._address = tuple(settings[0])
                self._apply()
            return None
        if not self._station:
            return self._address
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
        if settings and query:
            raise TypeError("either pos or kw args are allowed")
        # esp_wifi_get_config comes first. Measured on the emulated chip: the access point may be
        # set before the radio was used at all, and while it is on, perhaps beside the station.
        if not (WLAN._mode is None or WLAN._mode & self._bit):
            raise OSError("Wifi Invalid Mode")
        if settings:
            self._configure(settings)
            return None
        if len(query) != 1:
            raise TypeError("can query only one param")
        return self._query(query[0])

    def _configure(self, settings):
        wanted = {}
        for key, value in settings.items():
            self._check_key(key)
            if key in ("hostname", "dhcp_hostname"):
                hostname(value)
            if key == "key" or key == "password":
                value = value[:63]
            wanted[_OLD_NAMES.get(key, key)] = value
        if self._station:
            _sim.wlan_configure(wanted.get("reconnects", self._settings.get("reconnects", -1)))
        before = self._settings.copy()
        self._settings.update(wanted)
        if not self._station:
            try:
                self._apply()
            except (OSError, RuntimeError):
                self._settings = before
                raise

    def _check_key(self, key):
        if key in _AP_KEYS and self._station:
            raise OSError("AP required")
        if key in _STATION_KEYS and not self._station:
            raise OSError("STA required")
        if key not in _AP_KEYS + _STATION_KEYS + _KEYS:
            raise ValueError("unknown config param")

    def _query(self, key):
        key = _OLD_NAMES.get(key, key)
        if key == "key":  # it cannot be read back
            raise ValueError("unknown config param")
        if key == "ssid" and self._station:
            return _sim.wlan_ssid()
        self._check_key(key)
        if key == "mac":
            return machine.unique_id()
        if key in ("hostname", "dhcp_hostname"):
            return hostname()
        if key == "channel":
            return _sim.wlan_channel()
        return self._settings.get(key, {"reconnects": -1, "pm": 1}.get(key, 0))
