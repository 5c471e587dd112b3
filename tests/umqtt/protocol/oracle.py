"""What a client does, worked out from the text of MQTT 3.1.1, slowly and by the letter.

It shares no code with the client and has its face (`client.Client`), so that conversations and
the fuzzer can play both. Where the standard leaves a choice, the choice of docs/umqtt.md is in
`Oracle` under "our choice". For time, `Clock` knows what may and what must happen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Event = tuple


class Violation(Exception):
    """The server broke the rules [MQTT-4.8.0-1]."""


class Denied(Exception):
    """CONNACK with a code."""


def number(value: int) -> bytes:
    return value.to_bytes(2, "big")


def string(data: bytes) -> bytes:
    if len(data) > 65535:  # 1.5.3
        raise ValueError("too long")
    return number(len(data)) + data


def packet(first: int, *fields: bytes) -> bytes:
    body = b"".join(fields)
    length = b""
    rest = len(body)
    while True:  # 2.2.3
        rest, digit = divmod(rest, 128)
        if rest == 0:
            return bytes([first]) + length + bytes([digit]) + body
        length += bytes([digit + 128])


def check_text(data: bytes) -> str:
    """Return `data` as text; ValueError unless it is a string of section 1.5.3."""
    try:
        text = data.decode("utf-8")  # refuses surrogates and overlong forms [MQTT-1.5.3-1]
    except UnicodeDecodeError:
        raise ValueError("UTF-8")
    if "\0" in text:  # [MQTT-1.5.3-2]
        raise ValueError("U+0000")
    if len(data) > 65535:
        raise ValueError("too long")
    return text


def check_name(data: bytes) -> None:
    """ValueError unless `data` is a topic name."""
    text = check_text(data)
    if text == "":  # [MQTT-4.7.3-1]
        raise ValueError("empty")
    if "+" in text or "#" in text:  # [MQTT-3.3.2-2]
        raise ValueError("wildcard")
    for character in text:  # SHOULD NOT be there, section 1.5.3; our choice is to refuse them
        point = ord(character)
        if point < 0x20 or 0x7F <= point < 0xA0:
            raise ValueError("control character")
        if point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF:
            raise ValueError("non-character")


def check_filter(data: bytes) -> None:
    """ValueError unless `data` is a topic filter."""
    levels = check_text(data).split("/")
    for index, level in enumerate(levels):
        if "#" in level and not (level == "#" and index == len(levels) - 1):  # [MQTT-4.7.1-2]
            raise ValueError("wildcard")
        if "+" in level and level != "+":  # [MQTT-4.7.1-3]
            raise ValueError("wildcard")
    check_name(data.replace(b"+", b"p").replace(b"#", b"h"))
    if levels[0] == "$share":  # shared subscriptions, of MQTT 5: our choice
        if len(levels) < 3 or "" in (levels[1], "/".join(levels[2:])):
            raise ValueError("share")
        if "+" in levels[1] or "#" in levels[1]:
            raise ValueError("share")


def to_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


@dataclass
class Leaving:
    """A packet on its way to the server."""

    data: bytes
    is_dup_free: bool = False  # DUP may be 0 or 1
    gone: int = 0  # bytes that have left


@dataclass
class Publish:
    """A PUBLISH with QoS 1 or 2 that has not been acknowledged."""

    identifier: int
    qos: int
    retain: bool
    topic: bytes
    payload: bytes
    is_released: bool = False  # PUBREC has come: only PUBREL may be sent now
    has_left: bool | None = False  # None: a part of it
    transmissions: list[Leaving] = field(default_factory=list)


class Oracle:
    def __init__(self) -> None:
        self.events: list[Event] = []
        # Called for each event before it is answered; the fuzzer's program acts in it.
        self.react: Callable[[Event], None] = lambda event: None
        self.last = 0  # identifier used
        self.unacknowledged: list[Publish] = []
        self.requests: dict[int, tuple[bytes, int | None]] = {}
        self.granted: set[bytes] = set()
        self.subscriptions: dict[bytes, int] = {}
        self.received: set[int] = set()  # QoS 2 identifiers between PUBLISH and PUBREL
        self.republishes = False
        self.max_packet = 4096
        self.is_open = False
        self.is_accepted = False
        self.is_clean = True
        self.is_stalled = False
        self.stream = b""
        self.leaving: list[Leaving] = []
        self.pings = 0
        self.calls = {
            name: getattr(self, name)
            for name in (
                "connect",
                "connected",
                "disconnect",
                "in_flight",
                "last_identifier",
                "limit",
                "lost",
                "ping",
                "publish",
                "received_part",
                "republish",
                "stalled",
                "subscribe",
                "tick",
                "unsubscribe",
                "wanted",
            )
        }

    # ---- calls

    def connect(
        self,
        client_id: str | bytes = "c",
        clean_session: bool = True,
        keepalive: int = 0,
        user: str | bytes | None = None,
        password: str | bytes | None = None,
        will: tuple | None = None,
    ) -> None:
        identifier = to_bytes(client_id)
        check_text(identifier)  # [MQTT-3.1.3-4]
        if identifier == b"" and not clean_session:  # [MQTT-3.1.3-7]
            raise ValueError("empty client identifier")
        if keepalive not in range(65536):
            raise ValueError("keep alive")
        flags = 0b10 if clean_session else 0
        payload = string(identifier)  # in this order [MQTT-3.1.3-1]
        if will is not None:
            topic, message, retain, qos = will
            if qos not in (0, 1, 2):  # [MQTT-3.1.2-14]
                raise ValueError("QoS")
            check_name(to_bytes(topic))
            flags |= 0b100 | qos << 3 | (0b100000 if retain else 0)
            payload += string(to_bytes(topic)) + string(to_bytes(message))
        if user:  # our choice: an empty user name is none
            check_text(to_bytes(user))  # [MQTT-3.1.3-11]
            flags |= 0b10000000
            payload += string(to_bytes(user))
            if password is not None:  # [MQTT-3.1.2-22]
                flags |= 0b1000000
                payload += string(to_bytes(password))
        header = string(b"MQTT") + bytes([4, flags]) + number(keepalive)
        self.lost()
        self.is_open = True
        self.is_clean = clean_session
        self.is_stalled = False
        self.leaving = [Leaving(packet(0x10, header, payload))]

    def connected(self, **arguments) -> None:
        self.connect(**arguments)
        self.leave()
        self.arrive(b"\x20\x02\x00\x00")
        self.leave()
        self.events = []

    def lost(self) -> None:
        for publish in self.unacknowledged:
            for leaving in publish.transmissions:
                if leaving.gone == len(leaving.data):
                    publish.has_left = True
                elif leaving.gone and not publish.has_left:
                    publish.has_left = None
            publish.transmissions = []
        self.is_open = self.is_accepted = False
        self.leaving = []
        self.stream = b""

    def stalled(self) -> None:
        self.is_stalled = True

    def publish(
        self, topic: str | bytes, message: str | bytes, retain: bool = False, qos: int = 0
    ) -> None:
        if qos not in (0, 1, 2):  # [MQTT-3.3.1-4]
            raise ValueError("QoS")
        topic = to_bytes(topic)
        check_name(topic)
        if qos == 0:
            self.send(packet(0x31 if retain else 0x30, string(topic), to_bytes(message)))
        else:
            self.unacknowledged.append(
                Publish(self.new_identifier(), qos, retain, topic, to_bytes(message))
            )
            self.transmit(self.unacknowledged[-1])

    def subscribe(self, topic_filter: str | bytes, qos: int = 0) -> None:
        if qos not in (0, 1, 2):  # [MQTT-3.8.3-4]
            raise ValueError("QoS")
        check_filter(to_bytes(topic_filter))
        self.request(to_bytes(topic_filter), qos)

    def unsubscribe(self, topic_filter: str | bytes) -> None:
        check_filter(to_bytes(topic_filter))
        self.request(to_bytes(topic_filter), None)

    def ping(self) -> None:
        if any(leaving.data == b"\xc0\x00" for leaving in self.leaving):
            return  # our choice: one that waits to leave is enough
        self.pings += 1
        self.send(packet(0xC0))

    def disconnect(self) -> None:
        self.send(packet(0xE0))

    def wanted(self, topic_filter: str, qos: int) -> None:
        self.subscriptions[topic_filter.encode()] = qos

    def republish(self) -> None:
        self.republishes = True

    def limit(self, size: int) -> None:
        self.max_packet = size

    def last_identifier(self, identifier: int) -> None:
        self.last = identifier

    def in_flight(self, *identifiers: int) -> None:
        found = tuple(publish.identifier for publish in self.unacknowledged)
        assert found == identifiers, found

    def received_part(self, data: bytes) -> None:
        self.arrive(data)

    def tick(self, now: int) -> None:
        """Nothing that the standard says: see `Clock`."""

    # ---- what leaves

    def send(self, data: bytes) -> Leaving:
        self.leaving.append(Leaving(data))
        return self.leaving[-1]

    def transmit(self, publish: Publish) -> None:
        if publish.is_released:  # [MQTT-4.3.3-1]
            self.send(packet(0x62, number(publish.identifier)))
            return
        first = 0x30 | publish.qos << 1 | publish.retain
        if publish.has_left:  # [MQTT-3.3.1-1]
            first |= 0x08
        leaving = self.send(
            packet(first, string(publish.topic), number(publish.identifier), publish.payload)
        )
        leaving.is_dup_free = publish.has_left is None
        publish.transmissions.append(leaving)

    def request(self, topic_filter: bytes, qos: int | None) -> None:
        identifier = self.new_identifier()
        self.requests[identifier] = (topic_filter, qos)
        self.granted.discard(topic_filter)
        if qos is None:
            self.send(packet(0xA2, number(identifier), string(topic_filter)))
        else:
            self.send(packet(0x82, number(identifier), string(topic_filter), bytes([qos])))

    def new_identifier(self) -> int:
        """Our choice: the next one after the last, of those not in use [MQTT-2.3.1-2]."""
        used = {publish.identifier for publish in self.unacknowledged} | set(self.requests)
        while True:
            self.last = 1 if self.last == 65535 else self.last + 1  # [MQTT-2.3.1-1]
            if self.last not in used:
                return self.last

    def leave(self, most: int | None = None) -> bytes:
        """Return what leaves now, up to `most` bytes."""
        return b"".join(data for data, _ in self.leave_pieces(most))

    def leave_pieces(self, most: int | None = None) -> list[tuple[bytes, bool]]:
        """As leave, in pieces, each with whether bit 3 of its first byte may be 0 or 1."""
        pieces = []
        while self.is_open and not self.is_stalled and self.leaving and most != 0:
            leaving = self.leaving[0]
            end = len(leaving.data) if most is None else leaving.gone + most
            piece = leaving.data[leaving.gone : end]
            pieces.append((piece, leaving.is_dup_free and not leaving.gone))
            leaving.gone += len(piece)
            if most is not None:
                most -= len(piece)
            if leaving.gone == len(leaving.data):
                self.leaving.pop(0)
        return pieces

    # ---- what arrives

    def arrive(self, data: bytes, most: int | None = None) -> None:
        """`data` arrives; handle up to `most` packets of all that has arrived."""
        if not self.is_open:
            return
        self.stream += data
        try:
            while self.is_open and most != 0 and self.take_packet():
                if most is not None:
                    most -= 1
        except Violation:
            self.events.append(("violation",))
            self.lost()
        except Denied as denied:
            self.events.append(("denied", denied.args[0]))
            self.lost()

    def header(self) -> tuple[int, int, int] | None:
        """Return first byte, length of the fixed header, and Remaining Length; None if it is not all there."""
        length = 0
        for index in range(1, 5):  # 2.2.3
            if len(self.stream) <= index:
                return None
            length += (self.stream[index] & 127) * 128 ** (index - 1)
            if self.stream[index] < 128:
                return self.stream[0], index + 1, length
        raise Violation("Remaining Length")

    def take_packet(self) -> bool:
        """Handle the first packet of the stream, if it is all there."""
        header = self.header()
        if header is None:
            return False
        first, size, length = header
        self.check_header(first, length)
        if len(self.stream) < size + length:
            return False
        body = self.stream[size : size + length]
        self.stream = self.stream[size + length :]
        self.handle(first, size + length, body)
        return True

    def check_header(self, first: int, length: int) -> None:
        kind, flags = first >> 4, first & 15
        if (kind == 2) == self.is_accepted:  # CONNACK comes first [MQTT-3.2.0-1], and once
            raise Violation("CONNACK")
        if kind == 3:
            qos = flags >> 1 & 3
            if qos == 3:  # [MQTT-3.3.1-4]
                raise Violation("QoS 3")
            if length < (3 if qos == 0 else 5):  # a topic of one byte, and the identifier
                raise Violation("length")
            return
        lengths = {2: 2, 4: 2, 5: 2, 6: 2, 7: 2, 9: 3, 11: 2, 13: 0}
        if kind not in lengths:
            raise Violation("no server sends this")
        if flags != (2 if kind == 6 else 0):  # [MQTT-2.2.2-2]
            raise Violation("flags")
        if length != lengths[kind]:
            raise Violation("length")

    def handle(self, first: int, size: int, body: bytes) -> None:
        kind = first >> 4
        if kind == 2:
            self.handle_connack(body[0], body[1])
        elif kind == 3:
            self.handle_publish(first & 15, size, body)
        elif kind == 13:
            self.tell("pong")
        else:
            identifier = int.from_bytes(body[:2], "big")
            if identifier == 0:  # [MQTT-2.3.1-1]
                raise Violation("identifier 0")
            if kind == 9:
                self.handle_suback(identifier, body[2])
            elif kind == 11:
                self.handle_unsuback(identifier)
            elif kind == 6:
                self.received.discard(identifier)  # [MQTT-4.3.3-2]
                self.answer(0x70, identifier)
            else:
                self.handle_acknowledgement(kind, identifier)

    def tell(self, *event) -> bool:
        """Report an event; return whether the connection still stands after the program acted on it."""
        self.events.append(event)
        self.react(event)
        return self.is_open

    def answer(self, first: int, identifier: int) -> None:
        self.send(packet(first, number(identifier)))

    def handle_connack(self, flags: int, code: int) -> None:
        if flags not in (0, 1) or code > 5:
            raise Violation("CONNACK")
        if flags == 1 and (code != 0 or self.is_clean):  # [MQTT-3.2.2-4] [MQTT-3.2.2-1]
            raise Violation("session present")
        if code != 0:  # [MQTT-3.2.2-5]
            raise Denied(code)
        self.is_accepted = True
        unanswered = list(self.requests.values())
        self.requests = {}
        again: dict[bytes, int | None] = {}
        if flags == 1:
            # Our choice: what had no answer is asked again, and what the server never granted. An
            # unanswered SUBSCRIBE is among the latter.
            for topic_filter, qos in unanswered:
                if qos is None:
                    again[topic_filter] = qos
            for topic_filter, qos in self.subscriptions.items():
                if topic_filter not in self.granted:
                    again[topic_filter] = qos
        else:
            # The server has forgotten, so does the client [MQTT-3.1.2-6].
            self.received = set()
            self.granted = set()
            self.unacknowledged = [
                publish
                for publish in self.unacknowledged
                if self.republishes and not publish.is_released
            ]
            for publish in self.unacknowledged:
                publish.has_left = False
            again.update(self.subscriptions)
        for publish in self.unacknowledged:  # [MQTT-4.4.0-1], in order [MQTT-4.6.0-1]
            self.transmit(publish)
        for topic_filter, qos in again.items():
            self.request(topic_filter, qos)
        self.tell("connected", flags)

    def handle_publish(self, flags: int, size: int, body: bytes) -> None:
        dup, qos, retain = flags >> 3, flags >> 1 & 3, flags & 1
        length = int.from_bytes(body[:2], "big")
        rest = body[2 + length :]
        if len(body) < 2 + length or (qos > 0 and len(rest) < 2):
            raise Violation("a topic longer than its packet")
        topic = body[2 : 2 + length]
        identifier = 0
        if qos > 0:
            identifier = int.from_bytes(rest[:2], "big")
            rest = rest[2:]
            if identifier == 0:  # [MQTT-2.3.1-1]
                raise Violation("identifier 0")
        if topic == b"":
            raise Violation("topic")
        if size > self.max_packet and size > 256:  # our choice: not looked at, but acknowledged
            stands = self.tell("oversize")
        else:
            try:
                check_name(topic)
            except ValueError:
                raise Violation("topic")
            if qos == 2 and identifier in self.received:  # [MQTT-4.3.3-2]
                stands = True
            else:
                stands = self.tell("message", topic, rest, qos, retain, dup)
        if stands and qos == 1:  # [MQTT-3.3.4-1]
            self.answer(0x40, identifier)
        elif stands and qos == 2:
            self.received.add(identifier)
            self.answer(0x50, identifier)

    def handle_suback(self, identifier: int, code: int) -> None:
        if code not in (0, 1, 2, 0x80):  # [MQTT-3.9.3-2]
            raise Violation("code")
        topic_filter, qos = self.requests.get(identifier, (None, None))
        if qos is None:
            self.tell("unexpected")
            return
        del self.requests[identifier]
        if code != 0x80:
            self.granted.add(topic_filter)
        self.tell("subscribed", topic_filter, code)

    def handle_unsuback(self, identifier: int) -> None:
        topic_filter, qos = self.requests.get(identifier, (None, 0))
        if qos is not None:
            self.tell("unexpected")
            return
        del self.requests[identifier]
        self.tell("unsubscribed", topic_filter)

    def handle_acknowledgement(self, kind: int, identifier: int) -> None:
        for publish in self.unacknowledged:
            if publish.identifier == identifier:
                break
        else:
            # Of a publish that an earlier run of the client may have sent.
            if kind == 5:
                self.answer(0x62, identifier)
            self.tell("unexpected")
            return
        if kind == 4 and publish.qos == 1:  # PUBACK
            self.unacknowledged.remove(publish)
            self.tell("acknowledged", identifier)
        elif kind == 5 and publish.qos == 2:  # PUBREC
            publish.is_released = True
            self.unacknowledged.remove(publish)
            self.unacknowledged.append(publish)  # PUBRELs in the order of PUBRECs [MQTT-4.6.0-4]
            self.answer(0x62, identifier)
        elif kind == 7 and publish.is_released:  # PUBCOMP
            self.unacknowledged.remove(publish)
            self.tell("acknowledged", identifier)
        else:
            raise Violation("an acknowledgement of another kind of publish")

    def may_end(self) -> bool:
        """Return whether what has arrived of a packet already shows that it is a violation.

        A client may wait for the rest of it before it ends the connection.
        """
        if not self.is_open or not self.stream:
            return False
        if not self.is_accepted and self.stream[0] != 0x20:
            return True
        try:
            header = self.header()
        except Violation:
            return True
        if header is None or header[0] >> 4 != 3:
            return False
        body = self.stream[header[1] :]
        if len(body) < 2:
            return False
        length = int.from_bytes(body[:2], "big")
        with_identifier = header[0] & 6 != 0
        if length == 0 or 2 + length + 2 * with_identifier > header[2]:
            return True
        return with_identifier and body[2 + length : 4 + length] == b"\0\0"


class Clock:
    """What may and what must happen as time passes, if tick() is called whenever it wants to be.

    Times are in ms, and never wrap.
    """

    TIMEOUT = 15000
    PROBE = 120

    def __init__(self, oracle: Oracle, keepalive: int, now: int) -> None:
        self.oracle = oracle
        self.keepalive = keepalive * 1000
        self.interval = (keepalive or self.PROBE) * 1000  # our choice: without keep alive, too
        self.started = self.sent = self.heard = self.answered = now
        self.pings = oracle.pings
        self.pinged: int | None = None  # the first PINGREQ without an answer

    def note(self, now: int, sent: bool, heard: bool, events: list[Event]) -> None:
        """Something happened at `now`: bytes left, bytes arrived, with these events."""
        if sent:
            self.sent = now
        if heard:
            self.heard = now
        if ("pong",) in events:
            self.pinged = None
        if self.oracle.pings > self.pings and self.pinged is None:
            self.pinged = now
        self.pings = self.oracle.pings
        answers = ("connected", "acknowledged", "subscribed", "unsubscribed", "unexpected")
        if any(event[0] in answers for event in events) or not self.asks():
            self.answered = now

    def asks(self) -> bool:
        return bool(self.oracle.requests or self.oracle.unacknowledged)

    def check_ping(self, now: int) -> None:
        """tick() sends PINGREQ."""
        idle = self.interval / 2
        assert now - min(self.sent, self.heard) >= idle, "a PINGREQ too early"

    def check_timeout(self, now: int) -> None:
        """tick() gives the connection up."""
        patience = min(self.TIMEOUT, self.interval * 3 / 4)
        if not self.oracle.is_accepted:
            assert now - self.started > self.TIMEOUT, "no patience for CONNACK"
            return
        silent = self.pinged is not None and now - max(self.pinged, self.heard) > patience
        unanswered = self.asks() and now - self.answered > self.TIMEOUT
        assert silent or unanswered, "no patience"

    def check_life(self, now: int) -> None:
        """tick() lets the connection live, and all that was to leave has left."""
        if not self.oracle.is_accepted:
            assert now - self.started <= self.TIMEOUT, "no end of waiting for CONNACK"
            return
        if self.keepalive:  # [MQTT-3.1.2-23]
            assert now - self.sent <= self.keepalive, "silent for longer than the keep alive"
        assert now - self.heard <= self.interval * 1.5, "no end of waiting for the server"
