"""Commands for many boards at once, on the topics of their groups."""

import json
import os
import time
import timers
from .report import is_command
from micropython import const

# A class tells its new states within so long, not all in the same moment. Milliseconds.
_JITTER = const(300)


class Groups:
    """The part that obeys them as if they came on the board's own command topic, but for two.

    A retained one is not obeyed: it would come again after each connection. `restart` must name
    the group: {"restart": true, "confirm": "class/7b"}, so that no slip restarts a class.
    """

    def __init__(self, link, topics, lamp, others):
        """`topics` are those of the groups' commands; `others` the parts that follow the command
        topic beside the lamp, each with answer(topic, message).
        """
        self._link = link
        self._topics = topics
        self._lamp = lamp
        self._others = others
        self._wait = None  # ms, while the lamp's new state is not told
        self._obeyed_at = 0

    def filters(self):
        return [(topic, self._follow, 1) for topic in self._topics]

    def _follow(self, topic, message):
        if self._link.is_retained:
            print("groups: a retained command is not obeyed; publish it without retain")
        elif b"restart" in message.lower():
            self._restart(topic.decode().rpartition("/")[0], message)
        else:
            for part in self._others:
                part.answer(topic, message)
            if self._lamp.follow(message) and self._wait is None:
                self._obeyed_at = time.ticks_ms()
                self._wait = os.urandom(1)[0] * _JITTER >> 8

    def _restart(self, group, message):
        wanted = {"restart": True, "confirm": group}
        try:
            is_confirmed = json.loads(message) == wanted
        except ValueError:
            is_confirmed = False
        if is_confirmed:
            for part in self._others:
                part.answer(None, b"restart")
        else:
            print("groups: a whole group restarts only by %s" % json.dumps(wanted))

    def step(self, now):
        if self._wait is not None and timers.elapsed(self._obeyed_at, self._wait):
            self._wait = None
            self._lamp.tell()
