"""umqtt on the emulated microcontroller, with stand-ins for the modules that it lacks."""

from __future__ import annotations

from tests.microcontroller import Microcontroller

# What umqtt imports and the emulated microcontroller lacks: a clock, and a socket whose broker
# accepts everything.
STAND_INS = """
import gc, sys

class Time:
    ticks_ms = staticmethod(lambda: 0)
    ticks_add = staticmethod(lambda a, b: a + b)
    ticks_diff = staticmethod(lambda a, b: a - b)

class Socket:
    def __init__(self, *kind):
        self.answer = b"\\x20\\x02\\x00\\x00"

    def nothing(self, *arguments):
        pass

    setblocking = setsockopt = connect = close = nothing

    def write(self, data, offset, size):
        return size

    def readinto(self, buffer, size=None):
        if not self.answer:
            return None
        size = min(size or len(buffer), len(self.answer))
        buffer[:size] = self.answer[:size]
        self.answer = self.answer[size:]
        return size

class Sockets:
    SOCK_STREAM = 1
    socket = Socket
    getaddrinfo = staticmethod(lambda *arguments: [(2, 1, 0, "", "address")])

class Poll:
    def register(self, sock, events):
        self.ready = ((sock, 4),)

    def modify(self, sock, events):
        pass

    def ipoll(self, milliseconds):
        return self.ready

class Select:
    POLLIN = 1
    POLLOUT = 4
    poll = Poll

class Lock:
    taken = False

    def acquire(self, waiting):
        if self.taken:
            return False
        self.taken = True
        return True

    def release(self):
        self.taken = False

    def locked(self):
        return self.taken

class Thread:
    allocate_lock = Lock

class Os:
    urandom = staticmethod(bytes)

for name, module in (
    ("time", Time), ("socket", Sockets), ("select", Select), ("_thread", Thread), ("os", Os)
):
    sys.modules[name] = module
"""

# What idle_client_heap() said on commit 8f4fe22.
BEFORE_IDLE_HEAP = 1552  # bytes

HEAP = """
from umqtt.robust import MQTTClient

def client():
    c = MQTTClient("board-7", "192.168.1.10", keepalive=30)
    c.connect()
    return c

first = client()
second = None
gc.collect()
used = gc.mem_alloc()
second = client()
gc.collect()
print(gc.mem_alloc() - used)
"""


def idle_client_heap(board: Microcontroller) -> int:
    """Return the bytes that one connected umqtt.robust client holds, its connection included."""
    return int(board.run(STAND_INS + HEAP))
