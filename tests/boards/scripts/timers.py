# timers: periodic and one-shot jobs; an exception is printed once and counted.
import time
import timers

runs = []
job = timers.every(10, lambda: runs.append(1))
while len(runs) < 5:
    time.sleep_ms(10)
job.cancel()
count = len(runs)
assert job.runs == count
time.sleep_ms(50)
assert len(runs) == count


def fail():
    raise ValueError("on purpose")


job = timers.every(10, fail, timer_id=2)
assert job.timer_id == 2
while job.runs < 5:
    time.sleep_ms(10)
assert job.errors == job.runs
job.cancel()
job.cancel()

runs.clear()
once = timers.after(10, lambda: runs.append(2))
while not runs:
    time.sleep_ms(10)
time.sleep_ms(50)
assert runs == [2]

# Four timers, and the fifth job is told so; a one-shot job frees its timer.
jobs = [timers.every(1000, fail) for _ in range(4)]
assert [job.timer_id for job in jobs] == [3, 2, 1, 0]
try:
    timers.every(1000, fail)
    assert False
except OSError as error:
    assert "cancel" in str(error)
replaced = timers.every(1000, fail, timer_id=1)
jobs[2].cancel()  # it no longer owns the timer
assert timers._jobs[1] is replaced
try:
    timers.after(5, fail, timer_id=4)
    assert False
except ValueError as error:
    assert "0 to 3" in str(error)
for each in (replaced, jobs[0], jobs[1], jobs[3]):
    each.cancel()


class Client:
    pings = 0

    def ping(self):
        self.pings += 1


client = Client()
job = timers.ping(client, 10)
while client.pings < 3:
    time.sleep_ms(10)
job.cancel()
assert job.errors == 0

# Elapsed ticks, in the first milliseconds and after days, when ticks_ms has begun again at 0.
_PERIOD = 1 << 30  # ms, 12.4 days: the first value that ticks_ms does not reach
_HALF = _PERIOD // 2  # what ticks_diff can tell
clock = [0]


class Time:
    ticks_diff = time.ticks_diff

    def ticks_ms():
        return clock[0]


timers.time = Time
for since in (0, 12345, _HALF - 1, _HALF, _PERIOD - 1):
    for passed, left in (
        (0, 1000),
        (1, 999),
        (999, 1),
        (1000, 0),
        (1001, 0),
        (_HALF - 1, 0),
        (_HALF, 0),  # from here on ticks_diff is negative
        (_HALF + 1, 0),
        (_PERIOD - 1, 0),
    ):
        clock[0] = (since + passed) % _PERIOD
        assert timers.remaining(since, 1000) == left, (since, passed)
        assert timers.elapsed(since, 1000) == (left == 0), (since, passed)
    clock[0] = since
    assert timers.elapsed(since, 0)
timers.time = time
print("ok")
