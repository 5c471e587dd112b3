"""The chip's watchdog."""

import machine
from micropython import const

# Watchdog timeout. The longest legitimate block is a DNS lookup (< 20 s). Milliseconds.
_TIMEOUT = const(60000)
_NEVER = const(0x3FFFFFFF)


class Watchdog:
    """Resets the board if the loop stops; not if it waits, nor at the prompt.

    The chip's own, so that all four timers are the user's. It has just one, which cannot be stopped
    and outlives a soft reset (ports/esp32/machine_wdt.c).
    """

    def __init__(self, timeout=_TIMEOUT):
        """Reset after `timeout` ms without a step."""
        self._wdt = machine.WDT(timeout=timeout)

    def step(self):
        """The loop is alive."""
        self._wdt.feed()

    def rest(self):
        """The loop has ended on purpose, for the prompt perhaps: make the watchdog wait for days."""
        machine.WDT(timeout=_NEVER)
