"""Thins out what is published, so that a service with limits has no reason for a ban."""

import time
import timers
from micropython import const

# Topics that wait at most; the one that has waited longest makes room.
_MAX_TOPICS = const(16)


class Limiter:
    """One message waits per topic and kind: a newer one takes its place in the queue.

    `limits` is what platforms.resolve() has put into settings["limits"]; where that is None no
    Limiter is needed. Neither method blocks.
    """

    def __init__(self, limits):
        self.dropped = 0  # messages that were replaced, or too large
        self._interval = limits["interval"]
        self._payload = limits["payload"]
        self._queue = []  # (kind, (topic, payload, retain, qos)), the oldest first
        self._sent_at = None  # ticks_ms of the last message

    def offer(self, topic, payload, retain=False, qos=0, kind=None):
        """Queue a message (bytes); return whether it is small enough to be sent at all.

        `kind` tells apart what shares a topic: OneNET has one for the state and for all readings.
        """
        if self._payload and len(payload) > self._payload:
            self.dropped += 1
            return False
        message = (topic, payload, retain, qos)
        for i, waiting in enumerate(self._queue):
            if waiting[1][0] == topic and waiting[0] == kind:
                self._queue[i] = kind, message
                self.dropped += 1
                return True
        if len(self._queue) >= _MAX_TOPICS:
            self._queue.pop(0)
            self.dropped += 1
        self._queue.append((kind, message))
        return True

    def due(self):
        """Return a tuple of the messages, each (topic, payload, retain, qos), to send now.

        At most one is due per interval. Ask only while the broker is there: what waits stays the
        newest.
        """
        if not self._queue:
            return ()
        if self._sent_at is not None and not timers.elapsed(self._sent_at, self._interval):
            return ()
        self._sent_at = time.ticks_ms()
        return (self._queue.pop(0)[1],)
