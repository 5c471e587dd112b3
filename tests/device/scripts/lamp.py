# Lamp: every payload that is understood, and that the others change nothing; what programs order.
import json
from device.lamp import Lamp


class Leds:
    def __init__(self):
        self.sent = []

    def brightness(self, value):
        self.value = value

    def fill(self, colour):
        self.colour = colour

    def write(self):
        self.sent.append((self.colour, self.value))


class Link:
    topics = {"command": b"c", "state": b"s", "status": b"", "last": b"", "button": b"b"}
    topics.update(touch=b"t", sensors=b"r", update=b"")

    def __init__(self):
        self.online = True
        self.published = []

    def is_online(self):
        return self.online

    def publish(self, topic, message, retain, qos):
        assert (topic, retain, qos) == (b"s", True, 1)
        self.published.append(json.loads(message))


leds = Leds()
link = Link()
lamp = Lamp(link, {"mode": "lights", "frame": None, "brightness": 50}, leds)
assert str(lamp) == "off"


def setting():
    return lamp.is_on(), lamp.colour(), lamp.brightness()


for payload, colour, percent in (
    (b"on", (255, 255, 255), 100),
    (b" ON\n", (255, 255, 255), 100),
    (b"#ff8000", (255, 128, 0), 100),
    (b"#FF8000", (255, 128, 0), 100),
    (b"255,128,0", (255, 128, 0), 100),
    (b"1, 2, 3", (1, 2, 3), 100),
    (b"40%", (1, 2, 3), 40),
    (b"on", (1, 2, 3), 40),
    (b'{"state": "ON", "color": {"r": 9, "g": 8, "b": 7}, "brightness": 255}', (9, 8, 7), 100),
    (b'{"brightness": 51}', (9, 8, 7), 20),
    (b"#f80", (255, 136, 0), 20),
    (b"Orange", (255, 128, 0), 20),
    (b'{"color": "red"}', (255, 0, 0), 20),
    (b'{"color": "#090807"}', (9, 8, 7), 20),
):
    assert lamp.obey(payload), payload
    assert setting() == (True, colour, percent), payload
    assert leds.sent[-1] == (colour, 0.5 * percent / 100), leds.sent[-1]

assert str(lamp) == "on #090807 20%"
state = json.loads(lamp.state())
assert state == {
    "state": "ON",
    "color_mode": "rgb",
    "color": {"r": 9, "g": 8, "b": 7},
    "brightness": 51,
    "effect": None,
}

assert lamp.obey(b"off") and leds.sent[-1][0] == (0, 0, 0)
assert lamp.obey(b'{"state": "on"}') and str(lamp) == "on #090807 20%"

# Every brightness comes back as it was given, and every percent.
for brightness in range(1, 256):
    assert lamp.obey(b'{"brightness": %d}' % brightness)
    assert json.loads(lamp.state())["brightness"] == brightness
    assert leds.sent[-1][1] == 0.5 * brightness / 255
for percent in range(1, 101):
    assert lamp.obey(b"%d%%" % percent) and setting()[2] == percent
assert lamp.obey(b"20%")

# Dark is off, and what was set before comes back.
for payload in (b"0%", b"0,0,0", b"#000000", b'{"brightness": 0}', b'{"color": "#000"}'):
    assert lamp.obey(b"on")
    assert lamp.obey(payload), payload
    assert setting() == (False, (9, 8, 7), 20), payload
    assert json.loads(lamp.state())["state"] == "OFF"
assert lamp.obey(b"toggle") and setting() == (True, (9, 8, 7), 20)
assert lamp.obey(b"TOGGLE") and setting() == (False, (9, 8, 7), 20)
assert lamp.obey(b"on")

before = setting() + (len(leds.sent),)
for payload in (
    b"",
    b"reddish",
    b"#f8",
    b'{"color": "reddish"}',
    b'{"color": ""}',
    b"onn",
    b"#ff800",
    b"#ff80000",
    b"#-12345",
    b"#+12345",
    b"#gg0000",
    b"#_f8000",  # found by tests/device/faults: Python's int() takes more than digits
    b"# f8000",
    b"1,_2,3",
    b"+1,2,3",
    b"-0%",
    b'{"brightness"::51}',  # and MicroPython's json more than JSON
    b'{"brightness" 51}',
    b'{"brightness": 51,}',
    b'{"state": "ON", "color": {"r": 9, "g": 8, "b": 7}',
    b"256,0,0",
    b"-1,0,0",
    b"1,2",
    b"1,2,3,4",
    b"101%",
    b" " * 1024 + b"on",
    b"%",
    b"\xff\xfe",
    b"{",
    b"[]",
    b"{}x",
    b'{"state": "maybe"}',
    b'{"state": 1}',
    b'{"color": {"r": 1, "g": 2}}',
    b'{"color": [1, 2, 3]}',
    b'{"color": {"r": true, "g": 2, "b": 3}}',
    b'{"brightness": 256}',
    b'{"brightness": "7"}',
    b'{"state": "OFF", "brightness": -1}',
):
    assert not lamp.obey(payload), payload
    assert setting() + (len(leds.sent),) == before, payload

# The methods are for /handlers.py: what they change is published like what a command changes.
assert link.published == []  # obey() alone is not
lamp.off()
assert not lamp.is_on() and leds.sent[-1][0] == (0, 0, 0)
lamp.colour(1, 2, 3)
assert setting() == (True, (1, 2, 3), 20) and leds.sent[-1] == ((1, 2, 3), 0.5 * 20 / 100)
lamp.brightness(0)
assert not lamp.is_on() and lamp.brightness() == 20
link.published.pop()
lamp.brightness(100)
lamp.colour((4, 5, 6))
lamp.off()
lamp.on()
assert setting() == (True, (4, 5, 6), 100)
states = [(each["state"], each["color"]["b"], each["brightness"]) for each in link.published]
assert states == [
    ("OFF", 7, 51),
    ("ON", 3, 51),
    ("ON", 3, 255),
    ("ON", 6, 255),
    ("OFF", 6, 255),
    ("ON", 6, 255),
]
lamp.on()
assert len(link.published) == 6  # nothing has changed
link.online = False
lamp.off()
assert len(link.published) == 6  # online() will tell
lamp.online()
assert link.published[6]["state"] == "OFF"

# What the board tells of itself orders nothing, where a wide command topic brings it back.
follow = lamp.filters()[0][1]
before = setting()
for topic in (b"b/a", b"t", b"r", b"s"):
    follow(topic, b'{"event_type": "press"}')
    assert setting() == before, topic
follow(b"b", b"on")
assert lamp.is_on()

before = setting()
for wrong in (
    lambda: lamp.colour(256, 0, 0),
    lambda: lamp.colour(-1, 0, 0),
    lambda: lamp.colour(0.5, 0, 0),
    lambda: lamp.colour((1, 2)),
    lambda: lamp.brightness(101),
    lambda: lamp.brightness(-1),
    lambda: lamp.brightness(True),
):
    try:
        wrong()
        assert False
    except ValueError:
        assert setting() == before
print("ok")
