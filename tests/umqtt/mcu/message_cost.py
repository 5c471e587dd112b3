"""What a message costs on a 32-bit microcontroller: instructions, and bytes of heap.

The client is umqtt.robust with one filter, driven as the device does: `step(50)` waits, a message
of 32 bytes comes in at QoS 0, its handler publishes one as large at QoS 0. The socket, the clock
and the locks cost as little as the emulated microcontroller allows, and the same for every client,
so that what is counted is the client. Only its public API is used: the figures of an older commit
come from this program with that commit's firmware:

    git worktree add ../before 8f4fe22 && cd ../before && make test-mcu
    cd - && FIRMWARE=../before/build/mcu/firmware.elf python3 -m tests.umqtt.mcu.message_cost
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from tests import microcontroller
from tests.umqtt.mcu.idle_client import STAND_INS
from tests.microcontroller import Microcontroller

PROGRAM = """
import machine, micropython
from umqtt.robust import MQTTClient

MESSAGES = 50
TIMER = 0x40000000  # counts down at 25 MHz, and a nanosecond is an instruction
machine.mem32[TIMER + 8] = machine.mem32[TIMER + 4] = 0xffffffff
machine.mem32[TIMER] = 1


class Clock:
    @staticmethod
    @micropython.native
    def ticks_ms():
        return 0

    @staticmethod
    @micropython.native
    def add(a, b):
        return a + b

    @staticmethod
    @micropython.native
    def subtract(a, b):
        return a - b


Time.ticks_ms = Clock.ticks_ms
Time.ticks_add = Clock.add
Time.ticks_diff = Clock.subtract


class Broker(Socket):
    def __init__(self, *kind):
        self.answer = bytes.fromhex("20020000" "9003000100")
        self.position = 0

    @micropython.native
    def write(self, data, offset, size):
        return size

    @micropython.native
    def readinto(self, buffer, size=256):
        left = len(self.answer) - self.position
        if not left:
            return None
        if size > left:  # the client reads less at a time, or as much as there is
            size = left
        buffer[:size] = self.answer[self.position : self.position + size]
        self.position += size
        return size


class Waiting(Poll):
    # A message comes in while the client waits.
    @micropython.native
    def ipoll(self, milliseconds):
        self.ready[0][0].position = 0
        return self.ready


class NativeLock(Lock):
    @micropython.native
    def locked(self):
        return self.taken

    @micropython.native
    def acquire(self, waiting):
        if self.taken:
            return False
        self.taken = True
        return True

    @micropython.native
    def release(self):
        self.taken = False


Sockets.socket = Broker
Select.poll = Waiting
Thread.allocate_lock = NativeLock
payload = b"x" * 32
seen = 0


def handler(topic, message):
    global seen
    seen += 1
    client.publish_nowait("class/7/state", payload)


client = MQTTClient("board-7", "192.168.1.10", keepalive=30)
client.on("class/7/lamp", handler)
client.connect()
client.step()
client.sock.answer = b"\\x30\\x2e\\x00\\x0cclass/7/lamp" + payload
client.sock.position = len(client.sock.answer)
while seen < 5:
    client.step(50)


def run():
    for _ in range(MESSAGES):
        client.step(50)


def idle():
    for _ in range(MESSAGES):
        client.step()


def count(work):
    gc.collect()
    gc.disable()
    used = gc.mem_alloc()
    start = machine.mem32[TIMER + 4]
    work()
    taken = start - machine.mem32[TIMER + 4]
    used = gc.mem_alloc() - used
    gc.enable()
    print(taken * 40 // MESSAGES, used // MESSAGES)


seen = 0
count(run)
assert seen == MESSAGES, seen
count(idle)
assert seen == MESSAGES, seen
"""


class Cost(NamedTuple):
    """Of one QoS 0 message in and one out, and of one step in which nothing happens."""

    instructions: int
    heap: int  # bytes allocated, garbage included
    idle_instructions: int
    idle_heap: int


# Measured with this program on commit 8f4fe22, before the client was rebuilt around a protocol
# without input and output.
BEFORE = Cost(instructions=222576, heap=657, idle_instructions=83502, idle_heap=1)


def message_cost() -> Cost:
    """Measure; the emulated microcontroller counts instructions, repeatably."""
    with Microcontroller(counting=True) as board:
        return Cost(*map(int, board.run(STAND_INS + PROGRAM).split()))


if __name__ == "__main__":
    if "FIRMWARE" in os.environ:
        microcontroller.FIRMWARE = Path(os.environ["FIRMWARE"])
    print(message_cost())
