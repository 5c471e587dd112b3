"""The first LED while set-up runs: what state it is in."""

import rgb
import time
from micropython import const

_BLINK_TIME = const(5000)  # ms
_BLINK_HALF = const(250)

_WHITE_COLOUR = (255, 255, 255)
_WAITING_COLOUR = (0, 120, 120)
_TRYING_COLOUR = (0, 0, 255)
_FAILED_COLOUR = (255, 0, 0)
_DONE_COLOUR = (0, 255, 0)
_DARK = (0, 0, 0)

# What is shown by its name: (colour, half of its blinking in ms; 0 is steady).
_PATTERNS = {
    "searching": (_WAITING_COLOUR, 0),
    "open": (_WAITING_COLOUR, 500),
    "guest": (_WAITING_COLOUR, 0),
    "trying": (_TRYING_COLOUR, 250),
    "failed": (_FAILED_COLOUR, 250),
    "done": (_DONE_COLOUR, 0),
    "closed": (_FAILED_COLOUR, 0),
}


class Lights:
    """Covers the first LED; everything else on the strip stays as it is drawn."""

    def __init__(self):
        self._leds = rgb.leds()
        self._pattern = _PATTERNS["searching"]
        self._begin = time.ticks_ms()
        self._blink_begin = None  # ticks_ms, while the board is to be found among others
        self._shown = _DARK

    def show(self, name):
        """Show a state from now on, or go on showing it."""
        pattern = _PATTERNS[name]
        if pattern is not self._pattern:
            self._pattern = pattern
            self._begin = time.ticks_ms()
        self.step()

    def blink(self):
        """Blink white for 5 s, so that a person sees which of many boards it is."""
        self._blink_begin = time.ticks_ms()

    def _colour(self, now):
        if self._blink_begin is not None:
            passed = time.ticks_diff(now, self._blink_begin)
            if 0 <= passed < _BLINK_TIME:
                return _DARK if passed // _BLINK_HALF % 2 else _WHITE_COLOUR
            self._blink_begin = None
        colour, half = self._pattern
        if half and time.ticks_diff(now, self._begin) // half % 2:
            return _DARK
        return colour

    def close(self):
        """Show what is drawn on the LED."""
        self._leds.cover(None)
        self._leds.write()

    def step(self):
        """Draw what is due; writes to the LEDs only if it changes."""
        colour = self._colour(time.ticks_ms())
        if colour is not self._shown:
            self._shown = colour
            self._leds.cover(colour)
            self._leds.write()
