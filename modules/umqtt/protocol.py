"""MQTT 3.1.1 as a client speaks it, without socket and clock: bytes in, events and bytes out.

Numbers in brackets are the statements of the OASIS Standard of 29 October 2014. The module also
runs under CPython, given a `micropython` that has `const`.
"""

import errno
import os

from micropython import const

try:
    from _frozen import topicmatch  # not a program's own /topicmatch.py
except ImportError:  # CPython has nothing frozen
    import topicmatch

is_topic = topicmatch.is_topic
validate_filter = topicmatch.validate_filter
validate_topic = topicmatch.validate_topic

# Packet types, as first bytes. `Session.receive` returns these as events,
CONNACK = const(0x20)
PUBLISH = const(0x30)  # the low four bits are DUP, QoS and RETAIN
PUBACK = const(0x40)
PUBREC = const(0x50)
PUBREL = const(0x62)
PUBCOMP = const(0x70)
SUBACK = const(0x90)
UNSUBACK = const(0xB0)
PINGRESP = const(0xD0)
# and these are only sent.
_CONNECT = const(0x10)
_SUBSCRIBE = const(0x82)
_UNSUBSCRIBE = const(0xA2)
_PINGREQ = b"\xc0\x00"
_DISCONNECT = b"\xe0\x00"

DUP = const(0x08)
REFUSED = const(0x80)  # the SUBACK code of a filter that the broker did not accept

_MAX_LENGTH = const(268435455)  # four bytes of Remaining Length, section 2.2.3
_MAX_SMALL = const(1024)  # bytes: a payload up to this is copied behind its header, for one write
_BUFFER = const(256)  # bytes: larger packets get memory of their own while they are received
_TICKS = const(0x3FFFFFFF)  # ticks_ms wraps at a multiple of this + 1 on every port

# Control characters and non-characters in topics: the standard says SHOULD NOT, we refuse them.
STRICT_TOPICS = True

# An unacknowledged publish is a list: packet identifier, the acknowledgement it waits for (PUBACK,
# PUBREC or PUBCOMP), the packet or its header (None once PUBREC has come), and the payload if that
# is apart.
_ID = const(0)
_AWAITS = const(1)
_PACKET = const(2)
_PAYLOAD = const(3)

# What is being thrown away of a PUBLISH that is too large. Two bytes follow the first two pieces:
# the length of the topic, and the packet identifier (with QoS 0 the topic counts as payload).
_SKIP_HEADER = const(1)
_SKIP_TOPIC = const(2)
_SKIP_PAYLOAD = const(3)

_COUNTERS = (
    "packets_in",
    "packets_out",
    "bytes_in",
    "bytes_out",
    "connects",
    "pings",
    "pings_answered",
    "ping_ms",
    "timeouts",
    "dropped",
    "oversize",
    "unhandled",
    "unknown_answers",
)


class MQTTException(Exception):
    """The broker said no. `args[0]` is the CONNACK code 1..5, or 0x80 for a refused filter."""


class ProtocolError(OSError):
    """The broker broke the rules of MQTT; the connection is closed [MQTT-4.8.0-1]."""

    def __init__(self, what, start="broker sent "):
        super().__init__(71, start + what)  # 71 is EPROTO, absent from errno


class NotMQTTError(ProtocolError):
    """The first bytes from the other side are not CONNACK; the text says what they look like."""

    def __init__(self, data):
        if data[:5] == b"HTTP/":
            what = "it is a web server"
        elif data[:2] == b"\x15\x03":
            what = "this port is for TLS"
        else:
            what = "it sent 0x%02x" % data[0]
        super().__init__(what, "what answers there is no MQTT broker: ")


def payload(value):
    """Return `value` as bytes: str becomes UTF-8, a buffer that may change is copied."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise TypeError("a message must be str, bytes, bytearray or memoryview")


def topic_name(value):
    """Return the topic name as bytes; ValueError if it cannot be published to [MQTT-4.7.1-1]."""
    validate_topic(value, strict=STRICT_TOPICS)
    return payload(value)


def topic_filter(value):
    """Return the topic filter as bytes; ValueError if it cannot be subscribed to."""
    validate_filter(value, strict=STRICT_TOPICS)
    return payload(value)


def check_qos(qos):
    """Raise ValueError unless `qos` is 0, 1 or 2."""
    if qos not in (0, 1, 2):
        raise ValueError("qos must be 0, 1 or 2")


def _text(name, value):
    # Client identifier and user name are UTF-8 strings that, unlike topics, may hold + and #
    # [MQTT-3.1.3-4] [MQTT-3.1.3-11]. Without those two the topic rules are exactly theirs.
    value = payload(value)
    try:
        validate_topic(value.replace(b"+", b"").replace(b"#", b"") or b"-")
    except ValueError as e:
        raise ValueError("%s: %s" % (name, e))
    return value


def _header(first, length):
    if length > _MAX_LENGTH:
        raise ValueError("the message is too long for MQTT")
    packet = bytearray((first,))
    while length > 0x7F:
        packet.append(length & 0x7F | 0x80)
        length >>= 7
    packet.append(length)
    return packet


def _extend(packet, *fields):
    # Fields are numbers of two bytes, and bytes as they are.
    for field in fields:
        if isinstance(field, int):
            packet.append(field >> 8)
            packet.append(field & 0xFF)
        else:
            packet.extend(field)


# A function with more than 11 words of variables, stack and `try` gets them from the heap for each
# call (MicroPython's py/objfun.c), which takes as long as ten short functions. So what runs for
# each message is cut into pieces.


def _small_packet(first, topic, message):
    # A PUBLISH with QoS 0 of less than 128 bytes.
    size = len(topic)
    length = 2 + size + len(message)
    packet = bytearray(2 + length)
    packet[0] = first
    packet[1] = length
    packet[3] = size
    packet[4 : 4 + size] = topic
    packet[4 + size :] = message
    return packet


class Session:
    """The client's side of an MQTT session, over any number of connections.

    It owns what outlives a connection (unacknowledged publishes, subscriptions, packet identifiers)
    and the state of the current one. A driver connects it with a socket and a clock:

        session.connect("board-7")          # a new connection; CONNECT is in session.out
        loop:
            for chunk in out:   write it, session.sent(bytes written)
            read into session.space(), event = session.receive(bytes read)
            while event is not None:
                act on it; before a PUBLISH remember(), after it acknowledge()
                event = session.receive()
            milliseconds = session.tick(now)
        session.close()                     # after any exception, or the end of the stream

    Nothing here waits, and no event allocates memory but a message's topic and payload. Every
    exception from `receive` and `tick` means that the connection is over: ProtocolError,
    MQTTException (refused), OSError(ETIMEDOUT). `publish`, `subscribe`, `unsubscribe`, `ping` and
    `disconnect` may be called by what interrupts any other method, a Timer callback or a thread:
    they add whole packets to `out` in one operation. All other methods need one caller at a time.

    Settings, to be set before `connect`:
        timeout: ms, for the CONNACK (from the first tick on), a PINGRESP, and any other answer
        probe: s, stands in for a keep alive of 0 when looking whether the link is alive
        max_packet: bytes; a larger PUBLISH is acknowledged, counted and thrown away
        republish: whether to publish again, as new, what the broker has forgotten with the session

    Read-only for drivers:
        is_connected: whether CONNACK has been accepted on this connection
        session_present: 0 or 1, from CONNACK
        out: list of bytes-like chunks for the socket, a packet's chunks side by side
        offset: how many bytes of the first chunk of `out` have been written
        in_flight: unacknowledged publishes, at most 65,535
        requests: packet identifier -> (topic filter, QoS, or None for UNSUBSCRIBE) unanswered
        granted: dict, topic filter -> QoS granted in this session, or REFUSED
        counters: dict of ints

    Shared with drivers:
        pid: the packet identifier used last, 0 to 65535
        subscriptions: dict, topic filter -> QoS, subscribed at each CONNACK unless the broker's
            session already has it

    Details of the event that `receive` returned, until its next call (`acknowledge` for PUBLISH):
        topic, payload: bytes, of PUBLISH; both None if there is nothing to deliver: the message is
            too large, or a QoS 2 message that has been delivered already
        identifier: packet identifier of every event that has one
        topic_filter: of a SUBACK or UNSUBACK; None if nobody asked
        code: of a SUBACK: the QoS granted, or REFUSED
    """

    timeout = 15000
    probe = 120
    max_packet = 4096
    republish = False

    def __init__(self):
        self.pid = 0
        self.subscriptions = {}
        self.in_flight = []
        self.requests = {}
        self.granted = {}
        self._qos2_received = []  # identifiers delivered, waiting for PUBREL
        self.counters = dict.fromkeys(_COUNTERS, 0)
        self.out = []
        self._memory = bytearray(_BUFFER)
        self._reset()

    def _reset(self):
        # The state of one connection.
        self.is_connected = False
        self.topic = self.payload = self.topic_filter = None
        self.session_present = self.identifier = self.code = self.offset = 0
        self._buffer = self._memory  # what is received; the packet being received begins at _start
        self._start = self._end = 0
        self._size = 0  # of the packet at _start; 0 until its fixed header is known. Then there
        # are also _kind, the first byte of that header, and _body, its length.
        self._is_pending = False  # a PUBLISH waits for acknowledge()
        self._skipping = 0  # the piece of a packet that is being thrown away
        self._skip = 0  # how many bytes are left of it
        self._payload_size = 0  # of that packet
        self._heard_at = self._sent_at = None  # the tick that saw it; None until the next tick
        self._is_pinged = False  # PINGREQ queued, and no PINGRESP yet
        self._pinged_at = None  # of the first PINGREQ that has no answer yet
        self._asked_at = None  # since when an answer is due (CONNACK first), nothing in the way

    # ---- a connection

    def connect(
        self, client_id, clean_session=True, keepalive=0, user=None, password=None, will=None
    ):
        """Begin a connection: put CONNECT in `out`. ValueError for what MQTT cannot carry.

        client_id, user: str or bytes. password: str or bytes, or None.
        keepalive: s, 0 to 65535. will: (topic, message, retain, qos), or None.
        """
        fields = [_text("client_id", client_id)]
        if not (fields[0] or clean_session):
            raise ValueError("an empty client_id needs clean_session=True")  # [MQTT-3.1.3-7]
        if not 0 <= keepalive <= 65535:
            raise ValueError("keepalive must be 0 to 65535 seconds")
        flags = 2 if clean_session else 0
        if will:
            topic, message, retain, qos = will
            check_qos(qos)
            flags |= 4 | qos << 3 | bool(retain) << 5
            fields.append(topic_name(topic))
            fields.append(payload(message))
        if user:  # an empty user name means none, as in micropython-lib
            flags |= 0x80
            fields.append(_text("user", user))
            if password is not None:
                flags |= 0x40
                fields.append(payload(password))
        body = bytearray(b"\x00\x04MQTT\x04")
        body.append(flags)
        _extend(body, keepalive)
        for field in fields:
            if len(field) > 65535:
                raise ValueError("a user name, password or last will may have 65535 bytes at most")
            _extend(body, len(field), field)
        packet = _header(_CONNECT, len(body))
        packet.extend(body)
        self.close()
        self._reset()
        self._clean_session = clean_session
        self._idle = (keepalive or self.probe) * 500  # ms
        if not (clean_session or self.pid):
            # The broker may hold a QoS 2 publish of an earlier run; a new one with the same packet
            # identifier would pass for its repetition [MQTT-4.3.3-2].
            self.pid = int.from_bytes(os.urandom(2), "big")
        self._queue(packet)

    def disconnect(self):
        """Put DISCONNECT in `out`; write it, then close the link [MQTT-3.14.4-1]."""
        self._queue(_DISCONNECT)

    def close(self):
        """The connection has ended. May be called again."""
        if self.is_connected:
            # DUP marks what has left once already [MQTT-3.3.1-1]. Before CONNACK nothing has.
            for entry in self.in_flight:
                if entry[_PACKET] and entry[_PACKET] not in self.out:
                    entry[_PACKET][0] |= DUP
        self.is_connected = self._is_pending = False
        self.topic = self.payload = None
        self._buffer = self._memory  # gives the memory of a large packet back
        self.out.clear()

    # ---- sending

    def _queue(self, packet, rest=None):
        # One extend, not two appends: a Timer callback can come between two calls.
        self.out.extend((packet, rest) if rest else (packet,))
        self.counters["packets_out"] += 1

    def _queue_ack(self, kind, identifier):
        self._queue(bytes((kind, 2, identifier >> 8, identifier & 0xFF)))  # [MQTT-2.3.1-6]

    def sent(self, count):
        """`count` bytes of the first chunk of `out`, from `offset` on, have been written."""
        self.counters["bytes_out"] += count
        self._sent_at = None
        self.offset += count
        if self.offset == len(self.out[0]):
            self.offset = 0
            self.out.pop(0)

    def publish(self, topic, message, retain=False, qos=0):
        """Queue a message; return its packet identifier, 0 with QoS 0.

        topic: str or bytes. message: str (as UTF-8) or bytes-like. ValueError for a bad topic or
        qos, TypeError for another message; nothing is queued then.
        """
        validate_topic(topic, strict=STRICT_TOPICS)
        if not isinstance(topic, bytes):
            topic = payload(topic)
        if not isinstance(message, bytes):
            message = payload(message)
        if qos or len(topic) + len(message) > 125:
            return self._publish(topic, message, retain, qos)
        self.out.append(_small_packet(PUBLISH | 1 if retain else PUBLISH, topic, message))
        self.counters["packets_out"] += 1
        return 0

    def _publish(self, topic, message, retain, qos):
        check_qos(qos)
        length = 2 + len(topic) + len(message) + (2 if qos else 0)
        packet = _header(PUBLISH | qos << 1 | bool(retain), length)
        _extend(packet, len(topic), topic)
        identifier = 0
        if qos:  # [MQTT-2.3.1-5]
            identifier = self._next_identifier()
            _extend(packet, identifier)
        if len(message) <= _MAX_SMALL:
            packet.extend(message)
            message = None
        if qos:
            self.in_flight.append([identifier, PUBACK if qos == 1 else PUBREC, packet, message])
        self._queue(packet, message)
        return identifier

    def is_unacknowledged(self, identifier):
        """Return whether what has this packet identifier still waits for the broker's answer."""
        return identifier in self.requests or self._find(identifier) is not None

    def subscribe(self, topic, qos=0):
        """Queue SUBSCRIBE for one topic filter; return its packet identifier. ValueError as above."""
        check_qos(qos)
        return self._request(topic_filter(topic), qos)

    def unsubscribe(self, topic):
        """Queue UNSUBSCRIBE for one topic filter; return its packet identifier."""
        return self._request(topic_filter(topic), None)

    def _request(self, name, qos):
        identifier = self._next_identifier()
        self.granted.pop(name, None)
        self.requests[identifier] = (name, qos)
        kind = _SUBSCRIBE
        options = b""
        if qos is None:
            kind = _UNSUBSCRIBE
        else:
            options = bytes((qos,))
        packet = _header(kind, 4 + len(name) + len(options))
        _extend(packet, identifier, len(name), name, options)
        self._queue(packet)
        return identifier

    def ping(self):
        """Queue PINGREQ, if none is waiting to leave; `tick` does it by itself when it is due."""
        if _PINGREQ not in self.out:
            self._queue(_PINGREQ)
            self.counters["pings"] += 1
            self._is_pinged = True

    def _find(self, identifier):
        for entry in self.in_flight:
            if entry[_ID] == identifier:
                return entry
        return None

    def _next_identifier(self):
        # 1..65535, and none that is still in use [MQTT-2.3.1-1] [MQTT-2.3.1-2]. In a variable:
        # what interrupts here takes another one.
        identifier = self.pid
        while True:
            identifier = self.pid = identifier % 65535 + 1
            if not self.is_unacknowledged(identifier):
                return identifier

    # ---- receiving

    def space(self):
        """Return a writable buffer for what is read next, or None while there is no room."""
        if not self._end:
            return self._buffer
        if self._end == len(self._buffer):
            return None
        return memoryview(self._buffer)[self._end :]

    def receive(self, count=0):
        """`count` bytes have been read into `space()`. Return the next event, or None.

        The event is the packet's first byte. Packets that arrived together are returned one by
        one: call it again, without `count`, until it returns None. A PUBLISH is returned again and
        again until `acknowledge()`.
        """
        if count:
            self._end += count
            self._heard_at = None
            self.counters["bytes_in"] += count
        if self._is_pending:
            return self._kind
        start = self._start
        kind = None
        if self._end > start:
            kind = self._receive(start)
        if kind is None and self._start:
            # Part of a packet at the most is left: room for the rest.
            rest = self._end - self._start
            if rest:
                self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start = 0
            self._end = rest
        return kind

    def _receive(self, start):
        if not (self._size or self._receive_header(start)):
            return None
        if self._skipping:
            if not self._skip_some():
                return None
        elif self._end - start < self._size:
            return None
        self.counters["packets_in"] += 1
        if self._kind & 0xF0 != PUBLISH:
            self._consume()
            self._handle(start + self._body)
        else:
            self._is_pending = True
            try:
                self._handle_publish(start + self._body)
            except MemoryError:
                self._handle_oversize()
        return self._kind

    def _receive_header(self, start):
        # Read the fixed header at `start`; return whether it is whole.
        kind = self._buffer[start]
        if not self.is_connected and kind != CONNACK:  # [MQTT-3.2.0-1]
            raise NotMQTTError(self._buffer[start : self._end])
        if self._end - start < 2:
            return False
        length = self._buffer[start + 1]
        self._body = 2
        if length > 0x7F:
            length = self._receive_length(start)
            if length is None:
                return False
        if kind & 0xF0 != PUBLISH:
            _check_header(kind, length, self.is_connected)
        elif kind & 6 == 6:  # [MQTT-3.3.1-4]
            raise ProtocolError("PUBLISH with QoS 3")
        elif length < (5 if kind & 6 else 3):  # a topic of one byte [MQTT-4.7.3-1], the identifier
            raise ProtocolError("PUBLISH that is too short")
        self._kind = kind
        self._size = self._body + length
        if self._size > len(self._buffer):
            self._receive_large(start)
        return True

    def _receive_length(self, start):
        # Read a Remaining Length of more than one byte; return it, or None if it is not whole.
        length = shift = 0
        for i in range(start + 1, self._end):
            byte = self._buffer[i]
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                self._body = i + 1 - start
                return length
            shift += 7
            if shift == 28:
                raise ProtocolError("a Remaining Length of more than 4 bytes")
        return None

    def _receive_large(self, start):
        # A packet that the buffer cannot hold: memory of its own, else it is thrown away.
        if self._size <= self.max_packet:
            try:
                packet = bytearray(self._size)
                packet[: self._end - start] = self._buffer[start : self._end]
                self._buffer = packet
                self._start = 0
                self._end -= start
                return
            except MemoryError:
                pass
        self._skipping = _SKIP_HEADER
        self._skip = self._body

    def _skip_some(self):
        # Throw away what is there of a packet that is too large; return whether that was all. The
        # identifier is kept, for the acknowledgement [MQTT-4.5.0-2].
        packet = self._buffer
        while self._skip_bytes():
            if self._skipping == _SKIP_PAYLOAD:
                return True
            start = self._start
            if self._end < start + 2:
                break
            number = packet[start] << 8 | packet[start + 1]
            self._start = start + 2
            if self._skipping == _SKIP_TOPIC:
                _check_identifier(number)
                self.identifier = number
                self._skip = self._payload_size
                self._skipping = _SKIP_PAYLOAD
                continue
            if not number:  # [MQTT-4.7.3-1]
                raise ProtocolError("a topic without a character")
            left = self._size - self._body - 2
            if self._kind & 6:
                self._skip = number
                self._skipping = _SKIP_TOPIC
                self._payload_size = left - number - 2
            else:
                self._skip = left
                self._skipping = _SKIP_PAYLOAD
                self._payload_size = left - number
            if self._payload_size < 0:
                raise ProtocolError("a topic longer than its packet")
        return False

    def _skip_bytes(self):
        count = min(self._skip, self._end - self._start)
        self._start += count
        self._skip -= count
        return not self._skip

    def _consume(self):
        # Go on with the packet behind this one.
        if self._buffer is self._memory:
            if not self._skipping:
                self._start += self._size
        else:
            self._buffer = self._memory
            self._start = self._end = 0
        self._size = self._skipping = 0

    # ---- handlers of packets

    def _handle_connack(self, flags, code):
        if flags > 1 or code > 5 or (code and flags):  # [MQTT-3.2.2-4]
            raise ProtocolError("CONNACK with flags %d and code %d" % (flags, code))
        if flags and self._clean_session:  # [MQTT-3.2.2-1]
            raise ProtocolError("a session that was not asked for")
        if code:  # [MQTT-3.2.2-5]
            raise MQTTException(code)
        self.session_present = flags
        self._asked_at = None
        self.counters["connects"] += 1
        unanswered = self.requests
        self.requests = {}
        if flags:
            # The broker knows our subscriptions, except those it has not confirmed: the session
            # may also be older than the last reset, with other filters.
            wanted = {}
            for name, qos in unanswered.values():
                if qos is None:
                    wanted[name] = None
            for name in self.subscriptions:
                if self.granted.get(name, REFUSED) == REFUSED:
                    wanted[name] = self.subscriptions[name]
        else:
            self.granted.clear()
            self._qos2_received.clear()
            self._drop_session()
            wanted = self.subscriptions
        for entry in self.in_flight:  # same identifiers, same order [MQTT-4.4.0-1]
            if entry[_PACKET]:
                self._queue(entry[_PACKET], entry[_PAYLOAD])
            else:
                self._queue_ack(PUBREL, entry[_ID])
        for name in wanted:
            self._request(name, wanted[name])
        self.is_connected = True  # last: what a Timer callback publishes is not of the above

    def _drop_session(self):
        # What was under way belongs to the old session [MQTT-3.1.2-6]. What the broker has taken
        # over (PUBREC) is not published again: it would arrive twice.
        kept = []
        if self.republish:
            for entry in self.in_flight:
                if entry[_PACKET]:
                    entry[_PACKET][0] &= ~DUP
                    kept.append(entry)
        self.counters["dropped"] += len(self.in_flight) - len(kept)
        self.in_flight = kept

    def _handle_publish(self, body):
        if self._skipping:
            self._handle_oversize()
            return
        packet = self._buffer
        stop = body + 2 + (packet[body] << 8 | packet[body + 1])
        rest = stop + 2 if self._kind & 6 else stop
        if rest > self._start + self._size:
            raise ProtocolError("a topic longer than its packet")
        packet = memoryview(packet)
        if not is_topic(packet[body + 2 : stop], strict=STRICT_TOPICS):
            # [MQTT-1.5.3-1] [MQTT-3.3.2-2] [MQTT-4.7.3-1]
            raise ProtocolError("a bad topic name")
        if rest > stop and self._is_duplicate(packet[stop] << 8 | packet[stop + 1]):
            return
        self.payload = bytes(packet[rest : self._start + self._size])
        self.topic = bytes(packet[body + 2 : stop])

    def _handle_oversize(self):
        # There is nothing to deliver: larger than max_packet, or than the heap.
        self.payload = None
        self.counters["oversize"] += 1

    def _is_duplicate(self, identifier):
        # Whether the message with this identifier has been delivered already.
        _check_identifier(identifier)
        self.identifier = identifier
        return self._kind & 4 and identifier in self._qos2_received

    def _handle(self, body):
        # A packet other than PUBLISH, whose variable header is at `body`.
        kind = self._kind
        packet = self._buffer
        if kind == PINGRESP:
            self.counters["pings_answered"] += 1
            self._is_pinged = False
            return
        if kind == CONNACK:
            self._handle_connack(packet[body], packet[body + 1])
            return
        identifier = packet[body] << 8 | packet[body + 1]
        _check_identifier(identifier)
        self.identifier = identifier
        self._asked_at = None
        if kind == SUBACK:
            self._handle_suback(identifier, packet[body + 2])
        elif kind == UNSUBACK:
            self._end_request(identifier, True)
        elif kind == PUBREL:
            self._handle_pubrel(identifier)
        else:
            entry = self._find(identifier)
            if entry is None:
                self.counters["unknown_answers"] += 1
            if kind == PUBREC:
                self._handle_pubrec(identifier, entry)
            elif entry:  # PUBACK, PUBCOMP
                if entry[_AWAITS] != kind:
                    raise ProtocolError("packet 0x%02x for another kind of publish" % kind)
                self.in_flight.remove(entry)

    def remember(self):
        """The PUBLISH that `receive` returned is about to be delivered: with QoS 2 never again.

        Not even if the connection ends before `acknowledge()` [MQTT-4.3.3-2].
        """
        if self._kind & 4 and self.identifier not in self._qos2_received:
            self._qos2_received.append(self.identifier)

    def acknowledge(self):
        """The PUBLISH that `receive` returned has been dealt with: queue PUBACK or PUBREC for it.

        Does nothing if the connection that it came from has been closed.
        """
        if not self._is_pending:
            return
        kind = self._kind
        self._is_pending = False
        self.topic = self.payload = None
        self._consume()
        if kind & 2:
            self._queue_ack(PUBACK, self.identifier)
        elif kind & 4:
            self.remember()
            self._queue_ack(PUBREC, self.identifier)

    def _handle_pubrec(self, identifier, entry):
        if entry:
            if entry[_AWAITS] == PUBACK:
                raise ProtocolError("PUBREC for a publish with QoS 1")
            # From here on only PUBREL may be repeated; in the order of the PUBRECs [MQTT-4.6.0-4].
            self.in_flight.remove(entry)
            self.in_flight.append([identifier, PUBCOMP, None, None])
        self._queue_ack(PUBREL, identifier)  # also if unknown, so that the broker can forget it

    def _handle_pubrel(self, identifier):
        # Answered even if unknown, so that the broker can forget it [MQTT-4.3.3-2].
        if identifier in self._qos2_received:
            self._qos2_received.remove(identifier)
        self._queue_ack(PUBCOMP, identifier)

    def _handle_suback(self, identifier, code):
        if code > 2 and code != REFUSED:  # [MQTT-3.9.3-2]
            raise ProtocolError("SUBACK with code %d" % code)
        name = self._end_request(identifier, False)
        self.code = code
        if name is not None:
            self.granted[name] = code

    def _end_request(self, identifier, is_unsubscribe):
        # Set the topic filter of the request that is answered, and return it.
        name, qos = self.requests.get(identifier, (None, 0))
        if name is None or (qos is None) != is_unsubscribe:
            self.counters["unknown_answers"] += 1
            name = None
        else:
            del self.requests[identifier]
        self.topic_filter = name
        return name

    # ---- time

    def tick(self, now):
        """Look at the clock; call it whenever `receive` has been called, and when it says.

        now: ms, from a clock like `time.ticks_ms` (it may wrap) that never goes back.
        Returns in how many ms it must be called again, 0 if there is something to do at once.
        Queues PINGREQ when it is due [MQTT-3.1.2-23]. OSError(ETIMEDOUT) if the broker has not
        answered in time: CONNECT, a PINGREQ, or for `timeout` nothing that it was asked.
        """
        if self._heard_at is None:
            self._heard_at = now
        if self._sent_at is None:
            self._sent_at = now
        if not self.is_connected:
            if self._asked_at is None:
                self._asked_at = now
            return self.left(now, self._asked_at, self.timeout)
        # Half the interval idle: PINGREQ; three quarters of it without an answer: dead. So the end
        # of the link is known after 1.25 intervals, before the broker gives up at 1.5.
        heard = now - self._heard_at & _TICKS
        sent = now - self._sent_at & _TICKS
        left = self._idle - (heard if heard > sent else sent)
        if self.requests or self.in_flight:
            left = min(left, self._check_answers(now, heard))
        if left <= 0 or self._is_pinged or self._pinged_at is not None:
            left = self._check_ping(now, heard, sent, left)
        return 0 if self.out or self._is_pending or self._start else left

    def _check_answers(self, now, heard):
        # Something has been asked: return how many ms are left for an answer.
        if self.out or self._end > self._start:  # it may be behind a long message on a slow link
            self._asked_at = None
            return self.timeout
        if self._asked_at is None:
            self._asked_at = now
        return self.left(now, self._asked_at, self.timeout) if heard else self.timeout

    def _check_ping(self, now, heard, sent, left):
        # PINGREQ is due, or has been sent, or PINGRESP has come: return how many ms are left.
        idle = self._idle
        if self._is_pinged:
            # The answer may come behind thousands of messages; the broker must hear from us
            # meanwhile. A PINGREQ that has not left yet is enough.
            is_due = heard < sent >= idle and not self.out
        else:
            if self._pinged_at is not None:
                self.counters["ping_ms"] = now - self._pinged_at & _TICKS
                self._pinged_at = None
            is_due = heard >= idle or sent >= idle
        if is_due:
            self.ping()
        if self._is_pinged:
            if left <= 0:
                left = idle
            if self._pinged_at is None:
                self._pinged_at = now
            if not (self._is_pending or self._start):  # unread messages are a sign of life as well
                since = self._pinged_at
                if heard < now - since & _TICKS:
                    since = self._heard_at
                left = min(left, self.left(now, since, min(self.timeout, idle * 3 >> 1)))
        return left

    def left(self, now, since, limit):
        """Return how many of the `limit` ms since then are left; OSError(ETIMEDOUT), counted."""
        passed = now - since & _TICKS
        if passed > limit:
            self.counters["timeouts"] += 1
            raise OSError(errno.ETIMEDOUT)
        return limit - passed


def _check_header(first, length, connected):
    # Refuse any other packet than PUBLISH by its fixed header: type, flags [MQTT-2.2.2-2],
    # Remaining Length, moment.
    wanted = 2
    if first == SUBACK:
        wanted = 3  # one return code: every SUBSCRIBE of ours carries one filter
    elif first == PINGRESP:
        wanted = 0
    elif first not in (CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK):
        raise ProtocolError("packet 0x%02x, which no broker may send" % first)
    if first == CONNACK and connected:
        raise ProtocolError("a second CONNACK")
    if length != wanted:
        raise ProtocolError("packet 0x%02x with Remaining Length %d" % (first, length))


def _check_identifier(identifier):
    if not identifier:  # [MQTT-2.3.1-1]
        raise ProtocolError("packet identifier 0")
