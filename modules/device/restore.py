"""After a power cut or a reset: the lamp as the broker remembers it.

Its state is retained. So the board reads its own state topic before it publishes there for the
first time. Nothing of this is left in memory afterwards.
"""

import time
import timers
from micropython import const

# How long a broker may take, once it has accepted the subscription, to send what it retains: it
# never says that there is nothing. Milliseconds.
_PATIENCE = const(3000)

# Some brokers close the connection of a client that asks for a topic which it may not read: after
# this many connections it is given up.
_MAX_CONNECTIONS = const(3)


class Restore:
    """The part that does it, and calls on_end(itself) when that is done.

    A command that comes meanwhile is newer than any state, and ends it, too.
    """

    def __init__(self, link, lamp, on_end):
        self._link = link
        self._lamp = lamp
        self._on_end = on_end
        self._filters = ((link.topics["state"], self._take, 1),)
        self._state = None  # the message that has come
        self._begin = 0  # ticks_ms of the broker's answer to the subscription
        lamp.hold()

    def filters(self):
        return self._filters

    def online(self):
        self._begin = time.ticks_ms()

    def _take(self, topic, message):
        self._state = message

    def step(self, now):
        topic_filter, handler, _ = self._filters[0]
        if not self._link.is_online():
            if self._link.client.counters["connects"] < _MAX_CONNECTIONS:
                return
            self._lamp.release()
        elif self._lamp.is_held():
            if not self._link.is_answered(topic_filter):
                self._begin = time.ticks_ms()
            if self._state is not None:
                self._restore()
            elif not timers.elapsed(self._begin, _PATIENCE):
                return
            self._lamp.release()
        self._link.off(topic_filter, handler)
        self._on_end(self)

    def _restore(self):
        # Only what a lamp publishes is a state: "toggle" is none, nor what a thermometer says.
        if b'"state"' in self._state and self._lamp.obey(self._state):
            print("lights: %s, as before the start" % self._lamp)
        else:
            kept = bytes(self._state[:40])
            print("lights: the state that the broker has kept is not understood: %r" % kept)
