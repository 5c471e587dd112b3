"""A MicroPython program that uses the MQTT client, run in the simulated firmware by a test."""

from __future__ import annotations

import queue
import subprocess
import textwrap
import threading
import time
from pathlib import Path

# Where every program begins: on the network.
START = """
import network, select

PORT = int(sys.argv[1])
LOGIN = dict(zip(("user", "password"), sys.argv[2:]))
got = []
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("classroom")
while not wlan.isconnected():
    time.sleep_ms(5)


def wait_for_input(c):
    poller = select.poll()
    poller.register(c.sock, select.POLLIN)
    assert poller.poll(60_000), "nothing has come, and no end either"


def error_of(function, *arguments, **named):
    try:
        function(*arguments, **named)
    except Exception as e:
        return e
    raise AssertionError("nothing was raised")


"""

PRELUDE = (
    """\
import errno, gc, micropython, sys, time
from umqtt import simple, robust
from umqtt.simple import MQTTClient, MQTTException, ProtocolError
"""
    + START
    + """\
def make(keepalive=0, kind=simple.MQTTClient, client_id="c", **named):
    for key in LOGIN:
        named.setdefault(key, LOGIN[key])
    c = kind(client_id, "127.0.0.1", PORT, keepalive=keepalive, **named)
    c.TIMEOUT = 60
    c.pid = 65535  # identifiers begin with 1, also where the session is kept
    c.set_callback(lambda topic, message: got.append((topic, message)))
    return c


def connected(keepalive=0, clean=True, **named):
    c = make(keepalive, **named)
    c.connect(clean)
    return c


def receive(c, count):
    while len(got) < count:
        c.wait_msg()


def work(c, seconds):
    end = time.ticks_add(time.ticks_ms(), int(seconds * 1000))
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        c.step()
        time.sleep_ms(2)


"""
)


class ClientProgram:
    """PRELUDE and `program` in a process of its own; `port` and `login` are the broker's.

    The program finds in MAX_QOS what the broker takes at most at a publish.
    """

    def __init__(
        self,
        micropython: Path,
        folder: Path,
        program: str,
        port: int,
        login: tuple[str, ...] = (),
        max_qos: int = 2,
    ) -> None:
        script = folder / "program.py"
        script.write_text(f"MAX_QOS = {max_qos}\n{PRELUDE}{textwrap.dedent(program)}")
        self.output = ""
        self._lines: queue.Queue[str] = queue.Queue()
        self._process = subprocess.Popen(
            [micropython, "-X", "heapsize=16m", script, str(port), *login],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self.output += line
            self._lines.put(line.rstrip("\n"))

    def wait_for(self, wanted: str, timeout: float = 60) -> None:
        """Wait until the program prints the line `wanted`."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"the program did not print {wanted!r}:\n{self.tail()}")
            if line == wanted:
                return

    def finish(self, timeout: float = 300) -> str:
        """Wait for the end of the program, which must be a good one; return its output."""
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the program did not end:\n{self.tail()}")
        finally:
            self.stop()
        assert status == 0, self.tail()
        return self.output

    def tail(self) -> str:
        return self.output[-2000:]

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()
