"""Touch pads: which of them have a finger on them.

The chip counts how often a pad can be charged in a certain time: several hundred times, and much less
often with a finger on it. How often differs from pad to pad, and with moisture and supply, so each
pad's usual count is learned.
"""

import time
from machine import Pin, TouchPad
from micropython import const

# Milliseconds.
_RHYTHM = const(25)  # from one look to the next, at least
_FIRST = const(4000)  # from CONNACK to the first message: by then Home Assistant listens

# In percent of the usual count.
_TOUCHED = const(70)  # below that a finger comes
_FREE = const(85)  # above that it goes

# The usual count follows what is read: upwards within looks, downwards within a minute, so that a
# finger stays a finger, and what stays for longer than a minute is no finger.
_UP = const(4)
_DOWN = const(1024)


class Pads:
    """Some touch pads, by their letters: which of them have a finger on them."""

    def __init__(self, letters):
        self.letters = letters.lower()
        self.are_touched = [False] * len(letters)
        self._pads = [TouchPad(Pin("TOUCH_" + letter)) for letter in letters]
        self._usual = [0] * len(letters)  # 1024 times the count; 0: there was none yet
        self._doubts = [False] * len(letters)  # whether the last look said that it has changed

    def look(self):
        """Read all pads; return whether a finger has come or gone."""
        has_changed = False
        for i in range(len(self._pads)):
            if self._look_at(i):
                has_changed = True
        return has_changed

    def _look_at(self, i):
        try:
            count = self._pads[i].read()
        except ValueError:  # there is no count yet
            return False
        usual = self._usual[i] or count << 10
        difference = (count << 10) - usual
        usual += difference // (_UP if difference > 0 else _DOWN)
        self._usual[i] = usual
        is_touched = self.are_touched[i]
        is_below = count * 100 < (usual >> 10) * (_FREE if is_touched else _TOUCHED)
        has_changed = is_below != is_touched
        is_sure = has_changed and self._doubts[i]
        self._doubts[i] = has_changed and not is_sure
        if is_sure:
            self.are_touched[i] = is_below
        return is_sure


class Touch:
    """The part that tells which pads are touched, when that changes and the broker is there."""

    has = ("touch",)

    def __init__(self, link, letters):
        self._link = link
        self._pads = Pads(letters)
        self._looked_at = self._online_at = time.ticks_ms()
        self._is_due = False  # after CONNACK

    def describe(self, settings):
        pads = ("pad_p", "pad_y", "pad_t", "pad_h", "pad_o", "pad_n")
        return [pad for pad in pads if pad[-1] in self._pads.letters]

    def online(self):
        self._online_at = time.ticks_ms()
        self._is_due = True

    def step(self, now):
        if time.ticks_diff(now, self._looked_at) < _RHYTHM:
            return
        self._looked_at = now
        is_due = self._is_due and time.ticks_diff(now, self._online_at) >= _FIRST
        if (self._pads.look() or is_due) and self._link.is_online():
            self._is_due = False
            self._link.publish(self._link.topics["touch"], self._object())

    def _object(self):
        pads = self._pads
        members = []
        for letter, is_touched in zip(pads.letters, pads.are_touched):
            members.append('"%s": %s' % (letter, "true" if is_touched else "false"))
        return "{%s}" % ", ".join(members)
