"""The trial: a new firmware is kept once the broker has acknowledged its first message."""

import machine
import time
import version
from micropython import const

from .. import slot
from . import image, messages
from .manifest import UpdateError

_COLOUR = (0, 255, 255)
_REFUSED = const(0x80)  # in a SUBACK


class Trial:
    """The work of Updates while the running slot is on trial."""

    def __init__(self, updates):
        self._updates = updates
        self._link = updates.link
        self._minutes = (updates.settings["trial"] + 59) // 60
        self._time = updates.settings["trial"] * 1000  # ms
        self._begin = time.ticks_ms()
        self._birth = None  # packet identifier of the birth message on this connection
        self._connects = 0  # how often the client has connected, of that connection
        other = slot.other()
        self._earlier = image.version(slot.head(other, image.HEAD)) if other is not None else ""
        wanted = slot.wanted()
        self._id = wanted[0] if wanted is not None else ""
        updates.indicator.override = _COLOUR
        print("update: %s is on trial; leave the board on" % version.VERSION)

    def online(self):
        messages.tell_state(self._updates, 100)
        self._tell("trial")
        connects = self._link.client.counters["connects"]
        if connects != self._connects:  # else Home Assistant has started
            self._connects = connects
            self._birth = None

    def _tell(self, state):
        messages.tell(self._updates, state, self._id, version.VERSION, self._earlier)

    def _is_acknowledged(self):
        client = self._link.client
        topics = self._link.topics
        if not client.isconnected():
            return False
        if not topics["status"]:
            return client.session.granted.get(topics["command"], _REFUSED) < _REFUSED
        if not self._birth:
            # Once more than the report has, to know the packet's identifier.
            try:
                self._birth = client.publish_nowait(
                    topics["status"], b"online", self._link.retains, 1
                )
            except OSError:
                pass  # too much waits to be sent
            return False
        return not client.unacknowledged(self._birth)

    def step(self, now):
        if self._is_acknowledged():
            if slot.keep():
                print("update: %s is kept" % version.VERSION)
                self._updates.indicator.override = None
                self._tell("kept")
                messages.tell_state(self._updates)
                return False
            self._go_back("the boot loader has chosen the other slot")
        if time.ticks_diff(now, self._begin) >= self._time:
            minutes = self._minutes
            self._go_back("%s did not reach the broker in %d min" % (version.VERSION, minutes))
        return True

    def _go_back(self, reason):
        print("update: %s; going back to %s" % (reason, self._earlier or "the earlier version"))
        slot.note(reason)
        machine.reset()

    def refuse_another(self):
        left = self._time - time.ticks_diff(time.ticks_ms(), self._begin)
        minutes = max(1, (left + 59999) // 60000)
        reason = "%s is still on trial; try again in %d min" % (version.VERSION, minutes)
        raise UpdateError("trial", reason)

    def cancel(self):
        pass  # a reset is what ends a trial

    def stop(self):
        pass
