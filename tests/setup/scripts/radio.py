# The radio in set-up, with one in its place that does as it is told, and a clock that the script moves on.
import network
import time
import timers
import wifi
from device.setup import radio


class Clock:
    now = 1000

    def ticks_ms(self):
        return self.now

    ticks_diff = staticmethod(time.ticks_diff)
    ticks_add = staticmethod(time.ticks_add)


clock = radio.time = wifi.time = timers.time = Clock()


class Interface:
    # The station, or the access point.

    def __init__(self, air, is_station):
        self.air = air
        self.is_station = is_station
        self.is_active = self.is_associated = self.has_address = False
        self.is_strict = False  # about settings while it is off, as behind a soft reset
        self.settings = {}
        self.points = ()
        self.result = network.STAT_CONNECTING

    def active(self, *on):
        if on:
            self.is_active = on[0]
            self.tell()
        return self.is_active

    def config(self, **settings):
        if self.is_strict and not self.is_active:
            raise OSError("Wifi Invalid Mode")
        self.settings.update(settings)
        self.tell()

    def tell(self):
        if self.is_active and not self.is_station:
            self.air.append(self.settings.copy())

    def ifconfig(self, *settings):
        self.address = settings[0][0] if settings else None

    def isconnected(self):
        return self.has_address

    def status(self, *query):
        if query and not self.is_associated:
            raise OSError("Wifi Not Connected")
        return self.result

    def connect(self, ssid, key):
        pass

    def disconnect(self):
        pass

    def scan(self):
        return self.points


class Wlans:
    # In the place of network.WLAN.
    IF_STA = network.WLAN.IF_STA
    IF_AP = network.WLAN.IF_AP
    SEC_WPA2 = network.WLAN.SEC_WPA2

    def __call__(self, interface):
        return station if interface == self.IF_STA else access_point


class Network:
    WLAN = Wlans()

    def hostname(self, name):
        pass

    def __getattr__(self, name):
        return getattr(network, name)


class Os:
    # Random numbers are none before the radio is on (ESP-IDF's "Random Number Generation").
    count = 0

    def urandom(self, count):
        if not (station.is_active or access_point.is_active):
            return bytes(count)
        self.count += 1
        return bytes([self.count] * count)


radio.network = Network()
radio.os = Os()


def plug_in():
    global air, station, access_point
    air = []  # what of the access point was on the air
    station = Interface(air, True)
    access_point = Interface(air, False)


# The access point: each time another key, drawn while the radio is on; never open, but for the moment in
# which a radio that was a station before cannot be set otherwise.
for is_strict in (False, True):
    plug_in()
    access_point.is_strict = is_strict
    own = radio.AccessPoint("lamp", b"\x00\x00\x00\xab\xcd\x05")
    own.configure()
    assert access_point.address == "4.3.2.1" and not access_point.is_active
    assert len(air) == (2 if is_strict else 0), air
    air.clear()
    station.active(True)
    station.active(False)
    keys = []
    for _ in range(3):
        own.open()
        assert access_point.is_active and air[-1]["key"] == own.key != "0" * 10
        keys.append(own.key)
        own.close()
    assert len(set(keys)) == 3 and all(len(key) == 10 and key.isdigit() for key in keys), keys
    for settings in air:
        assert settings["ssid"] == own.name == "lamp-abcd05"
        assert settings["security"] == network.WLAN.SEC_WPA2 and len(settings["key"]) == 10
        assert settings["max_clients"] == 2 and settings["channel"] == 11
for last, channel in ((0, 1), (1, 6), (2, 11), (255, 1)):
    plug_in()
    own = radio.AccessPoint("lamp", bytes(5) + bytes((last,)))
    own.configure()
    assert access_point.settings["channel"] == channel

# The list: names that config.json can hold, strongest first, each once; what each asks for.
plug_in()
station.points = [
    (name, b"\x02" * 6, 1, rssi, mode, False)
    for name, rssi, mode in (
        (b"weak", -80, 3),
        (b"\xcd\xf8\xc2\xe7", -30, 3),  # GBK
        (b"", -20, 3),
        ("\u7f51\u7edc".encode(), -50, 7),
        (b"weak", -70, 0),
        (b"owe", -71, 9),
        (b"wpa2 enterprise", -72, 5),
        (b"wpa3 enterprise 192", -73, 10),
        (b"wpa3 enterprise", -74, 14),
        (b"wpa2 wpa3 enterprise", -75, 15),
    )
]
found = radio.Station().search()
assert not station.is_active
assert found == [
    ("\u7f51\u7edc", -50, 1),
    ("weak", -70, 0),
    ("owe", -71, 0),
    ("wpa2 enterprise", -72, 2),
    ("wpa3 enterprise 192", -73, 2),
    ("wpa3 enterprise", -74, 2),
    ("wpa2 wpa3 enterprise", -75, 2),
], found
station.points *= 9
assert radio.Station().search() == found


def attempt(*changes):
    # Return how a try ends and after how many seconds; changes: (seconds, attribute of the station, value).
    plug_in()
    tried = radio.Station()
    tried.begin("class", "12345678", "lamp")
    assert station.settings["reconnects"] == 1
    begin = clock.now
    while True:
        passed = (clock.now - begin) / 1000
        for at, name, value in changes:
            if passed >= at:
                setattr(station, name, value)
        reason = tried.step()
        if reason is not None:
            return reason, passed
        clock.now += 100


# The second attempt may succeed: a school's access points turn away who knocks for the first time.
AWAY = network.STAT_NO_AP_FOUND
for early in (AWAY, network.STAT_WRONG_PASSWORD, network.STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY):
    first = (2.5, "result", early)
    assert attempt(first, (6, "is_associated", True), (12, "has_address", True)) == ("", 12)
    reason, passed = attempt(first)
    assert reason == wifi.reason("class", early) and 5 < passed < 15, (reason, passed)
# What the radio tells after both is final.
for late in (15, 2, network.STAT_HANDSHAKE_TIMEOUT):
    reason, passed = attempt((6, "result", late))
    assert "check wifi.password" in reason and passed == 6, (reason, passed)
reason, passed = attempt((3, "is_associated", True))
assert "gives no address" in reason and 20 < passed < 25, (reason, passed)
reason, passed = attempt()
assert "does not let the board in" in reason and 20 < passed < 25, (reason, passed)
print("ok")
