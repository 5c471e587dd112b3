"""umqtt's packet code on an emulated Cortex-M3: 32-bit numbers, and what a client holds."""

from __future__ import annotations

import pytest

from tests.microcontroller import Microcontroller
from tests.umqtt.mcu.idle_client import BEFORE_IDLE_HEAP, STAND_INS, idle_client_heap
from tests.umqtt.mcu.message_cost import BEFORE, message_cost

pytestmark = pytest.mark.qemu

# The broker's answers to CONNECT, SUBSCRIBE and two publishes, and two messages.
PROGRAM = """
from umqtt.simple import MQTTClient

sent = bytearray()
answers = (
    bytes.fromhex("20020000" "9003000101" "3a0b0003612f62ffff6d736731")
    + bytes.fromhex("40020002" "50020003" "70020003")
    + b"\\x30\\x83\\x02\\x00\\x01t" + b"x" * 256
)


class Broker(Socket):
    def __init__(self, *kind):
        self.answer = answers

    def write(self, data, offset, size):
        sent.extend(data[offset:])
        return size


Sockets.socket = Broker
got = []
c = MQTTClient("c", "host", keepalive=65535)
c.set_callback(lambda *message: got.append(message), details=True)
c.connect()
c.subscribe("a/+", 1)
c.publish("t", "é", qos=1)
c.publish("t", b"", True, 2)
c.wait_msg()
assert got == [
    (b"a/b", b"msg1", False, 1, True),
    (b"t", b"x" * 256, False, 0, False),
], got
assert sent == bytes.fromhex(
    "100d00044d5154540402ffff000163"
    "82080001" "0003612f2b01"
    "32070001740002c3a9"
    "4002ffff"
    "3505000174" "0003"
    "62020003"
), sent.hex()
print("ok")
"""


def test_packets() -> None:
    with Microcontroller() as board:
        assert board.run(STAND_INS + PROGRAM).endswith("ok\r\n")


def test_idle_client_holds_no_more_than_before() -> None:
    with Microcontroller() as board:
        assert idle_client_heap(board) <= BEFORE_IDLE_HEAP


def test_message_takes_half_of_before() -> None:
    cost = message_cost()
    assert cost.instructions <= BEFORE.instructions / 2 and cost.heap <= BEFORE.heap, cost
    assert cost.idle_heap <= BEFORE.idle_heap, cost
