# lights: every payload that is understood, and that the others change nothing.
import json
from device.lights import Lights


class Leds:
    def __init__(self):
        self.sent = []

    def brightness(self, value):
        self.value = value

    def fill(self, colour):
        self.colour = colour

    def write(self):
        self.sent.append((self.colour, self.value))


leds = Leds()
lights = Lights(leds, 0.5)
assert str(lights) == "off"

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
):
    assert lights.obey(payload), payload
    assert (lights.on, lights.colour, lights.brightness) == (True, colour, percent), payload
    assert leds.sent[-1] == (colour, 0.5 * percent / 100), leds.sent[-1]

assert str(lights) == "on #090807 20%"
state = json.loads(lights.state())
assert state == {"state": "ON", "color": {"r": 9, "g": 8, "b": 7}, "brightness": 51}

assert lights.obey(b"off") and leds.sent[-1][0] == (0, 0, 0)
assert lights.obey(b'{"state": "on"}') and str(lights) == "on #090807 20%"

before = (lights.on, lights.colour, lights.brightness, len(leds.sent))
for payload in (
    b"",
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
    assert not lights.obey(payload), payload
    assert (lights.on, lights.colour, lights.brightness, len(leds.sent)) == before, payload
print("ok")
