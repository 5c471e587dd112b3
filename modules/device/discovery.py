"""Home Assistant finds the board by itself: one retained message says what the board has.

The message is made in pieces that mostly lie in flash, since a dict of it would take several times
its size. It is in memory from CONNACK until the broker has acknowledged it.
"""

import board
import gc
import json
import machine
import os
import time
import timers
import version
from .report import SUBTOPIC
from micropython import const

# After a start of Home Assistant a board waits 1 to 3 s, so that a class does not answer in step.
# Milliseconds.
_MIN_WAIT = const(1000)
_JITTER = const(8)  # ms, times a byte


def _quoted(text):
    # As it may stand between the quotes of a JSON text.
    return json.dumps(text)[1:-1].encode()


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
        self._id = machine.unique_id().hex()
        self._wait = None  # ms, while Home Assistant has started and not been told
        self._started_at = 0
        prefix = self._settings["prefix"] if self._settings else "homeassistant"
        self._birth_topic = prefix + "/status"
        self._topic = "%s/device/%s/config" % (prefix, self._id)

    def filters(self):
        return ((self._birth_topic, self._greet, 0),) if self._settings else ()

    def online(self):
        message = b""
        if self._settings:
            try:
                message = self._make()
            except MemoryError:
                print("homeassistant: not enough memory to tell of the board")
                return
        self._link.publish(self._topic, message, retain=True, qos=1)

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

    def _make(self):
        from . import components, imports

        gc.collect()
        keys = [b"restart"] if self._settings["restart"] else []
        for part in self._parts:
            if hasattr(part, "describe"):
                keys.extend(part.describe(self._settings))
        topics = self._link.topics
        words = [self._id.encode()]
        for topic in (
            "command",
            "state",
            "status",
            "button",
            "update",
            "touch",
            "sensors",
            "motion",
            "display",
        ):
            words.append(_quoted(topics[topic].decode()))
        pieces = [b'{"dev":{"ids":["', words[components.ID], b'"],"sn":"', words[components.ID]]
        self._describe_board(pieces)
        pieces.append(b'","cmps":{')
        words[components.STATS] += SUBTOPIC
        components.write(pieces, words, keys)
        imports.forget("components", "info")
        pieces.append(b"}}")
        return b"".join(pieces)

    def _describe_board(self, pieces):
        from .info import title

        digits = self._id
        for key, value in (
            (b'","cns":[["mac","', ":".join([digits[i : i + 2] for i in range(0, 12, 2)])),
            (b'"]],"name":"', title(self._label)),
            (b'","mf":"', board.VENDOR),
            (b'","mdl":"', board.PRODUCT),
            (b'","sa":"', self._settings["area"]),
            (b'","sw":"', version.VERSION),
            (b'"},"o":{"name":"mqtt-boards","sw":"', version.VERSION),
            (b'"},"avty_t":"', self._link.topics["status"].decode()),
        ):
            if value:
                pieces.append(key)
                pieces.append(_quoted(value))
