# Readings: when they are told, in which form, and how often where a platform limits that.
import json
import time
from device import platforms
from device.platforms import adafruit, onenet, onenet_legacy
from device.sensors.readings import Readings


class Sensor:
    names = ("light", "sound")
    least = 5

    def __init__(self):
        self.values = (1.5, None)
        self.samples = 0

    def read(self):
        return self.values

    def sample(self):
        self.samples += 1


class Warmth:
    names = ("temperature",)
    least = 0.5
    value = 21.0

    def read(self):
        return (self.value,)


class Link:
    topics = {"sensors": b"sensors"}
    online = True

    def __init__(self):
        self.messages = []

    def is_online(self):
        return self.online

    def publish(self, topic, message, kind):
        assert kind == "readings"
        self.messages.append((topic, message))


def start(every=0, split=None, limits=None):
    global link, part, sensor, warmth, now
    link, sensor, warmth = Link(), Sensor(), Warmth()
    settings = {"telemetry": {"sensors": every}, "split": split, "limits": limits}
    part = Readings(link, settings, [sensor, warmth])
    now = time.ticks_ms()
    part.online()


def wait(seconds):
    """Return what is told in so many seconds."""
    global now
    before = len(link.messages)
    for _ in range(20 * seconds):
        now = time.ticks_add(now, 50)
        part.step(now)
    return link.messages[before:]


FIRST = ("sensors", '{"light": 1.5, "sound": null, "temperature": 21.0}')

# Four seconds after CONNACK, then every thirty, or as often as asked.
start()
assert part.describe({}) == ["light", "sound", "temperature"]
assert wait(3) == []
assert wait(1) == [FIRST]
assert sensor.samples == 80
assert wait(29) == [] and wait(1) == [FIRST]
start(every=2)
assert wait(4) == [FIRST] and wait(6) == 3 * [FIRST]

# Sooner what has changed enough, once a second at most; the thirty seconds begin again with it.
start()
wait(4)
sensor.values = (6.4, None)
assert wait(2) == []
sensor.values = (6.5, None)
assert len(wait(1)) == 1
assert wait(29) == [] and len(wait(1)) == 1
for value in (20, 40, 60, 80):
    sensor.values = (value, None)
    wait(1)
assert len(link.messages) == 7
warmth.value = 21.5
assert len(wait(1)) == 1
# What cannot be read any more, and what can again.
warmth.value = None
assert wait(1)[0][1].endswith('"temperature": null}')
assert wait(20) == []
warmth.value = 21.5
assert len(wait(1)) == 1

# Without a broker nothing, and after it everything.
link.online = False
sensor.values = (0, 0)
assert wait(60) == []
link.online = True
part.online()
assert wait(3) == [] and len(wait(1)) == 1

# Adafruit IO: a feed each, without what cannot be read; half of its 27 a minute at most.
limits = {"interval": 2200}
start(1, adafruit.split, limits)
told = [("sensors-light", "1.5"), ("sensors-temperature", "21.0")]
assert wait(4) == told
assert wait(8) == []  # two messages, each twice 2.2 s
assert wait(1) == told
sensor.values = (90, 50)
assert wait(8) == [] and len(wait(1)) == 3
assert wait(13) == [] and len(wait(1)) == 3

# OneNET: one message, a stream each.
start(1, onenet.split)
assert wait(4) == [
    ("sensors", json.dumps({"id": 1, "dp": {"light": [{"v": 1.5}], "temperature": [{"v": 21.0}]}}))
]
start(1, onenet_legacy.split)
(message,) = wait(4)
kind, length, body = message[1][0], message[1][1:3], message[1][3:]
assert kind == 1 and int.from_bytes(length, "big") == len(body)
streams = json.loads(body)["datastreams"]
assert {"id": "light", "datapoints": [{"value": 1.5}]} in streams and len(streams) == 2
print("ok")
