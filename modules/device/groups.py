"""Commands for many boards at once, on the topics of their groups."""

import json
import os
import time
import timers
from .report import is_command
from micropython import const

# A class answers within so long, not all in the same moment. Milliseconds.
_JITTER = const(300)


class Groups:
    """The part that obeys them as if they came on the board's own command topic, but for two.

    A retained one is not obeyed: it would come again after each connection. `restart` must name
    the group: {"restart": true, "confirm": "class/7b"}, so that no slip restarts a class.

    What is to be seen comes at once; what is told, or done by a restart, after a part of 300 ms
    that is drawn for each command.
    """

    def __init__(self, link, topics, lamp, indicator, report):
        """`topics` are those of the groups' commands; the others are the parts that obey."""
        self._link = link
        self._topics = topics
        self._lamp = lamp
        self._indicator = indicator
        self._report = report
        self._due = []  # functions to call when the wait is over
        self._wait = 0  # ms
        self._obeyed_at = 0

    def filters(self):
        return [(topic, self._follow, 1) for topic in self._topics]

    def _follow(self, topic, message):
        if self._link.is_retained:
            print("groups: a retained command is not obeyed; publish it without retain")
        elif b"restart" in message.lower():
            self._restart(topic.decode().rpartition("/")[0], message)
        elif is_command(message, b"stats"):
            self._answer_late(self._report.tell_stats)
        else:
            self._indicator.answer(topic, message)
            if self._lamp.follow(message):
                self._answer_late(self._lamp.tell)

    def _restart(self, group, message):
        wanted = {"restart": True, "confirm": group}
        try:
            is_confirmed = json.loads(message) == wanted
        except ValueError:
            is_confirmed = False
        if is_confirmed:
            self._answer_late(self._report.restart)
        else:
            print("groups: a whole group restarts only by %s" % json.dumps(wanted))

    def _answer_late(self, answer):
        if not self._due:
            self._obeyed_at = time.ticks_ms()
            self._wait = os.urandom(1)[0] * _JITTER >> 8
        if answer not in self._due:
            self._due.append(answer)

    def step(self, now):
        if self._due and timers.elapsed(self._obeyed_at, self._wait):
            due = self._due
            self._due = []
            for answer in due:
                answer()
