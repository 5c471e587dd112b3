"""A push button with the events and counters that labplus's and BPI:bit's programs use."""

import time
from machine import Pin
from micropython import const

# How long contacts may bounce. Milliseconds.
_SETTLE = const(10)

_PRESSES_MOST = const(100)

# GPIO34 to 39 have no pull resistors of their own; the boards have them outside.
_LAST_WITH_PULL = const(33)


class Button:
    """The button at GPIO `pin_num`, which reads 0 while it is down, or 1 with `reverse`.

    `event_pressed` and `event_released` may be set to functions; they are called with the Pin,
    between two bytecodes of the main program or while it waits, and should return soon. Each
    change costs 10 ms there, in which the contacts settle.
    """

    def __init__(self, pin_num, reverse=False):
        self.event_pressed = None
        self.event_released = None
        self._level = 1 if reverse else 0
        if pin_num > _LAST_WITH_PULL:
            self._pin = Pin(pin_num, Pin.IN)
        else:
            self._pin = Pin(pin_num, Pin.IN, Pin.PULL_DOWN if reverse else Pin.PULL_UP)
        self._down = self.is_pressed()
        self.reset()
        self._pin.irq(self._changed, Pin.IRQ_FALLING | Pin.IRQ_RISING)

    def _changed(self, pin):
        # What bounced is queued behind this call and finds nothing new when it is run.
        if self.is_pressed() == self._down:
            return
        time.sleep_ms(_SETTLE)
        if self.is_pressed() == self._down:
            return
        self._down = not self._down
        if self._down:
            self._was_pressed = True
            self._presses = min(self._presses + 1, _PRESSES_MOST)
        event = self.event_pressed if self._down else self.event_released
        if event is not None:
            event(pin)

    def is_pressed(self):
        """Return whether the button is down now."""
        return self._pin.value() == self._level

    def was_pressed(self):
        """Return whether the button went down since this was asked last."""
        was_pressed = self._was_pressed
        self._was_pressed = False
        return was_pressed

    def get_presses(self):
        """Return how often the button went down since this was asked last, 100 at most."""
        presses = self._presses
        self._presses = 0
        return presses

    def value(self):
        """Return the pin's level, 0 or 1."""
        return self._pin.value()

    def status(self):
        """Return 1 while the button is down, else 0."""
        return 1 if self.is_pressed() else 0

    def irq(self, *args, **kwargs):
        """Take over the pin's interrupt, as Pin.irq; events and counters end with that."""
        return self._pin.irq(*args, **kwargs)

    def reset(self):
        """Forget what was pressed."""
        self._was_pressed = False
        self._presses = 0

    def close(self):
        """End events and counters; the level can still be read."""
        self._pin.irq(None)
