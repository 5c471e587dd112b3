"""Joining a Wi-Fi network and staying in it. The only module that touches the radio.

For a program of one's own, as the BPI:bit tutorials have it:

    import wifi
    wifi.start()        # credentials from /config.json, else wifi_cfg.py; waits for an address

The firmware's own loop uses the class `WiFi`, whose `step` never blocks.
"""

import network
import time
import timers
from micropython import const

# The radio tries on by itself. Only if that has led nowhere is it asked anew; the patience doubles
# each time, up to this. Milliseconds.
_PATIENCE_MOST = const(60000)

# How long the radio may take to leave a network. Milliseconds.
_LEAVE = const(200)

# Most of what keeps the board out reads as "connecting" on ESP32 (network_wlan_status of v1.28), a
# wrong password too (reason 15, ESP-IDF's api-guides/wifi). So after this long without an address
# it is said what is missing, while the radio goes on trying. Milliseconds.
_HINT = const(10000)

# With a wrong password the board may seem to be in while the handshake lasts, some seconds, and is
# out again for a tenth of a second or more. It is in if it has not been seen out for this long, or
# for half the wait if that is shorter. Looked at in this rhythm. Milliseconds.
_IN = const(5000)
_LOOK = const(100)


def _station():
    return network.WLAN(network.STA_IF)


def is_associated(wlan):
    """Return whether an access point has let the radio in, with or without an address."""
    try:
        wlan.status("rssi")
        return True
    except OSError:  # "Wifi Not Connected"
        return False


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
    if status not in (network.STAT_CONNECTING, network.STAT_IDLE):
        return '"%s" cannot be joined (status %d)' % (ssid, status)
    if associated:
        return '"%s" gives no address; is its DHCP server on?' % ssid
    return '"%s" does not let the board in; check wifi.password' % ssid


class WiFi:
    """Keeps the board in one network: joins, watches, rejoins, for ever.

    `step` does a slice of that work and never blocks; call it at least every few hundred
    milliseconds. Each change is printed as one line that begins with `wifi:`.
    """

    def __init__(self, ssid, password="", hostname=None, timeout=20):
        """`timeout`: seconds without an address after which the radio is asked anew."""
        self.ssid = ssid
        self._timeout = timeout * 1000
        self.losses = 0
        self.connected = False
        self._password = password
        self._hostname = hostname
        self._wlan = None
        self._asked = 0  # ticks_ms of the last connect()
        self._patience = self._timeout
        self._told = None  # the last status that was printed, and whether the board was in
        self._looked = self._out = 0  # ticks_ms: when it was looked last, and when it was not in
        self._leaving = False

    def _ask(self):
        self._asked = self._out = time.ticks_ms()
        self._leaving = False
        try:
            # Without a key the network is open; the port takes None for that.
            self._wlan.connect(self.ssid, self._password or None)
        except OSError as error:  # the radio is still busy with the last try
            print("wifi: the radio is not ready (%s)" % error)
            self._leave()

    def _leave(self):
        # disconnect() only asks; while the radio still tries, connect() raises OSError.
        self._wlan.disconnect()
        self._asked = time.ticks_ms()
        self._leaving = True

    def start(self):
        """Switch the radio on and begin to join. Blocks for the radio's start, about 0.1 s."""
        if self._hostname:
            network.hostname(self._hostname)
        self._wlan = _station()
        self._wlan.active(True)
        if self._wlan.status() == network.STAT_IDLE:
            self._ask()
        else:  # left over from before a soft reset, perhaps in another network
            self._leave()

    def stop(self):
        """Leave the network and switch the radio off."""
        if self._wlan is not None:
            if self.connected:
                self._wlan.disconnect()
            self._wlan.active(False)
        self.connected = False

    def reason(self):
        """Return why there is no connection, as a sentence."""
        since = time.ticks_diff(time.ticks_ms(), self._asked)
        if self._told and (self._leaving or since < _IN):
            # Asked anew, the radio has had no time to find out; what was found before still holds.
            return reason(self.ssid, *self._told)
        return reason(self.ssid, self._wlan.status(), self._is_in())

    def _look(self):
        if timers.elapsed(self._looked, _LOOK):
            now = time.ticks_ms()
            self._looked = now
            if not is_associated(self._wlan):
                self._out = now

    def _is_in(self):
        now = time.ticks_ms()
        enough = min(_IN, time.ticks_diff(now, self._asked) // 2)
        return time.ticks_diff(now, self._out) > enough

    def step(self):
        """Do what is due now and return whether the board has an address."""
        since = time.ticks_diff(time.ticks_ms(), self._asked)
        if self._leaving:
            if since >= _LEAVE:
                self._ask()
            return False
        if self._wlan.isconnected():
            if not self.connected:
                self.connected = True
                self._patience = self._timeout
                self._told = None
                print("wifi: connected %s %s" % (self.ssid, self._wlan.ifconfig()[0]))
            return True
        status = self._wlan.status()
        if self.connected:
            self.connected = False
            self.losses += 1
            self._asked = self._out = time.ticks_ms()
            print("wifi: lost %s" % self.ssid)
            return False
        self._look()
        if since > self._patience:
            self._patience = min(2 * self._patience, max(_PATIENCE_MOST, self._timeout))
            self._tell(status)
            self._leave()
        elif since > _HINT or status not in (network.STAT_CONNECTING, network.STAT_IDLE):
            self._tell(status)
        return False

    def _tell(self, status):
        # IDLE is CONNECTING after a disconnect() on ESP32; the ways out of it are the same.
        if status == network.STAT_IDLE:
            status = network.STAT_CONNECTING
        associated = status == network.STAT_CONNECTING and self._is_in()
        if self._told != (status, associated):
            self._told = (status, associated)
            print("wifi: " + reason(self.ssid, status, associated))


# The BPI:bit tutorials' functions. -------------------------------------------------


def __getattr__(name):
    # `wifi.wlan` is the station interface; looked up only when asked for, since making it
    # starts the radio.
    if name == "wlan":
        return _station()
    raise AttributeError(name)


def _credentials():
    from device import config

    try:
        values, problems = config.read()
        if values:
            return values["wifi"]["ssid"], values["wifi"].get("password", "")
    except OSError:
        problems = ["%s is missing" % config.PATH]
    try:
        import wifi_cfg

        return wifi_cfg.WIFI_SSID, wifi_cfg.WIFI_PSWD
    except (ImportError, AttributeError):
        raise OSError("no Wi-Fi credentials: " + "; ".join(problems))


def _hidden_hint():
    # A hidden network is joined like any other, but only a scan, 2 s long, shows that one is near.
    wlan = _station()
    if wlan.status() != network.STAT_NO_AP_FOUND or all(entry[0] for entry in wlan.scan()):
        return ""
    return "; a hidden network is near: its name must be given exactly"


def connect(ssid, password="", timeout=30):
    """Join a network, hidden or not, and wait for an address, at most `timeout` seconds.

    Raises OSError with the reason: wrong password, no such network, no address.
    """
    wifi = WiFi(ssid, password)
    wifi.start()
    deadline = time.ticks_add(time.ticks_ms(), timeout * 1000)
    while not wifi.step():
        if time.ticks_diff(deadline, time.ticks_ms()) <= 0:
            raise OSError(wifi.reason() + _hidden_hint())
        time.sleep_ms(50)


def start(timeout=30):
    """Join the network of /config.json or wifi_cfg.py and wait for an address.

    At most `timeout` seconds; raises OSError with the reason. Returns at once if the board is
    connected already.
    """
    if not isconnected():
        ssid, password = _credentials()
        connect(ssid, password, timeout)


ready = start


def try_connect():
    """Begin to join the network of /config.json or wifi_cfg.py; do not wait."""
    WiFi(*_credentials()).start()


def disconnect():
    """Leave the network; the radio stays on."""
    _station().disconnect()


def close():
    """Leave the network and switch the radio off."""
    wlan = _station()
    if wlan.active():
        wlan.disconnect()
    wlan.active(False)


def isconnected():
    """Return whether the board has an address."""
    return _station().isconnected()


def ifconfig():
    """Return (address, netmask, gateway, name server), each "0.0.0.0" while there is none."""
    return _station().ifconfig()
