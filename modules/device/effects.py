"""What moves on the lamp: effects, a flash, a transition.

Each is an object whose step(now), with ticks_ms, draws what is due and returns whether it goes on.
They draw at most 20 frames a second: the loop waits up to 50 ms for the network. The brightness
of the LEDs is the lamp's, but for a transition, which changes it.
"""

import time
from micropython import const

_FRAME = const(50)  # ms
_BLINK_HALF = const(250)  # ms, lit or dark

_RED = (255, 0, 0)
_BLUE = (0, 0, 255)
_DARK = (0, 0, 0)


def _wheel(position):
    # The colour at a place of 0 to 255 on the wheel red, green, blue.
    position &= 255
    third, rest = divmod(position, 86)
    rise = rest * 3
    if third == 0:
        return 255 - rise, rise, 0
    if third == 1:
        return 0, 255 - rise, rise
    return rise, 0, 255 - rise


def _fill(leds, colour, level):
    red, green, blue = colour
    leds.fill((red * level >> 8, green * level >> 8, blue * level >> 8))


# How an effect looks at a phase of 0 to 255, in the lamp's colour where it has none of its own.


def _rainbow(leds, phase, colour):
    for index in range(leds.n):
        leds[index] = _wheel(phase + index * 256 // leds.n)


def _breathe(leds, phase, colour):
    rise = phase if phase < 128 else 255 - phase
    _fill(leds, colour, 4 + (rise * rise >> 6))


def _police(leds, phase, colour):
    # Two flashes of red on one half, then two of blue on the other.
    lit = phase & 32 == 0
    for index in range(leds.n):
        is_first_half = index * 2 < leds.n
        if phase < 128:
            leds[index] = _RED if lit and is_first_half else _DARK
        else:
            leds[index] = _BLUE if lit and not is_first_half else _DARK


def _pulse(leds, phase, colour):
    # Two beats, as of a heart, then a rest.
    beat = phase if phase < 64 else phase - 64
    _fill(leds, colour, max(24, 256 - beat * 4) if phase < 128 else 24)


_EFFECTS = {  # name -> how it looks, and its period in ms
    "rainbow": (_rainbow, 6000),
    "breathe": (_breathe, 4000),
    "police": (_police, 1200),
    "pulse": (_pulse, 1500),
}


class Effect:
    """An effect by its name, which goes on until something else is shown."""

    def __init__(self, leds, name, colour):
        self._leds = leds
        self._colour = colour
        self._draw, self._period = _EFFECTS[name]
        self._passed = 0  # ms since the period began
        self._last = time.ticks_ms()

    def step(self, now):
        since = time.ticks_diff(now, self._last)
        if since >= _FRAME:
            self._last = now
            self._passed = (self._passed + since) % self._period
            self._draw(self._leds, self._passed * 256 // self._period, self._colour)
            self._leds.write()
        return True


class Flash:
    """Blinks in a colour for some seconds."""

    def __init__(self, leds, colour, seconds):
        self._leds = leds
        self._colour = colour
        self._duration = int(seconds * 1000)
        self._begin = time.ticks_ms()
        self._is_lit = None

    def step(self, now):
        passed = time.ticks_diff(now, self._begin)
        is_lit = passed // _BLINK_HALF % 2 == 0
        if is_lit != self._is_lit:
            self._is_lit = is_lit
            self._leds.fill(self._colour if is_lit else _DARK)
            self._leds.write()
        return passed < self._duration


class Transition:
    """Goes from what the first LED shows to a colour, at the brightness `most`, in some seconds."""

    def __init__(self, leds, most, goal, seconds):
        self._leds = leds
        self._goal = goal
        self._duration = max(1, int(seconds * 1000))
        self._begin = self._last = time.ticks_ms()
        scale = leds.brightness() / most
        self._start = [int(part * scale) for part in leds[0]]
        leds.brightness(most)

    def step(self, now):
        passed = time.ticks_diff(now, self._begin)
        if passed >= self._duration:
            return False
        if time.ticks_diff(now, self._last) >= _FRAME:
            self._last = now
            pairs = zip(self._start, self._goal)
            self._leds.fill([a + (b - a) * passed // self._duration for a, b in pairs])
            self._leds.write()
        return True
