"""What the buttons do, as messages: press, release, long press, double press.

The buttons are asked on each loop, at least every 50 ms: an interrupt would be taken away by a
program of the user's that has a handler of its own at the pin. A press that is shorter than that
may be missed.
"""

import time
from machine import Pin
from micropython import const

_SETTLE = const(20)  # ms in which contacts may bounce
_LONG = const(800)  # ms down
_DOUBLE = const(400)  # ms from one press to the next

_PRESS = b'{"event_type": "press"}'
_RELEASE = b'{"event_type": "release"}'
_LONG_PRESS = b'{"event_type": "long_press"}'
_DOUBLE_PRESS = b'{"event_type": "double_press"}'


class _Button:
    def __init__(self, pin):
        self._pin = Pin(pin, Pin.IN)  # both boards have the pull resistor outside
        self._is_down = False
        self._changed_at = self._pressed_at = time.ticks_ms()
        self._is_long = True  # or not pressed at all
        self._is_double = True  # the next press is a first one

    def events(self, now):
        """Return the payloads of what has happened since the last call."""
        since = time.ticks_diff(now, self._changed_at)
        is_down = not self._pin.value()
        if is_down == self._is_down or since < _SETTLE:
            if not self._is_long and is_down and since >= _LONG:
                self._is_long = True
                return (_LONG_PRESS,)
            return ()
        self._is_down = is_down
        self._changed_at = now
        if not is_down:
            self._is_long = True
            return (_RELEASE,)
        self._is_long = False
        if not self._is_double and time.ticks_diff(now, self._pressed_at) <= _DOUBLE:
            self._is_double = True
            return (_PRESS, _DOUBLE_PRESS)
        self._is_double = False
        self._pressed_at = now
        return (_PRESS,)


class Buttons:
    """The part that tells of the buttons on `topics.button`, while the broker is there."""

    has = ("buttons",)

    def __init__(self, link):
        self._link = link
        self._buttons = [
            (letter, link.topics["button"] + b"/" + letter, _Button(name))
            for letter, name in ((b"a", "BUTTON_A"), (b"b", "BUTTON_B"))
            if hasattr(Pin.board, name)
        ]

    def describe(self, settings):
        keys = ("a", "b", "as", "al", "bs", "bl") if settings["triggers"] else ("a", "b")
        letters = [letter.decode() for letter, _, _ in self._buttons]
        return [key for key in keys if key[0] in letters]

    def step(self, now):
        for _, topic, button in self._buttons:
            for event in button.events(now):
                if self._link.is_online():
                    self._link.publish(topic, event, qos=1)
