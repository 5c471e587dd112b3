"""The serial line while set-up runs: Ctrl-C leads to the prompt, an Improv packet gets its answer.

The packets of Improv Wi-Fi (https://www.improv-wifi.com/serial/) are made of control characters, and
each request holds a Ctrl-C. So set-up takes over the line: 0x03 is a character, and interrupts where it
stands outside of a packet.
"""

import micropython
import select
import sys
import time
from micropython import const

BEGIN = b"IMPROV\x01"  # and the version
_TYPE = const(7)
_LENGTH = const(8)
_DATA = const(9)
_MAX_PACKET = const(265)  # with 255 bytes of data and the checksum

# A packet that stops in the middle is forgotten: a person has typed its beginning.
_SILENCE = const(100)  # ms
# So much one step reads at most: what the chip's buffer holds (mphalport.c of ports/esp32).
_MAX_READ = const(260)

_CTRL_C = const(3)
_REQUEST = const(3)  # a packet's type


def write_packet(kind, data):
    """Write a packet, from a line's beginning to a line's end.

    In one piece, and past print(), which would turn each 10 in it into 13, 10.
    """
    packet = BEGIN + bytes((kind, len(data))) + data
    sys.stdout.buffer.write(b"\n%s%c\n" % (packet, sum(packet) & 0xFF))


class SerialLine:
    """Holds the line until `close`. `take_request(data)` gets each request's command and data, or None
    for a request that is damaged."""

    def __init__(self, take_request):
        self._take_request = take_request
        self._packet = bytearray(_MAX_PACKET)
        self._size = 0  # so much of a packet is there
        self._last = 0  # ticks_ms of its last byte
        self._poller = select.poll()
        self._poller.register(sys.stdin, select.POLLIN)
        micropython.kbd_intr(-1)

    def step(self, ms=0):
        """Read what has come, up to one request; waits at most `ms` for the first byte. Raises
        KeyboardInterrupt at a Ctrl-C outside of a packet."""
        for _ in range(_MAX_READ):
            if not self._poller.poll(ms):
                if self._size and time.ticks_diff(time.ticks_ms(), self._last) >= _SILENCE:
                    self._size = 0
                return
            # One by one: what stands behind a Ctrl-C is for the prompt.
            data = sys.stdin.buffer.read(1)
            if not data:
                return  # a simulated board's line may have an end
            ms = 0
            self._last = time.ticks_ms()
            if self.take(data[0]):
                return

    def take(self, byte):
        """Take the next byte of the line; return whether it was a request's last, which has its answer."""
        size = self._size
        if size < len(BEGIN) and byte != BEGIN[size]:
            self._size = int(byte == BEGIN[0])
            if byte == _CTRL_C:
                raise KeyboardInterrupt
            return False
        self._packet[size] = byte
        size += 1
        is_whole = size > _DATA and size == _DATA + self._packet[_LENGTH] + 1
        self._size = 0 if is_whole else size
        if not is_whole or self._packet[_TYPE] != _REQUEST:
            return False
        self._end(memoryview(self._packet)[:size])
        return True

    def _end(self, packet):
        data = bytes(packet[_DATA:-1])
        is_right = packet[-1] == sum(packet[:-1]) & 0xFF
        # The command, the length of what follows it, and that.
        is_right = is_right and len(data) >= 2 and data[1] == len(data) - 2
        self._take_request(data if is_right else None)

    def close(self):
        """Let Ctrl-C interrupt again, as at any other time."""
        micropython.kbd_intr(_CTRL_C)
