# What light and display say in each state, by a clock that the script moves on.
import time
from device.setup import lights, program

NAMES = {
    (0, 0, 0): "dark",
    (0, 120, 120): "cyan",
    (0, 0, 255): "blue",
    (255, 0, 0): "red",
    (0, 255, 0): "green",
    (255, 255, 255): "white",
}


class Clock:
    now = 1000

    def ticks_ms(self):
        return self.now

    ticks_diff = staticmethod(time.ticks_diff)
    ticks_add = staticmethod(time.ticks_add)


class Strip:
    shown = None

    def cover(self, colour):
        self.shown = NAMES[colour]

    def write(self):
        pass


class Screen:
    lines = ()
    steps = 0

    def invite(self, *lines):
        self.lines = lines

    def show(self, *lines):
        self.lines = lines

    def step(self):
        self.steps += 1


class Worker:
    # In the place of the server and what else has steps.

    def __init__(self, has_work=False):
        self.has_work = has_work

    def step(self, ms=0):
        return self.has_work


clock = lights.time = program.time = Clock()
setup = program.Setup()
setup._lights._leds = strip = Strip()
setup._screen = screen = Screen()
setup._values = {"wifi": {"ssid": "classroom"}}
setup._address, setup._page_key = "10.0.0.2", "abcdefgh"


def watch(seconds):
    # Return the colours of that time, each with its tenths of a second.
    runs = []
    for _ in range(seconds * 10):
        setup._lights.step()
        if not runs or runs[-1][0] != strip.shown:
            runs.append([strip.shown, 0])
        runs[-1][1] += 1
        clock.now += 100
    return [tuple(run) for run in runs]


def enter(state, has_guest=False):
    setup._has_guest = has_guest
    setup._enter(state)
    return watch(2)


setup._lights.show("searching")
assert watch(2) == [("cyan", 20)]
assert enter("open") == [("cyan", 5), ("dark", 5)] * 2  # once a second
assert screen.lines == (setup.name, setup._access_point.key, "4.3.2.1")
assert enter("open", has_guest=True) == [("cyan", 20)]
assert screen.lines == ("open", "http://", "4.3.2.1")
blue = enter("trying")
assert {run[0] for run in blue} == {"blue", "dark"} and len(blue) == 8, blue  # twice a second
assert screen.lines == ("trying", "classroom")
assert enter("done") == [("green", 20)]
assert screen.lines == ("done", "10.0.0.2")
assert enter("closed") == [("red", 20)]
assert screen.lines == ("press B",)
assert enter("cable") == [("cyan", 20)]
assert screen.lines == ("set-up", "by cable")
assert enter("joined") == [("cyan", 20)]
assert screen.lines == ("open", "http://", "10.0.0.2", "/?k=abcdefgh")

# A failed try: red three times, then as before, wherever it was tried from.
for home, after, lines in (("open", "cyan", "4.3.2.1"), ("closed", "red", "press B")):
    setup._home, setup._reason, setup._has_guest = home, "no", True
    setup._enter(home)
    red = watch(1)
    assert screen.lines == ("no success", "see the page")
    clock.now += 500
    setup._show()
    red += watch(1)
    assert red[:4] == [("red", 3), ("dark", 2), ("red", 3), ("dark", 2)], red
    assert red[-1] == (after, 10) and screen.lines[-1] == lines, red

# Blink goes before every state.
setup._lights.blink()
white = watch(6)
assert {run[0] for run in white[:-1]} == {"white", "dark"} and white[-1] == ("red", 10), white
# The display waits while an answer or a network is worked at: a step does a piece of one of them.
setup._names = setup._serial = Worker()
for setup._server, setup._improv, steps in (
    (Worker(True), Worker(), 0),
    (Worker(), Worker(True), 0),
    (Worker(), Worker(), 1),
):
    screen.steps = 0
    setup.step()
    assert screen.steps == steps
print("ok")
