"""Home Assistant finds the board by itself: one retained message says what the board has.

The message is made of pieces that mostly lie in flash, since a dict of it would take several times
its size. It is in memory from CONNACK until the broker has acknowledged it.
"""

import machine
import os
import time
import timers
from micropython import const

# After a start of Home Assistant a board waits 1 to 3 s, so that a class does not answer in step.
# Milliseconds.
_MIN_WAIT = const(1000)
_JITTER = const(8)  # ms, times a byte

_PREFIX = const("homeassistant")  # the usual one


class Discovery:
    """The part that tells Home Assistant of the board, and again when Home Assistant starts.

    With `"homeassistant": false` it takes back what was told.
    """

    def __init__(self, link, settings, parts, tell):
        """`settings` is what platforms.resolve() returned; `parts` are asked what they have by
        describe(), if they have that. When Home Assistant starts, tell(parts) has them tell again
        what they tell after CONNACK.
        """
        self._link = link
        self._settings = settings["homeassistant"]
        self._label = settings["label"]
        self._parts = parts
        self._tell = tell
        self._wait = None  # ms, while Home Assistant has started and not been told
        self._started_at = 0
        self._prefix = self._settings["prefix"] if self._settings else _PREFIX

    def filters(self):
        return ((self._prefix + "/status", self._greet, 0),) if self._settings else ()

    def online(self):
        if self._prefix != _PREFIX:  # where an earlier configuration has told of the board
            self._publish(_PREFIX, b"")
        message = b""
        if self._settings:
            from . import components, imports

            try:
                message = components.message(self._link, self._settings, self._label, self._parts)
            except MemoryError:
                print("homeassistant: not enough memory to tell of the board")
                return
            finally:
                imports.forget("components")
        self._publish(self._prefix, message)

    def _publish(self, prefix, message):
        topic = "%s/device/%s/config" % (prefix, machine.unique_id().hex())
        self._link.publish(topic, message, retain=True, qos=1)

    def _greet(self, topic, message):
        # A retained word is as old as our connection, at which all was told.
        if message == b"online" and not self._link.is_retained:
            self._started_at = time.ticks_ms()
            self._wait = _MIN_WAIT + os.urandom(1)[0] * _JITTER

    def step(self, now):
        if self._wait is not None and timers.elapsed(self._started_at, self._wait):
            self._wait = None
            self.online()
            self._tell(self._parts)
