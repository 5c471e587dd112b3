# Motion: which events movements make, and when.
import time
from device.sensors import motion
from device.sensors.accelerometer import G

UP, DOWN = (0, 0, -1), (0, 0, 1)
LEFT, RIGHT, STANDING = (0, 1, 0), (0, -1, 0), (1, 0, 0)


class Accelerometer:
    axes = [0, 0, 0]
    answers = True

    def measure(self):
        return self.answers


class Link:
    topics = {"motion": b"motion"}
    online = True

    def __init__(self):
        self.events = []

    def is_online(self):
        return self.online

    def publish(self, topic, message):
        assert topic == b"motion"
        kind, event = message.split(b": ")
        assert kind == b'{"event_type"' and event[-1:] == b"}"
        self.events.append(event[1:-2].decode())


now = time.ticks_ms()


def start():
    global link, part, chip
    link, chip = Link(), Accelerometer()
    part = motion.Motion(link, chip)
    hold(UP, 1000)
    assert link.events == []  # how it lay at the start is no movement


def hold(axes, ms, every=50):
    """Hold it so, and return the events of that time."""
    global now
    before = len(link.events)
    chip.axes = [int(G * axis) for axis in axes]
    for _ in range(0, ms, every):
        now = time.ticks_add(now, every)
        part.step(now)
    return link.events[before:]


start()
assert hold(DOWN, 250) == []
assert hold(DOWN, 250) == ["face_down"]
assert hold(DOWN, 5000) == []
assert hold(LEFT, 500) == ["tilt_left"]
assert hold(RIGHT, 500) == ["tilt_right"]
assert hold(STANDING, 500) == []
assert hold(RIGHT, 500) == ["tilt_right"]  # it was not so any more
assert hold(UP, 500) == ["face_up"]
assert part.describe({}) == ("motion",)

# Half-way it stays what it was, so that a trembling hand tells nothing.
for _ in range(10):
    assert hold((0, 0.75, -0.66), 500) == []
    assert hold((0, 0.6, -0.8), 500) == []
assert link.events.count("tilt_left") == 1
hold(UP, 500)

# Two swings are a knock, three a shake; and shaken on, it is told once a second or so.
start()
there, back = (2, 0, -1), (-2, 0, -1)
assert hold(there, 50) + hold(back, 50) + hold(UP, 2000) == []
assert hold(there, 50) + hold(back, 50) + hold(there, 50) == ["shake"]
hold(UP, 2000)
events = [event for _ in range(40) for event in hold(there, 50) + hold(back, 50)]
assert 2 <= events.count("shake") <= 5 and set(events) == {"shake"}, events
hold(UP, 2000)
assert hold(there, 5000) == []  # a long push
assert hold((0, 1.3, -1.3), 200) == []  # and what is not strong enough

# Nothing is told that happens without a broker, nor of a chip that does not answer.
start()
link.online = False
assert hold(DOWN, 1000) == []
link.online = True
assert hold(DOWN, 1000) == []
chip.answers = False
assert hold(UP, 1000) == []
chip.answers = True
assert hold(UP, 1000) == ["face_up"]
print("ok")
