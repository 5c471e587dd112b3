# Effects: what they draw as time goes on; a flash and a transition end, and the lamp is as it was.
import time
from device import effects, lamp


class Leds:
    n = 3

    def __init__(self):
        self.colours = [(0, 0, 0)] * self.n
        self.level = 0.5
        self.frames = []

    def __getitem__(self, index):
        return self.colours[index]

    def __setitem__(self, index, colour):
        self.colours[index] = tuple(colour)

    def fill(self, colour):
        for index in range(self.n):
            self[index] = colour

    def brightness(self, *value):
        if not value:
            return self.level
        self.level = value[0]

    def write(self):
        self.frames.append((tuple(self.colours), self.level))


class Clock:
    """Stands still: a motion begins at this time, however long it takes to make one."""

    ticks_ms = staticmethod(lambda: 1000)
    ticks_diff = time.ticks_diff


effects.time = Clock


def play(motion, milliseconds, step=50):
    """Let time pass for a motion; return whether it goes on."""
    now = Clock.ticks_ms()
    for passed in range(step, milliseconds + 1, step):
        if not motion.step(time.ticks_add(now, passed)):
            return False
    return True


RED, BLUE, DARK = (255, 0, 0), (0, 0, 255), (0, 0, 0)
ORANGE = (255, 128, 0)

# Each effect goes on, repeats itself after its period, and is never faster than 20 frames a second.
assert tuple(sorted(effects._EFFECTS)) == tuple(sorted(lamp.EFFECTS))
for name in lamp.EFFECTS:
    leds = Leds()
    period = effects._EFFECTS[name][1]
    assert play(effects.Effect(leds, name, ORANGE), 2 * period, 10), name
    count = period // 50
    assert len(leds.frames) == 2 * count, (name, len(leds.frames))
    assert leds.frames[:count] == leds.frames[count:], name
    assert len(set(leds.frames)) > 2, name
    for colours, level in leds.frames:
        assert level == 0.5  # the lamp's
        for colour in colours:
            assert all(0 <= part <= 255 for part in colour), (name, colour)

leds = Leds()
play(effects.Effect(leds, "rainbow", ORANGE), 6000)
assert all(len(set(colours)) == 3 for colours, _ in leds.frames)  # no two LEDs alike
assert all(sum(colour) == 255 for colours, _ in leds.frames for colour in colours)

leds = Leds()
play(effects.Effect(leds, "police", ORANGE), 1200)
shown = set(colours for colours, _ in leds.frames)
assert shown == {(RED, RED, DARK), (DARK, DARK, BLUE), (DARK, DARK, DARK)}, shown

for name in ("breathe", "pulse"):
    leds = Leds()
    play(effects.Effect(leds, name, ORANGE), 4000)
    levels = [colours[0] for colours, _ in leds.frames]
    assert min(levels)[0] < 40 and max(levels)[0] > 240, name
    assert all(green <= red // 2 + 1 and not blue for red, green, blue in levels), name

# A flash: lit, dark, lit, ... for its time.
leds = Leds()
flash = effects.Flash(leds, ORANGE, 2)
assert play(flash, 1900) and not play(flash, 2100)
blinks = [colours[0] for colours, _ in leds.frames]
assert blinks[:8] == [ORANGE, DARK] * 4, blinks

# A transition begins at what is shown, whatever its brightness, and ends at its goal.
leds = Leds()
leds.fill((200, 0, 0))
leds.brightness(0.25)
move = effects.Transition(leds, 0.5, (0, 100, 0), 1)
assert leds.level == 0.5
assert play(move, 950)
greens = [colours[0][1] for colours, _ in leds.frames]
reds = [colours[0][0] for colours, _ in leds.frames]
assert len(greens) == 19 and greens == sorted(greens) and greens[-1] == 95, greens
assert reds[0] in (95, 94) and reds == sorted(reds, key=lambda red: -red), reds
assert not play(move, 1000)
assert (
    effects.Transition(leds, 0.5, DARK, 0.0001).step(time.ticks_add(Clock.ticks_ms(), 1)) is False
)


# As the lamp uses them.
class Link:
    topics = {"command": b"c", "state": b"s", "status": b"", "last": b""}


leds = Leds()
light = lamp.Lamp(Link, {"mode": "lights", "frame": None, "brightness": 50}, leds)


def run(milliseconds):
    now = Clock.ticks_ms()
    for passed in range(10, milliseconds, 10):
        light.step(time.ticks_add(now, passed))


assert light.obey(b'{"color": "orange", "effect": "breathe"}')
assert str(light) == "on #ff8000 100% breathe"
run(1000)
assert len(set(leds.frames[-20:])) > 10
assert light.obey(
    b'{"flash": 2, "color": "blue"}'
)  # stored nowhere; the effect goes on afterwards
assert str(light) == "on #ff8000 100% breathe"
run(300)
assert leds.frames[-2][0][0] == BLUE and leds.frames[-1][0][0] == DARK
run(2500)
assert leds.frames[-1][0][0] not in (BLUE, DARK)
assert light.obey(b'{"brightness": 128}') and str(light) == "on #ff8000 50% breathe"
assert light.obey(b"off") and str(light) == "off" and leds.frames[-1][0][0] == DARK
count = len(leds.frames)
run(1000)
assert len(leds.frames) == count
assert light.obey(b"on") and str(light) == "on #ff8000 50%"  # off ends an effect
assert light.obey(b"Rainbow") and str(light) == "on #ff8000 50% rainbow"
assert light.obey(b"#0000ff") and str(light) == "on #0000ff 50%"  # and so does a colour
assert light.obey(b'{"effect": "police"}') and light.obey(b'{"effect": "off"}')
assert light.obey(b'{"effect": "police"}') and light.obey(b'{"effect": null}')
assert str(light) == "on #0000ff 50%"
assert light.obey(b'{"state": "OFF", "flash": 10}') and str(light) == "on #0000ff 50%"

assert light.obey(b"on") and light.obey(b'{"state": "OFF", "transition": 1.5}')
assert str(light) == "off"  # it is said at once
count = len(leds.frames)
run(1400)
blues = [colours[0][2] for colours, _ in leds.frames[count:]]
assert len(blues) > 20 and blues == sorted(blues, key=lambda blue: -blue) and blues[-1] > 0, blues
run(1600)
assert leds.frames[-1][0][0] == DARK
assert light.obey(b'{"state": "ON", "transition": 3.0}') and str(light) == "on #0000ff 50%"

before = str(light), len(leds.frames)
for payload in (
    b'{"effect": "disco"}',
    b'{"effect": 1}',
    b'{"flash": -1}',
    b'{"flash": true}',
    b'{"flash": "short"}',
    b'{"transition": -0.5}',
    b'{"transition": 3601}',
    b'{"transition": null}',
):
    assert not light.obey(payload), payload
    assert (str(light), len(leds.frames)) == before, payload
print("ok")
