"""An image in pieces over MQTT, which the board asks for: docs/update.md, "Asking for pieces"."""

import binascii
import time
from micropython import const

_PIECE = const(2048)
_HEAD = const(8)  # bytes before a piece: the id, the offset
_FIRST_WAIT = const(2000)  # ms for an answer, doubled each time
_MAX_WAIT = const(15000)


class Blocks:
    """The image of a command, block by block into `buffer`.

    received: how many bytes have come, in order.
    """

    def __init__(self, link, topic, command, buffer):
        self.received = 0
        self._client = link.client
        self._topic = topic
        self._id = command.id.encode()
        self._head = binascii.unhexlify(command.id)
        self._size = command.size
        self._buffer = buffer
        self._fill = 0  # bytes of the present block
        self._asked = 0  # the end of what was asked for
        self._asked_at = 0
        self._wait = _FIRST_WAIT
        self._client.add_handler(topic + b"/data", self._take)
        if self._client.isconnected():
            self._client.session.subscribe(topic + b"/data")

    def step(self, now):
        """Return the whole block that has come, a memoryview valid until the next step; or None."""
        block = None
        if self._fill and (self._fill == len(self._buffer) or self.received == self._size):
            block = memoryview(self._buffer)[: self._fill]
            self._fill = 0
        self._ask(now)
        return block

    def _ask(self, now):
        # For the rest of one block, which leaves after the block in hand is written. More of the
        # image would come while a sector is erased, and a command for the lamp wait behind it for
        # one more erase.
        if not self._client.isconnected():
            self._asked = self.received  # what was on its way is lost
            return
        if self._asked > self.received:
            if time.ticks_diff(now, self._asked_at) < self._wait:
                return
            self._wait = min(2 * self._wait, _MAX_WAIT)
        end = min(self._size, self.received - self._fill + len(self._buffer))
        count = (end - self.received + _PIECE - 1) // _PIECE
        if count:
            try:
                request = b"%s %d %d" % (self._id, self.received, count)
                self._client.publish_nowait(self._topic + b"/get", request)
            except OSError:
                return  # too much waits to be sent
            self._asked = end
            self._asked_at = now

    def _take(self, topic, message):
        piece = memoryview(message)[_HEAD:]
        fill = self._fill
        if (
            message[:4] == self._head
            and int.from_bytes(message[4:_HEAD], "big") == self.received
            and len(piece) == min(_PIECE, self._size - self.received)
            and fill + len(piece) <= len(self._buffer)
            and len(piece)
        ):
            self._buffer[fill : fill + len(piece)] = piece
            self._fill += len(piece)
            self.received += len(piece)
            self._asked = max(self._asked, self.received)
            self._asked_at = time.ticks_ms()
            self._wait = _FIRST_WAIT

    def close(self):
        """Ask no more."""
        topic = self._client.remove_handler(self._topic + b"/data")
        if self._client.isconnected():
            self._client.session.unsubscribe(topic)
