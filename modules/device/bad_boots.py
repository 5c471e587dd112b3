"""How often the board has reset itself, and in a row for a failure: counted where a reset leaves it.

A message that a handler cannot stand may be retained: then it arrives again after each reset. So
after three bad boots /handlers.py is left out, until the program has run well for five minutes, or
another version of the firmware runs.
"""

import machine
import time
import version
from micropython import const

SUBTOPIC = b"/problem"  # of the status topic

_MAX = const(3)
_GOOD_TIME = const(300000)  # ms

# In the RTC's memory, which only power-on clears (RTC_NOINIT_ATTR in ports/esp32/machine_rtc.c),
# and which does not wear. Behind the mark four counts, of one byte each, and the version that has
# counted. An update leaves the memory as it is, too.
_MARK = b"resets "
_IN_A_ROW = const(7)
_WATCHDOG = const(8)
_FAILURE = const(9)
_NO_BROKER = const(10)
_VERSION = const(11)
_EARLIER_MARK = b"bad boots "  # of builds before 28 November 2026

_PROBLEM = (
    "/handlers.py is left out, because the program has stopped or failed %d times; correct it, or "
    "press reset after five good minutes"
)


class BadBoots:
    """The part that counts them, each up to 255. Memory that a program of the user's has taken is
    left alone.
    """

    def __init__(self, link):
        self._link = link
        self._memory = machine.RTC()
        kept = self._memory.memory()
        is_known = kept.startswith(_MARK)
        self._is_ours = is_known or not kept or kept.startswith(_EARLIER_MARK)
        # Made now, for `add_failure` may find no memory left.
        self._record = bytearray(_MARK + bytes(4) + version.VERSION.encode())
        if is_known:
            self._record[_IN_A_ROW:_VERSION] = kept[_IN_A_ROW:_VERSION]
            if kept[_VERSION:] != self._record[_VERSION:]:
                self._record[_IN_A_ROW] = 0  # another version may be what was needed
        self._begin = time.ticks_ms()
        if machine.reset_cause() == machine.WDT_RESET:
            self._add(_WATCHDOG)
            self._add(_IN_A_ROW)

    @property
    def count(self):
        """How many failures there have been in a row."""
        return self._record[_IN_A_ROW]

    def resets(self):
        """Return how often the board has reset itself since power-on, and why."""
        record = self._record
        return {
            "watchdog": record[_WATCHDOG],
            "failure": record[_FAILURE],
            "no_broker": record[_NO_BROKER],
        }

    def add_failure(self):
        """Count that the program has failed; allocates nothing."""
        self._add(_FAILURE)
        self._add(_IN_A_ROW)

    def add_cut_off(self):
        """Count that no broker has answered for too long."""
        self._add(_NO_BROKER)

    def _add(self, place):
        if self._record[place] < 255:
            self._record[place] += 1
        self._keep()

    def _keep(self):
        if self._is_ours:
            self._memory.memory(self._record)

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
            self._record[_IN_A_ROW] = 0
            self._keep()
