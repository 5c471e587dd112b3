"""The mode `echo`: every message on the command topic is sent back."""

import time
import timers
from micropython import const

_PATIENCE = const(60000)  # ms; an echo can also get lost
_MAX_EXPECTED = const(16)


class Echoes:
    """Tells our own echoes from others' messages when both come back on one topic.

    The broker sends an echo back to the board that published it; echoing it again would go on
    forever. Each message sent is expected back once, within a minute.
    """

    def __init__(self, patience=_PATIENCE):
        self._patience = patience
        self._expected = []  # (topic, message, ticks_ms when it was sent), the oldest first

    def accept(self, topic, message):
        """Return whether this is to be echoed; it is then expected back.

        It is not if it is an echo, nor while 16 others are expected: then nobody could tell.
        """
        expected = self._expected
        for i, echo in enumerate(expected):
            if echo[0] == topic and echo[1] == message:
                expected.pop(i)
                return False
        while expected and timers.elapsed(expected[0][2], self._patience):
            expected.pop(0)
        if len(expected) >= _MAX_EXPECTED:
            print("echo: too many at once; not echoed")
            return False
        expected.append((topic, message, time.ticks_ms()))
        return True


class Echo:
    """The part that echoes."""

    def __init__(self, link):
        self._link = link
        self._echoes = Echoes()

    def filters(self):
        return ((self._link.topics["command"], self._echo, 1),)

    def _echo(self, topic, message):
        print("echo: %s %r" % (topic.decode(), message))
        if self._echoes.accept(topic, message):
            self._link.publish(topic, message)
