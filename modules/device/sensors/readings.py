"""What the sensors read, as one JSON object: every so often, and sooner when something has changed."""

import time
from micropython import const

# Milliseconds.
_LOOK = const(1000)  # from one look at the sensors to the next
_FIRST = const(4000)  # from CONNACK to the first message: by then Home Assistant listens

_EVERY = const(30)  # s between two messages for Home Assistant


class Readings:
    """The part that tells what the sensors read, while the broker is there.

    A sensor is an object with

    names     the keys of what it reads, part of its identity in Home Assistant: never renamed
    least     the smallest change that is told at once
    read()    a number for each of the names, or None where it cannot be read
    sample()  if it has that: called on each loop
    """

    def __init__(self, link, settings, sensors):
        """`settings` is what platforms.resolve() returned; `sensors` is not empty."""
        self._link = link
        self.has = [name for sensor in sensors for name in sensor.names]
        self._sensors = sensors
        self._samplers = [sensor for sensor in sensors if hasattr(sensor, "sample")]
        self._split = settings["split"]
        self._period = (settings["telemetry"]["sensors"] or _EVERY) * 1000
        # Where the platform limits how often, the sensors leave half of it to everything else.
        limits = settings["limits"]
        self._interval = 2 * limits["interval"] if limits else 0  # ms of each message
        self._gap = _LOOK  # ms from one telling to the next, at least
        self._quiet = 0  # ms since the last
        self._left = self._period  # ms until the next that is due
        self._told = None  # readings; None after CONNACK
        self._looked_at = time.ticks_ms()

    def describe(self, settings):
        return self.has

    def online(self):
        self._told = None
        self._left = _FIRST

    def step(self, now):
        for sensor in self._samplers:
            sensor.sample()
        since = time.ticks_diff(now, self._looked_at)
        if since < _LOOK:
            return
        self._looked_at = now
        self._quiet += since
        self._left -= since
        if not self._link.is_online():
            return
        readings = self._read()
        if self._quiet >= self._gap and (self._left <= 0 or self._has_changed(readings)):
            self._tell(readings)
            self._told = readings
            self._left = self._period
            self._quiet = 0

    def _read(self):
        readings = {}
        for sensor in self._sensors:
            readings.update(zip(sensor.names, sensor.read()))
        return readings

    def _has_changed(self, readings):
        if self._told is None:
            return False
        for sensor in self._sensors:
            for name in sensor.names:
                value, told = readings[name], self._told[name]
                if value is None or told is None:
                    if value is not told:
                        return True
                elif abs(value - told) >= sensor.least:
                    return True
        return False

    def _tell(self, readings):
        topic = self._link.topics["sensors"].decode()
        if self._split is None:
            messages = [(topic, self._object(readings))]
        else:
            known = {name: value for name, value in readings.items() if value is not None}
            messages = self._split(topic, known)
        for topic, message in messages:
            self._link.publish(topic, message, kind="readings")
        self._gap = max(_LOOK, self._interval * len(messages))

    def _object(self, readings):
        # In the sensors' order, which a dict does not keep.
        members = []
        for sensor in self._sensors:
            for name in sensor.names:
                value = readings[name]
                members.append('"%s": %s' % (name, "null" if value is None else value))
        return "{%s}" % ", ".join(members)
