"""One connection to a broker, from the TCP connect to its end: whole packets in, whole packets out.

What outlives a connection (unacknowledged messages, subscriptions) is the client's. All input and
output of a connection happens here, under one guard, so that a Timer callback or another thread
can never write into the middle of a packet: it finds the guard taken and leaves its packet in the
queue, for the holder to send.
"""

import errno
import time
from _thread import allocate_lock

from micropython import const

from . import packets
from .link import Link

# States of a connection.
OPENING = const(0)  # TCP is being connected
GREETING = const(1)  # TLS handshake, CONNECT on its way, waiting for CONNACK
CONNECTED = const(2)

# Longest wait in one go, ms: what a Timer or a thread has queued meanwhile leaves after it.
SLICE = const(50)

# What `close` asks of whoever holds the guard.
_LEAVE = const(1)
_GOODBYE = const(2)

_MAX_QUEUE = const(64)  # chunks waiting for the socket before a caller is told to stop


class Connection:
    """Talks to the broker of `client`, whose settings, counters and buffer it uses.

    The constructor looks the broker's name up, which blocks (see `Link`), and starts to connect;
    `exchange` does the rest. Any exception from it means that this connection is over.
    """

    def __init__(self, client, clean_session):
        self._client = client
        self._clean_session = clean_session
        self._counters = client.counters
        self._guard = allocate_lock()
        self._greeting = packets.connect(client, clean_session)
        self._queue = []  # bytes-like chunks, a packet's chunks side by side
        self._offset = 0  # how much of the first chunk has been written
        self._packet = client.buffer  # the packet being received, from its first byte
        self._received = 0  # bytes of it
        self._size = 0  # of the whole packet; 0 until its fixed header is known
        self._skipped = 0  # stage of throwing away a packet that is too large
        self._left = 0  # bytes of that stage
        self.complete = None  # type byte of a packet that waits to be consumed
        self.body = 0  # where its variable header starts
        self.oversize = False
        self.identifier = 0  # of an acknowledgement, or of an oversize PUBLISH
        self.code = 0  # of a SUBACK
        self.session_present = 0
        self.state = OPENING
        self._leaving = 0
        self.ping_wanted = False
        self._pinged = None  # time of the first PINGREQ that has no answer yet
        # Half the interval idle: PINGREQ; three quarters of it without an answer: dead. So the end
        # of the link is known after 1.25 intervals, before the broker gives up at 1.5.
        interval = client.keepalive or client.PROBE
        self._timeout = int(client.TIMEOUT * 1000)
        self._idle = interval * 500
        self._silence = min(self._timeout, interval * 750)
        self.link = Link(client.server, client.port, client.ssl, client.ssl_params)
        self._sent_at = self._heard_at = time.ticks_ms()
        self.deadline = time.ticks_add(self._sent_at, self._timeout // (self.link.more + 1))

    # ---- sending

    def queue(self, packet, payload=None):
        """Queue one packet, as one chunk or as header and payload."""
        # One extend, not two appends: a Timer callback can come between two calls.
        self._queue.extend((packet, payload) if payload else (packet,))
        self._counters["packets_out"] += 1

    def crowded(self):
        """Return whether so much waits for the socket that nothing should be added."""
        return len(self._queue) >= _MAX_QUEUE

    def busy(self):
        """Return whether anything waits for the socket."""
        return bool(self._queue)

    def receiving(self):
        """Return whether a packet has come in part."""
        return self._received > 0

    def unsent(self, packet):
        """Return whether the chunk `packet` still waits to be written."""
        for chunk in self._queue:
            if chunk is packet:
                return True
        return False

    def _flush(self):
        queue = self._queue
        while queue:
            chunk = queue[0]
            written = self.link.write(chunk, self._offset)
            if not written:
                return False
            self._counters["bytes_out"] += written
            self._sent_at = time.ticks_ms()
            self._offset += written
            if self._offset < len(chunk):
                return False
            self._offset = 0
            queue.pop(0)
        return True

    def drain(self, waiting):
        """Send what is queued. `waiting`: until all has left, else OSError(ETIMEDOUT) after TIMEOUT.

        Returns at once if somebody else holds the guard: the holder sends it.
        """
        held = False
        try:
            held = self._guard.acquire(0)
            if held and self.state == CONNECTED:
                self._drain(waiting, self._timeout)
        finally:
            if held:
                self._let_go()

    def _drain(self, waiting, limit):
        deadline = time.ticks_add(time.ticks_ms(), limit)
        while not self._flush() and waiting:
            self.link.wait(SLICE, True)
            self._check_deadline(deadline)

    def close(self, goodbye=False):
        """Close, with DISCONNECT before it if `goodbye`; blocks one second at most.

        If somebody else is at the socket (a Timer callback can interrupt him anywhere, even inside
        the TLS library), he is asked to close it when he is done.
        """
        self._leaving = _GOODBYE if goodbye and self.state == CONNECTED else _LEAVE
        if self._guard.acquire(0):
            self._let_go()

    def _let_go(self):
        # Give the guard back; the last thing that its holder does.
        try:
            if self._leaving == _GOODBYE:
                self._leaving = _LEAVE
                self.queue(b"\xe0\x00")
                self._drain(True, 1000)
        except OSError:
            pass  # it is closed in any case
        finally:
            if self._leaving:  # [MQTT-3.14.4-1]
                self.link.close()
                self._queue.clear()
            self._guard.release()

    # ---- receiving

    def exchange(self, milliseconds):
        """Send what fits and receive up to one packet, waiting for it up to `milliseconds`.

        Returns its type byte, or None. A PUBLISH stays until `consume`; everything else may be
        overwritten by the next call.
        """
        held = False
        try:
            held = self._guard.acquire(0)
            if not held:
                time.sleep_ms(1)
                return None
            if self.state == OPENING and not self._open(milliseconds):
                return None
            kind = self._turn()
            if kind is None and milliseconds and self.link.wait(milliseconds, bool(self._queue)):
                kind = self._turn()
            self._watch()
            return kind
        finally:
            if held:
                self._let_go()

    def _turn(self):
        # During the TLS handshake writing comes first, and drives it.
        if self._flush() or self.state == CONNECTED:
            return self._receive()
        return None

    def _open(self, milliseconds):
        try:
            opened = self.link.opened(milliseconds)
            if not opened:
                self._check_deadline(self.deadline)
                return False
            self.state = GREETING
            self._queue.append(self._greeting)
            self._flush()  # tells whether the port was refused
            return True
        except OSError:
            if not self.link.more:
                raise
        # This address does not answer; the next one gets its own share of the time.
        self.state = OPENING
        self._queue.clear()
        self.link.next_address()
        self.deadline = time.ticks_add(time.ticks_ms(), self._timeout // (self.link.more + 1))
        return False

    def _fill(self, size):
        # True once the first `size` bytes of the packet are there.
        while self._received < size:
            count = self._read(self._packet, self._received, size)
            if not count:
                return False
            self._received += count
        return True

    def _read(self, buffer, start, stop):
        if start:
            buffer = memoryview(buffer)[start:]
        count = self.link.read_into(buffer, stop - start)
        if count == 0:
            raise OSError(-1)  # end of the stream, as in micropython-lib
        if count:
            self._counters["bytes_in"] += count
            self._heard_at = time.ticks_ms()
        return count

    def _receive(self):
        if self.complete is not None:
            return self.complete
        if not self._size and not self._receive_header():
            return None
        if self._skipped:
            if not self._skip():
                return None
        elif not self._fill(self._size):
            return None
        packet = self._packet
        kind = packet[0]
        self._counters["packets_in"] += 1
        if kind & 0xF0 == packets.PUBLISH:
            self.complete = kind
            return kind
        if self._size > 3:
            self.identifier = packet[2] << 8 | packet[3]
        self._received = self._size = 0
        if kind == packets.CONNACK:
            self._welcome(packet[2], packet[3])
        elif kind == packets.PINGRESP:
            if self._pinged is not None:
                self._counters["ping_ms"] = time.ticks_diff(time.ticks_ms(), self._pinged)
                self._pinged = None
            self._counters["pings_answered"] += 1
        else:
            packets.check_identifier(self.identifier)
            if kind == packets.SUBACK:
                self.code = packet[4]
                if self.code not in (0, 1, 2, packets.REFUSED):  # [MQTT-3.9.3-2]
                    raise packets.ProtocolError("SUBACK with code %d" % self.code)
        return kind

    def _receive_header(self):
        packet = self._packet
        if not self._fill(2):
            return False
        last = 1  # index of the last byte of Remaining Length
        while packet[last] & 0x80:
            if last == 4:
                raise packets.ProtocolError("a Remaining Length of more than 4 bytes")
            last += 1
            if not self._fill(last + 1):
                return False
        length = 0
        for i in range(last, 0, -1):
            length = length << 7 | packet[i] & 0x7F
        packets.check_header(packet[0], length, self.state == CONNECTED)
        self.body = last + 1
        self._size = last + 1 + length
        if self._size > len(packet) and not self._grow():
            self._skipped = 1
        return True

    def _grow(self):
        # A packet that the buffer cannot hold gets memory of its own, within the guard.
        if self._size <= self._client.MAX_PACKET:
            try:
                packet = bytearray(self._size)
                packet[: self.body] = memoryview(self._packet)[: self.body]
                self._packet = packet
                return True
            except MemoryError:
                pass
        return False

    def _skip(self):
        # Throw an oversize PUBLISH away in pieces: 1 topic length, 2 topic, 3 identifier,
        # 4 payload. The identifier is kept, for the acknowledgement [MQTT-4.5.0-2].
        body = self.body
        packet = self._packet
        while True:
            if self._skipped & 1:
                if not self._fill(body + 2):
                    return False
                number = packet[body] << 8 | packet[body + 1]
                self._received = body
                if self._skipped == 1:
                    self._left = number
                    self._size -= body + 2 + number  # what follows the topic
                    if packet[0] & 6:
                        self._size -= 2
                    if self._size < 0:
                        raise packets.ProtocolError("a topic longer than its packet")
                else:
                    self.identifier = number
                    packets.check_identifier(number)
                    self._left = self._size
            else:
                while self._left:
                    room = min(self._left, len(packet) - body)
                    count = self._read(packet, body, body + room)
                    if not count:
                        return False
                    self._left -= count
                if self._skipped == 2 and not packet[0] & 6:
                    self._skipped = 3
                    self._left = self._size
                elif self._skipped == 4:
                    self.oversize = True
                    return True
            self._skipped += 1

    def message(self):
        """Return topic and payload of the complete PUBLISH, as new bytes; set `identifier`."""
        packet = memoryview(self._packet)[: self._size]
        start = self.body + 2
        stop = start + (packet[start - 2] << 8 | packet[start - 1])
        rest = stop + 2 if packet[0] & 6 else stop
        if rest > self._size:
            raise packets.ProtocolError("a topic longer than its packet")
        if rest > stop:
            self.identifier = packet[stop] << 8 | packet[stop + 1]
            packets.check_identifier(self.identifier)
        packets.check_topic(packet[start:stop])
        return bytes(packet[start:stop]), bytes(packet[rest:])

    def consume(self):
        """Make room for the next packet after a PUBLISH."""
        self.complete = None
        self.oversize = False
        self._packet = self._client.buffer
        self._received = self._size = self._skipped = 0

    def _welcome(self, flags, code):
        if flags > 1 or code > 5 or (code and flags):  # [MQTT-3.2.2-4]
            raise packets.ProtocolError("CONNACK with flags %d and code %d" % (flags, code))
        if flags and self._clean_session:  # [MQTT-3.2.2-1]
            raise packets.ProtocolError("a session that was not asked for")
        if code:  # [MQTT-3.2.2-5]
            raise packets.MQTTException(code)
        self.session_present = flags
        self.state = CONNECTED
        self._greeting = None  # holds the password

    # ---- time

    def _check_deadline(self, deadline):
        if time.ticks_diff(time.ticks_ms(), deadline) > 0:
            self._counters["timeouts"] += 1
            raise OSError(errno.ETIMEDOUT)

    def _watch(self):
        # Keep alive [MQTT-3.1.2-23]; the end of a link that has silently died.
        if self.state != CONNECTED:
            self._check_deadline(self.deadline)
            return
        now = time.ticks_ms()
        heard = time.ticks_diff(now, self._heard_at)
        sent = time.ticks_diff(now, self._sent_at)
        if self._pinged is None:
            due = max(heard, sent) >= self._idle
        else:
            if min(heard, time.ticks_diff(now, self._pinged)) > self._silence:
                if self.complete is None:  # unread messages are a sign of life as well
                    self._counters["timeouts"] += 1
                    raise OSError(errno.ETIMEDOUT)
            # The answer may come behind thousands of messages; the broker must hear from us
            # meanwhile. A PINGREQ that has not left yet is enough.
            due = heard < sent >= self._idle and not self._queue
        if due:
            self.ping_wanted = True
        if self.ping_wanted:
            self.ping_wanted = False
            self.ping()
            self._flush()

    def ping(self):
        """Queue PINGREQ."""
        self.queue(b"\xc0\x00")
        self._counters["pings"] += 1
        if self._pinged is None:
            self._pinged = time.ticks_ms()

    def next_deadline(self):
        """Return the `ticks_ms` at which `exchange` must be called again, if nothing else happens."""
        if self.state != CONNECTED:
            return time.ticks_add(time.ticks_ms(), SLICE)
        if self._queue or self.complete is not None:
            return time.ticks_ms()
        ping = time.ticks_add(self._sent_at, self._idle)
        heard_since = time.ticks_diff(self._heard_at, self._sent_at) > 0
        if self._pinged is None:
            return ping if heard_since else time.ticks_add(self._heard_at, self._idle)
        alive = self._heard_at
        if time.ticks_diff(self._pinged, alive) > 0:
            alive = self._pinged
        dead = time.ticks_add(alive, self._silence)
        return ping if heard_since and time.ticks_diff(ping, dead) < 0 else dead
