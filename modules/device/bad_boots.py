"""How often in a row the program has stopped or failed, counted where a reset leaves it.

A message that a handler cannot stand may be retained: then it arrives again after each reset. So
after three bad boots /handlers.py is left out, until the program has run well for five minutes.
"""

import machine
import time
from micropython import const

SUBTOPIC = b"/problem"  # of the status topic

_MAX = const(3)
_GOOD_TIME = const(300000)  # ms

# In the RTC's memory, which only power-on clears (RTC_NOINIT_ATTR in ports/esp32/machine_rtc.c).
_MARK = b"bad boots "

_PROBLEM = (
    "/handlers.py is left out, because the program has stopped or failed %d times; correct it, or "
    "press reset after five good minutes"
)


class BadBoots:
    """The part that counts them. Memory that a program of the user's has taken is left alone."""

    def __init__(self, link):
        self._link = link
        self._memory = machine.RTC()
        kept = self._memory.memory()
        self._is_ours = not kept or kept.startswith(_MARK)
        # What is kept, its last byte the count. Made now, for `add` may find no memory left.
        self._record = bytearray(kept if kept and self._is_ours else _MARK + b"\0")
        self._begin = time.ticks_ms()
        if machine.reset_cause() == machine.WDT_RESET:
            self.add()

    @property
    def count(self):
        """How many there have been in a row."""
        return self._record[-1]

    def add(self):
        """Count one more, up to 255; allocates nothing."""
        if self.count < 255:
            self._record[-1] += 1
        self._keep(self._record)

    def _keep(self, data):
        if self._is_ours:
            self._memory.memory(data)

    def are_too_many(self):
        """Return whether /handlers.py must be left out; says so, too."""
        if self.count < _MAX:
            return False
        print("boot: " + _PROBLEM % self.count)
        return True

    def online(self):
        status = self._link.topics["status"]
        if self.count >= _MAX and status:
            self._link.publish(status + SUBTOPIC, _PROBLEM % self.count, qos=1)

    def step(self, now):
        if self.count and time.ticks_diff(now, self._begin) >= _GOOD_TIME:
            self._record[-1] = 0
            self._keep(b"")
