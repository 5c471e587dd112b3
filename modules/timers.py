"""Periodic and one-shot jobs on the chip's four hardware timers, and how long something is past.

A job's callback takes no argument. It runs in the main program's thread, between two bytecodes
or while the program waits (ports/esp32/machine_timer.c: soft callbacks only), so it may use
everything the main program uses; it should return soon, because no other job runs meanwhile.
An exception in a job is printed once with its traceback and counted; the job goes on.
"""

import machine
import sys
import time
from micropython import const

TIMERS = const(4)

_jobs = [None] * TIMERS

# call(callback) is what calls a job's callback; None: it is called as it is. While /handlers.py runs
# modules/device/users_view.py has its own.
call = None


class Job:
    """A job on one hardware timer. Made by `every` and `after`."""

    def __init__(self, timer_id, callback):
        self.errors = 0
        self.runs = 0
        self.timer_id = timer_id
        self._callback = callback
        self._timer = machine.Timer(timer_id)

    def _run(self, timer):
        self.runs += 1
        try:
            if call is None:
                self._callback()
            else:
                call(self._callback)
        except Exception as error:
            self.errors += 1
            if self.errors == 1:
                print("timers: job on timer %d failed:" % self.timer_id)
                sys.print_exception(error)

    def _run_once(self, timer):
        self.cancel()
        self._run(timer)

    def cancel(self):
        """Stop the job and free its timer; harmless if it has ended."""
        if _jobs[self.timer_id] is self:
            self._timer.deinit()
            _jobs[self.timer_id] = None


def _start(period, callback, mode, timer_id):
    if timer_id is None:
        # The last first: old programs use Timer(0) and Timer(1) without asking here.
        timer_id = next((i for i in (3, 2, 1, 0) if _jobs[i] is None), None)
        if timer_id is None:
            raise OSError("all four timers are taken; cancel a job first")
    elif not 0 <= timer_id < TIMERS:
        raise ValueError("timer %r does not exist; there are 0 to 3" % timer_id)
    elif _jobs[timer_id] is not None:
        _jobs[timer_id].cancel()
    job = Job(timer_id, callback)
    _jobs[timer_id] = job
    run = job._run if mode == machine.Timer.PERIODIC else job._run_once
    job._timer.init(mode=mode, period=period, callback=run)
    return job


def every(period, callback, timer_id=None):
    """Call `callback()` every `period` ms and return the Job.

    `timer_id` (0..3) replaces what runs on that timer; without one the last free timer is taken.
    Raises OSError if none is free, ValueError for a timer that does not exist.
    """
    return _start(period, callback, machine.Timer.PERIODIC, timer_id)


def after(delay, callback, timer_id=None):
    """Call `callback()` once, `delay` ms from now; otherwise like `every`."""
    return _start(delay, callback, machine.Timer.ONE_SHOT, timer_id)


def ping(client, period):
    """Have an MQTT client send PINGREQ every `period` ms, as the tutorials do with a Timer.

    Not needed to keep a connection: umqtt pings by itself in every call that waits.
    """
    return every(period, client.ping)


def remaining(since, period):
    """Return how many ms are left of the `period` ms that began at `since`; 0 when they are over.

    `since` is a value of time.ticks_ms(); `period` is below 6.2 days (2**29 ms). ticks_ms begins
    again at 0 every 12.4 days, and ticks_diff can tell 6.2 days at most: what is longer past seems
    to lie ahead, and counts as over here. Only a `since` that nobody renews seems fresh again for
    `period` ms every 12.4 days.
    """
    passed = time.ticks_diff(time.ticks_ms(), since)
    return period - passed if 0 <= passed < period else 0


def elapsed(since, period):
    """Return whether `period` ms have passed since `since`, a value of time.ticks_ms().

    Right also after ticks_ms has begun again at 0: see `remaining`.
    """
    return remaining(since, period) == 0
