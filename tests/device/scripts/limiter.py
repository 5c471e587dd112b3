# Limiter: never more than a service allows, and the newest state arrives.
import os
import time
import timers
from device import limiter as module
from device.limiter import Limiter
from device.client import Client

PERIOD = time.ticks_add(0, -1) + 1  # 2**30 on ESP32
HALF = PERIOD // 2
ADAFRUIT = {"interval": 2200, "payload": 1024, "delay": 65, "max_delay": 3600}


class Clock:
    """Milliseconds that wrap around as ticks_ms does, and a count that does not."""

    ticks_diff = time.ticks_diff

    def __init__(self, start=0):
        self.now = 0
        self._start = start
        timers.time = module.time = self

    def ticks_ms(self):
        return (self._start + self.now) % PERIOD


def due(limiter, now):
    """Return what is due at `now` milliseconds."""
    clock.now = now
    return limiter.due()


clock = Clock()


# The first message goes at once, the second an interval later.
limiter = Limiter(ADAFRUIT)
assert due(limiter, 0) == ()
assert limiter.offer(b"a", b"1", True, 1)
assert due(limiter, 5) == ((b"a", b"1", True, 1),)
assert due(limiter, 5) == ()
assert limiter.offer(b"a", b"2")
assert due(limiter, 2204) == ()
assert due(limiter, 2205) == ((b"a", b"2", False, 0),)

# A newer message on a topic takes the older one's place; topics take turns.
for i in range(10):
    assert limiter.offer(b"a", b"a%d" % i)
    assert limiter.offer(b"b", b"b%d" % i)
assert limiter.dropped == 18
assert due(limiter, 5000) == ((b"a", b"a9", False, 0),)
limiter.offer(b"a", b"last")
assert due(limiter, 7200) == ((b"b", b"b9", False, 0),)
assert due(limiter, 9400) == ((b"a", b"last", False, 0),)
assert due(limiter, 99999) == ()

# What shares a topic and is of another kind stays.
limiter.offer(b"a", b"state", qos=1)
limiter.offer(b"a", b"light 1", kind="readings")
limiter.offer(b"a", b"light 2", kind="readings")
assert due(limiter, 102200) == ((b"a", b"state", False, 1),)
assert due(limiter, 104400) == ((b"a", b"light 2", False, 0),)

# A payload over the limit is refused, one at the limit is not. 0 is no limit.
limiter = Limiter(ADAFRUIT)
assert limiter.offer(b"a", bytes(1024))
assert not limiter.offer(b"a", bytes(1025))
assert due(limiter, 0) == ((b"a", bytes(1024), False, 0),)
limiter = Limiter({"interval": 100, "payload": 0, "delay": 2, "max_delay": 60})
assert limiter.offer(b"a", bytes(5000))

# The queue is bounded: the topic that has waited longest makes room.
limiter = Limiter(ADAFRUIT)
for i in range(100):
    limiter.offer(b"topic %d" % i, b"x")
assert limiter.dropped == 84
sent = []
for now in range(0, 99 * 2200, 2200):
    sent.extend(message[0] for message in due(limiter, now))
assert sent == [b"topic %d" % i for i in range(84, 100)]

# A program that publishes at random for an hour: in no minute, wherever it begins, more than
# Adafruit's 30 data points, and the last message of each topic is sent in the end.
clock = Clock(PERIOD - 1000)
limiter = Limiter(ADAFRUIT)
newest = {}
last_sent = {}
times = []


def turn(milliseconds):
    clock.now += milliseconds
    for topic, payload, retain, qos in limiter.due():
        times.append(clock.now)
        last_sent[topic] = payload


number = 0
while clock.now < 3600000:
    for _ in range(os.urandom(1)[0] % 4):
        number += 1
        topic = b"topic %d" % (os.urandom(1)[0] % 5)
        newest[topic] = b"%d" % number
        limiter.offer(topic, newest[topic])
    turn(1 + os.urandom(1)[0] % 100)
while clock.now < 3700000:
    turn(50)
assert last_sent == newest
first = 0
for i in range(len(times)):
    while times[i] - times[first] > 60000:
        first += 1
    assert i - first + 1 <= 30, (times[first], times[i])
assert len(times) > 26 * 60, "far less was sent than allowed: %d" % len(times)

# ticks_ms wraps around, and after days of silence has come halfway: nothing waits for long.
for start in (0, HALF - 1000, PERIOD - 1000):
    for pause in (2200, 5000, HALF - 5, HALF + 5, PERIOD - 5, PERIOD, PERIOD + 1000):
        clock = Clock(start)
        limiter = Limiter(ADAFRUIT)
        limiter.offer(b"a", b"1")
        assert len(limiter.due()) == 1
        limiter.offer(b"a", b"2")
        clock.now = 2199
        assert limiter.due() == ()
        clock.now = pause
        first = limiter.due()
        clock.now += 2200
        assert len(first) + len(limiter.due()) == 1, (start, pause)

# Ban-aware retry: with these delays the client makes at most 20 attempts in any minute, and waits
# 30 s at least after the first refusal, whatever the dice say.
client = Client("id", "host")
client.DELAY = ADAFRUIT["delay"]
client.MAX_DELAY = ADAFRUIT["max_delay"]
for _ in range(200):
    at = [0]
    for failures in range(1, 12):
        delay = client.backoff(failures)
        assert 30 <= delay <= 3600, (failures, delay)
        at.append(at[-1] + delay)
    assert sum(1 for moment in at if moment < 60) <= 3
print("ok")
