"""The user's /handlers.py: what it registers by `import device` becomes part of the program."""

import device
import time
import timers
from . import users_view
from .link import MISTAKES
from umqtt import protocol


class UserHandlers:
    """The part that calls the user's functions, with their view of imports."""

    def __init__(self, link, path):
        self._link = link
        self._path = path
        self._periodic = ()  # [ms, handler, ticks_ms of its last call]

    def load(self):
        """Run the file; what it raises is printed and counted."""
        users_view.begin()
        device._is_open = True
        self._call(self._run)
        device._is_open = False
        now = time.ticks_ms()
        self._periodic = [[period, handler, now] for period, handler in device._periodic]

    def _run(self):
        execfile(self._path, {"__name__": "handlers", "__file__": self._path})

    def filters(self):
        """Return the valid ones of @device.on, and say what is wrong with the others."""
        for topic_filter, handler, qos in device._messages:
            try:
                protocol.topic_filter(topic_filter)
                protocol.check_qos(qos)
            except (ValueError, TypeError) as error:
                if str(error) == "wildcard":
                    error = "+ and # must stand alone between slashes, # last"
                print("%s: topic filter %r: %s" % (self._path, topic_filter, error))
                self._link.errors += 1
                continue
            yield topic_filter, self._as_user(handler), qos

    @staticmethod
    def _as_user(handler):
        return lambda topic, message: users_view.run(handler, topic, message)

    def _call(self, handler):
        try:
            users_view.run(handler)
        except MISTAKES as error:
            self._link.report(error)

    def online(self):
        for handler in device._connected:
            self._call(handler)

    def step(self, now):
        for job in self._periodic:
            period, handler, called = job
            if timers.elapsed(called, period):
                job[2] = time.ticks_ms()  # not `now`, which is before elapsed() looked
                self._call(handler)
