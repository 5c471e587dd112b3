# Has the lamp obey every payload of a file (hexadecimal, one a line) and prints what became of it:
# whether it was understood, whether the lamp is on, its colour, its brightness, LED writes so far.
import sys
from device.lamp import Lamp


class Leds:
    def __init__(self):
        self.writes = 0

    def brightness(self, value):
        assert 0 <= value <= 0.5, value

    def fill(self, colour):
        assert len(colour) == 3 and all(0 <= part <= 255 for part in colour), colour

    def write(self):
        self.writes += 1


class Link:
    topics = {"command": b"c", "state": b"s", "status": b"", "last": b""}


leds = Leds()
lamp = Lamp(Link(), {"mode": "lights", "frame": None, "brightness": 50}, leds)
with open(sys.argv[1]) as file:
    for line in file:
        understood = lamp.obey(bytes.fromhex(line.strip()))
        print(
            int(understood), int(lamp.is_on()), *lamp.colour(), lamp.brightness(), leds.writes
        )  # fmt: skip
print("ok")
