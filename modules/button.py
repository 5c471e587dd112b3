"""A push button with the events and counters that labplus's and BPI:bit's programs use."""

import time
from machine import Pin
from micropython import const

# How long contacts may bounce. Milliseconds.
_SETTLE = const(10)

MAX_PRESSES = const(100)

# The ESP32's GPIO34 to 39 have no pull resistors of their own; the boards have them outside.
_LAST_WITH_PULL = const(33)


class Presses:
    """What can be pressed, a button or a touch pad, and what was pressed since it was asked."""

    def __init__(self, is_down):
        self._is_down = is_down
        self.reset()

    def _note(self, is_down):
        # Count a change; return whether there was one.
        if is_down == self._is_down:
            return False
        self._is_down = is_down
        if is_down:
            self._was_pressed = True
            self._presses = min(self._presses + 1, MAX_PRESSES)
        return True

    def was_pressed(self):
        """Return whether it went down since this was asked last."""
        was_pressed = self._was_pressed
        self._was_pressed = False
        return was_pressed

    def get_presses(self):
        """Return how often it went down since this was asked last, 100 at most."""
        presses = self._presses
        self._presses = 0
        return presses

    def reset(self):
        """Forget what was pressed."""
        self._was_pressed = False
        self._presses = 0


class Button(Presses):
    """The button at GPIO `pin_num`, which reads 0 while it is down, or 1 with `reverse`.

    Instead of a number it may be given a Pin that is an input already, with the pull it needs.
    `event_pressed` and `event_released` may be set to functions; they are called with the Pin,
    between two bytecodes of the main program or while it waits, and should return soon. Each
    change costs 10 ms there, in which the contacts settle. A press that begins and ends while
    such a function runs is not counted.
    """

    def __init__(self, pin_num, reverse=False):
        self.event_pressed = None
        self.event_released = None
        self._level = 1 if reverse else 0
        if isinstance(pin_num, Pin):
            self._pin = pin_num
        elif pin_num > _LAST_WITH_PULL:
            self._pin = Pin(pin_num, Pin.IN)
        else:
            self._pin = Pin(pin_num, Pin.IN, Pin.PULL_DOWN if reverse else Pin.PULL_UP)
        super().__init__(self.is_pressed())
        self._pin.irq(self._changed, Pin.IRQ_FALLING | Pin.IRQ_RISING)

    def _changed(self, pin):
        # What bounced is queued behind this call and finds nothing new when it is run.
        if self.is_pressed() == self._is_down:
            return
        time.sleep_ms(_SETTLE)
        if not self._note(self.is_pressed()):
            return
        event = self.event_pressed if self._is_down else self.event_released
        if event is not None:
            event(pin)

    def is_pressed(self):
        """Return whether the button is down now."""
        return self._pin.value() == self._level

    def value(self):
        """Return the pin's level, 0 or 1."""
        return self._pin.value()

    def status(self):
        """Return 1 while the button is down, else 0."""
        return 1 if self.is_pressed() else 0

    def irq(self, *args, **kwargs):
        """Take over the pin's interrupt, as Pin.irq; events and counters end with that."""
        return self._pin.irq(*args, **kwargs)

    def close(self):
        """End events and counters; the level can still be read."""
        self._pin.irq(None)
