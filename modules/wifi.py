"""Joining a Wi-Fi network and staying in it.

For a program of one's own, as the BPI:bit tutorials have it:

    import wifi
    wifi.start()        # credentials from /config.json, else wifi_cfg.py; waits for an address

The firmware's own loop and mpython.wifi use the class `WiFi`: nothing else asks the radio to join.
"""

import network
import time
from _frozen import timers
from micropython import const

# The radio tries on by itself. Only if that has led nowhere does it begin again; the patience
# doubles each time, up to this. Milliseconds.
_MAX_PATIENCE = const(60000)

# How long the radio may take to leave a network. Milliseconds.
_LEAVE_TIME = const(200)

# The same where nothing else is to be done meanwhile.
_HINT_LEAVE_TIME = const(1000)

# Most of what keeps the board out reads as "connecting" on ESP32 (network_wlan_status of v1.28), a
# wrong password too (reason 15, ESP-IDF's api-guides/wifi). So after this long without an address
# it is said what is missing, while the radio goes on trying. Milliseconds.
_HINT_TIME = const(10000)

# How long the radio takes, at most, to find out what keeps the board out. Milliseconds.
_FIND_OUT_TIME = const(5000)

# How often it is looked whether an access point has let the board in. Milliseconds.
_LOOK_PERIOD = const(100)

# The radio may have joined an access point that came up after the search: worth leaving it for one
# that is stronger by this. dB.
_CLEARLY_STRONGER = const(10)

# Reasons of ESP-IDF for which MicroPython has no name; a wrong password mostly (esp_wifi_types_generic.h:
# AUTH_EXPIRE, 4WAY_HANDSHAKE_TIMEOUT). Only told where the radio's attempts are limited.
_AUTH_EXPIRE = const(2)
_4WAY_HANDSHAKE_TIMEOUT = const(15)

# The states of a WiFi.
_OFF = const(0)
_LEAVING = const(1)  # disconnect() only asks: connect() comes when the radio has left
_JOINING = const(2)
_CONNECTED = const(3)  # with an address


def _station():
    return network.WLAN(network.STA_IF)


def is_on():
    """Return whether the radio is on, as a station or as an access point."""
    return _station().active() or network.WLAN(network.AP_IF).active()


def is_associated(wlan):
    """Return whether an access point has let the radio in, with or without an address."""
    try:
        wlan.status("rssi")
        return True
    except OSError:  # "Wifi Not Connected"
        return False


def strongest(points, ssid):
    """Return (BSSID, channel, RSSI in dBm) of the strongest access point named `ssid`, or None.

    `points` is what WLAN.scan() returned. Left to itself, the radio takes the first that it finds,
    on the lowest channel: connect() leaves WIFI_FAST_SCAN (network_wlan.c of v1.28, ESP-IDF's
    api-guides/wifi). A hidden network has no name in a search: None.
    """
    name = ssid.encode()
    best = None
    for point in points:
        if point[0] == name and (best is None or point[3] > best[2]):
            best = point[1:4]
    return best


def reason(ssid, status, associated=False):
    """Say in a sentence why the network `ssid` is not joined.

    `status` is WLAN.status(); `associated`: the board is in, and only the address is missing.
    """
    if status in (network.STAT_NO_AP_FOUND, network.STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD):
        return 'no network named "%s" is in reach; check wifi.ssid and that it is 2.4 GHz' % ssid
    if status == network.STAT_WRONG_PASSWORD:
        return '"%s" refuses the password; check wifi.password' % ssid
    if status in (
        network.STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY,
        network.STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD,
    ):
        return '"%s" asks for another kind of password, or for none; check wifi.password' % ssid
    if status not in (
        network.STAT_CONNECTING,
        network.STAT_IDLE,
        network.STAT_HANDSHAKE_TIMEOUT,
        _AUTH_EXPIRE,
        _4WAY_HANDSHAKE_TIMEOUT,
    ):
        return '"%s" cannot be joined (status %d)' % (ssid, status)
    if associated:
        return '"%s" gives no address; is its DHCP server on?' % ssid
    return '"%s" does not let the board in; check wifi.password' % ssid


def access_points(wlan):
    """Return what `wlan.scan()` returns, in 2.4 s; nothing if there is no memory for its list."""
    # network_wlan.c: calloc gives NULL, and esp_exceptions_helper knows no name for that.
    try:
        return wlan.scan()
    except RuntimeError:
        return ()


class Presence:
    """Whether an access point has let the board in, seen over some time.

    With a wrong password it seems so while the handshake lasts, some seconds, and then not for a
    tenth of a second or more. So the board is in if it has not been seen out for 5 s, or for half
    of the attempt if that is shorter.
    """

    def __init__(self, wlan):
        self._wlan = wlan
        self.begin()

    def begin(self):
        """Begin an attempt to join, with the board out."""
        self._begin = self._last_look = self._last_unassociated = time.ticks_ms()

    def look(self):
        """Look at the radio, ten times a second at most."""
        if timers.elapsed(self._last_look, _LOOK_PERIOD):
            self._last_look = time.ticks_ms()
            if not is_associated(self._wlan):
                self._last_unassociated = self._last_look

    def is_in(self):
        """Return whether the board is in."""
        now = time.ticks_ms()
        enough = min(_FIND_OUT_TIME, time.ticks_diff(now, self._begin) // 2)
        return time.ticks_diff(now, self._last_unassociated) > enough


class Network:
    """A network, and how to join it."""

    def __init__(self, ssid, password="", hostname=None, timeout=20):
        """`timeout`: seconds without an address after which the radio begins again."""
        self.ssid = ssid
        self.password = password
        self.hostname = hostname
        self.timeout = timeout * 1000
        self.reported_status = None  # told last, and whether the board was in


class WiFi:
    """Keeps the board in one of its networks: joins, watches, rejoins, forever.

    A search of all channels finds the access points in reach. The strongest is tried first, then
    the strongest of the next network; then, by their names alone, those that were not found, for
    they may be hidden, and those that have kept the board out. Then it is searched again.

    `step` does a slice of that work; call it at least every few hundred milliseconds. It blocks
    only for a search, 2.4 s, while callbacks wait: at first, after the access point was lost, and
    each time all attempts have failed. `log` is called with each change as one line that begins
    with `wifi:`.
    """

    def __init__(self, networks, log=print):
        """`networks`: a list of at least one Network."""
        self.losses = 0
        self._networks = networks
        self._network = networks[0]  # joined, or tried
        self._access_point = None  # (BSSID, channel, RSSI) that the radio was told to join
        self._was_found = False  # whether the search had found it
        self._attempts = ()  # the next ones, as (Network, access point or None, whether found)
        self._failures = 0
        self._log = log
        self._wlan = None
        self._presence = None
        self._state = _OFF
        self._state_time = 0  # ticks_ms when it began
        self._stale_status = None  # what the radio told when the attempt began

    @property
    def connected(self):
        """Whether the board has an address, as the last `step` saw it."""
        return self._state == _CONNECTED

    def start(self):
        """Switch the radio on, 0.1 s, and begin to join, as `step` does."""
        self._wlan = _station()
        self._wlan.active(True)
        self._presence = Presence(self._wlan)
        if self._wlan.status() == network.STAT_IDLE:
            self._connect()
        else:  # left over from before a soft reset, perhaps in another network
            self._leave()

    def rejoin(self):
        """Leave the network and join it again, as `step` does."""
        self._leave()

    def stop(self):
        """Leave the network and switch the radio off."""
        if self._wlan is not None:
            if self.connected:
                self._wlan.disconnect()
            self._wlan.active(False)
        self._enter(_OFF)

    def save_power(self, on):
        """Let the radio sleep between beacons, as it does at first, or keep it awake.

        Asleep it hears of a packet up to some 100 ms late; awake it takes more current.
        """
        self._wlan.config(pm=self._wlan.PM_PERFORMANCE if on else self._wlan.PM_NONE)

    def address(self):
        """Return the board's IP address, "0.0.0.0" while it has none."""
        return self._wlan.ifconfig()[0]

    def signal(self):
        """Return (RSSI in dBm, channel, BSSID as text) of the access point; None outside a network.

        The BSSID is None if the radio chose for itself: MicroPython does not tell it then.
        """
        try:
            rssi = self._wlan.status("rssi")
        except OSError:  # "Wifi Not Connected"
            return None
        bssid = None
        if self._access_point is not None:
            bssid = ":".join("%02x" % byte for byte in self._access_point[0])
        return rssi, self._wlan.config("channel"), bssid

    def reason(self):
        """Return why there is no connection, as a sentence."""
        just_begun = not timers.elapsed(self._state_time, _FIND_OUT_TIME)
        tried = self._network
        if tried.reported_status and (self._state == _LEAVING or just_begun):
            # The radio has had no time to find out; what was found before still holds.
            return reason(tried.ssid, *tried.reported_status)
        return reason(tried.ssid, self._status(), self._presence.is_in())

    def step(self):
        """Do what is due now and return whether the board has an address."""
        if self._state == _LEAVING:
            if timers.elapsed(self._state_time, _LEAVE_TIME):
                self._connect()
            return False
        if self._wlan.isconnected():
            return self._state == _CONNECTED or self._take_connection()
        if self._state == _CONNECTED:
            self._take_loss()
        else:
            self._wait_for_address()
        return False

    def _enter(self, state):
        self._state = state
        self._state_time = time.ticks_ms()

    def _find_attempts(self):
        points = access_points(self._wlan)
        found = []
        hidden = []
        for each in self._networks:
            point = strongest(points, each.ssid)
            if point is None:
                hidden.append((each, None, False))
            else:
                found.append((each, point, True))
        found.sort(key=lambda attempt: -attempt[1][2])
        return found + hidden + [(each, None, True) for each, _, _ in found]

    def _connect(self):
        try:
            if not self._attempts:
                self._attempts = self._find_attempts()
            self._network, self._access_point, self._was_found = self._attempts.pop(0)
            if self._network.hostname:
                network.hostname(self._network.hostname)
            self._enter(_JOINING)
            self._presence.begin()
            self._stale_status = self._wlan.status()
            # Without a key the network is open; the port takes None for that, and for any BSSID.
            bssid = self._access_point and self._access_point[0]
            self._wlan.connect(self._network.ssid, self._network.password or None, bssid=bssid)
        except (OSError, RuntimeError) as error:  # still busy with the last attempt, or no memory
            self._log("wifi: the radio is not ready (%s)" % error)
            self._leave()

    def _leave(self):
        # While the radio still tries, connect() would raise OSError.
        self._wlan.disconnect()
        self._enter(_LEAVING)

    def _take_connection(self):
        if not self._was_found and self._is_worth_leaving():
            self._leave()
            return False
        self._enter(_CONNECTED)
        self._attempts = ()
        self._failures = 0
        for each in self._networks:
            each.reported_status = None
        line = "wifi: connected %s %s" % (self._network.ssid, self.address())
        signal = self.signal()
        if signal is not None:  # not lost again already
            rssi, channel, bssid = signal
            line += " (%d dBm, channel %d" % (rssi, channel)
            line += ", access point %s)" % bssid if bssid else ")"
        self._log(line)
        return True

    def _is_worth_leaving(self):
        # What the radio has found by the name alone is hidden; or it came up after the search, and
        # then it is the first of its name, not the strongest. A stronger network of another name
        # has had its turn: it might keep the board out each time.
        point = strongest(access_points(self._wlan), self._network.ssid)
        signal = self.signal()
        if point is None or signal is None or point[2] < signal[0] + _CLEARLY_STRONGER:
            return False
        self._attempts = [(self._network, point, True)]
        return True

    def _take_loss(self):
        self.losses += 1
        self._log("wifi: lost %s" % self._network.ssid)
        self._leave()  # the radio itself would look for the same access point only

    def _status(self):
        # What the radio tells of this attempt. Only another failure or an address replaces what it
        # told of the last one, perhaps of another network (network_wlan_status of v1.28).
        status = self._wlan.status()
        if status != self._stale_status:
            self._stale_status = None
        elif not timers.elapsed(self._state_time, _FIND_OUT_TIME):
            return network.STAT_CONNECTING
        return status

    def _wait_for_address(self):
        self._presence.look()
        status = self._status()
        if status == network.STAT_NO_AP_FOUND and is_associated(self._wlan):
            status = network.STAT_CONNECTING  # found since
        if self._has_failed(status):
            self._failures += 1
            self._report(status)
            self._leave()
        elif timers.elapsed(self._state_time, _HINT_TIME) or status not in (
            network.STAT_CONNECTING,
            network.STAT_IDLE,
        ):
            self._report(status)

    def _has_failed(self, status):
        # Where there are others, none waits long for a network that is not there.
        timeout = self._network.timeout
        patience = min(timeout << min(self._failures, 6), max(_MAX_PATIENCE, timeout))
        if len(self._networks) > 1 and status == network.STAT_NO_AP_FOUND:
            patience = min(patience, _HINT_TIME)
        return timers.elapsed(self._state_time, patience)

    def _report(self, status):
        # IDLE is CONNECTING after a disconnect() on ESP32; the ways out of it are the same.
        if status == network.STAT_IDLE:
            status = network.STAT_CONNECTING
        associated = status == network.STAT_CONNECTING and self._presence.is_in()
        if self._network.reported_status != (status, associated):
            self._network.reported_status = (status, associated)
            self._log("wifi: " + reason(self._network.ssid, status, associated))


# The BPI:bit tutorials' functions. -------------------------------------------------


def __getattr__(name):
    # `wifi.wlan` is the station interface; looked up only when asked for, since making it
    # starts the radio.
    if name == "wlan":
        return _station()
    raise AttributeError(name)


def _known_networks():
    from _frozen.device import config

    try:
        values, problems = config.read()
        if values:
            known = values["wifi"] if isinstance(values["wifi"], list) else [values["wifi"]]
            return [Network(each["ssid"], each.get("password", "")) for each in known]
    except OSError:
        problems = ["%s is missing" % config.PATH]
    try:
        import wifi_cfg

        return [Network(wifi_cfg.WIFI_SSID, wifi_cfg.WIFI_PSWD)]
    except (ImportError, AttributeError):
        raise OSError("no Wi-Fi credentials: " + "; ".join(problems))


def _hidden_hint():
    # A hidden network is joined like any other, but only a search shows that one is near.
    wlan = _station()
    if wlan.status() != network.STAT_NO_AP_FOUND:
        return ""
    wlan.disconnect()  # a search finds nothing while the radio tries to connect
    begin = time.ticks_ms()
    while wlan.status() == network.STAT_NO_AP_FOUND and not timers.elapsed(
        begin, _HINT_LEAVE_TIME
    ):
        time.sleep_ms(50)
    if all(point[0] for point in access_points(wlan)):
        return ""
    return "; a hidden network is near: its name must be given exactly"


def _join(networks, timeout):
    wifi = WiFi(networks)
    wifi.start()
    begin = time.ticks_ms()
    while not wifi.step():
        if timers.elapsed(begin, timeout * 1000):
            raise OSError(wifi.reason() + _hidden_hint())
        time.sleep_ms(50)


def connect(ssid, password="", timeout=30):
    """Join a network, hidden or not, and wait for an address, at most `timeout` seconds.

    Raises OSError with the reason: wrong password, no such network, no address.
    """
    _join([Network(ssid, password)], timeout)


def start(timeout=30):
    """Join a network of /config.json or that of wifi_cfg.py, and wait for an address.

    At most `timeout` seconds; raises OSError with the reason. Returns at once if the board is
    connected already.
    """
    if not isconnected():
        _join(_known_networks(), timeout)


ready = start


def try_connect():
    """Begin to join the strongest network of /config.json, or that of wifi_cfg.py; do not wait for
    an address. Blocks for the search of access points, 2.4 s.
    """
    WiFi(_known_networks()).start()


def disconnect():
    """Leave the network; the radio stays on if it was."""
    wlan = _station()
    if wlan.active():
        wlan.disconnect()


def close():
    """Leave the network and switch the radio off."""
    disconnect()
    _station().active(False)


def isconnected():
    """Return whether the board has an address."""
    return _station().isconnected()


def ifconfig():
    """Return (address, netmask, gateway, name server), each "0.0.0.0" while there is none."""
    return _station().ifconfig()
