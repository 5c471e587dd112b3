"""MQTT 3.1.1 packets: how they are built, and what is refused when they arrive.

Nothing here touches a socket or a clock, so all of it runs on any board and under test alone.
Numbers in brackets are the statements of the OASIS Standard of 29 October 2014.
"""

from micropython import const
from topicmatch import validate_filter, validate_topic

CONNECT = const(0x10)
CONNACK = const(0x20)
PUBLISH = const(0x30)
PUBACK = const(0x40)
PUBREC = const(0x50)
PUBREL = const(0x62)
PUBCOMP = const(0x70)
SUBSCRIBE = const(0x82)
SUBACK = const(0x90)
UNSUBSCRIBE = const(0xA2)
UNSUBACK = const(0xB0)
PINGREQ = const(0xC0)
PINGRESP = const(0xD0)
DISCONNECT = const(0xE0)

DUP = const(0x08)
REFUSED = const(0x80)  # the SUBACK code of a filter that the broker did not accept
MAX_LENGTH = const(268435455)  # four bytes of Remaining Length, section 2.2.3

# Control characters and non-characters in topics: the standard says SHOULD NOT, we refuse them.
STRICT_TOPICS = True

# First byte -> Remaining Length, for the fixed-size packets that a broker may send. Their flag
# bits are part of the byte, so a wrong flag is simply not in the table [MQTT-2.2.2-2].
_ANSWERS = {
    CONNACK: 2,
    PUBACK: 2,
    PUBREC: 2,
    PUBREL: 2,
    PUBCOMP: 2,
    SUBACK: 3,  # one return code: every SUBSCRIBE of ours carries one filter
    UNSUBACK: 2,
    PINGRESP: 0,
}


class MQTTException(Exception):
    """The broker said no. `args[0]` is the CONNACK code 1..5, or 0x80 for a refused filter."""


class ProtocolError(OSError):
    """The broker broke the rules of MQTT; the connection is closed [MQTT-4.8.0-1]."""

    def __init__(self, what):
        super().__init__(71, "broker sent " + what)  # 71 is EPROTO, absent from errno


def payload(value):
    """Return `value` as bytes: str becomes UTF-8, a buffer that may change is copied."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
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


def fixed_header(kind, length):
    """Start a packet: its first byte, then `length` in one to four bytes."""
    if length > MAX_LENGTH:
        raise ValueError("the message is too long for MQTT")
    packet = bytearray((kind,))
    while length > 0x7F:
        packet.append(length & 0x7F | 0x80)
        length >>= 7
    packet.append(length)
    return packet


def _add_number(packet, value):
    packet.append(value >> 8)
    packet.append(value & 0xFF)


def _add_string(packet, value):
    if len(value) > 65535:
        raise ValueError("a user name, password or last will may have 65535 bytes at most")
    _add_number(packet, len(value))
    packet.extend(value)


def connect(client, clean_session):
    """Build CONNECT from the client's attributes; ValueError for what MQTT cannot carry."""
    fields = [_text("client_id", client.client_id)]
    if not (fields[0] or clean_session):
        raise ValueError("an empty client_id needs clean_session=True")  # [MQTT-3.1.3-7]
    if not 0 <= client.keepalive <= 65535:
        raise ValueError("keepalive must be 0 to 65535 seconds")
    flags = 2 if clean_session else 0
    if client.lw_topic:
        flags |= 4 | client.lw_qos << 3 | bool(client.lw_retain) << 5
        fields.append(topic_name(client.lw_topic))
        fields.append(payload(client.lw_msg))
    if client.user:  # an empty user name means none, as in micropython-lib
        flags |= 0x80
        fields.append(_text("user", client.user))
        if client.pswd is not None:
            flags |= 0x40
            fields.append(payload(client.pswd))
    packet = fixed_header(CONNECT, 10 + sum(2 + len(field) for field in fields))
    packet.extend(b"\x00\x04MQTT\x04")
    packet.append(flags)
    _add_number(packet, client.keepalive)
    for field in fields:
        _add_string(packet, field)
    return packet


def publish_header(topic, length, retain, qos, identifier):
    """Build a PUBLISH up to its payload of `length` bytes, which follows it on the wire."""
    packet = fixed_header(
        PUBLISH | qos << 1 | bool(retain), 2 + len(topic) + (2 if qos else 0) + length
    )
    _add_string(packet, topic)
    if qos:  # [MQTT-2.3.1-5]
        _add_number(packet, identifier)
    return packet


def request(kind, identifier, name, qos):
    """Build SUBSCRIBE, or UNSUBSCRIBE where `qos` is None, for one topic filter."""
    packet = fixed_header(kind, 4 + len(name) + (qos is not None))
    _add_number(packet, identifier)
    _add_string(packet, name)
    if qos is not None:
        packet.append(qos)
    return packet


def answer(kind, identifier):
    """Build PUBACK, PUBREC, PUBREL or PUBCOMP [MQTT-2.3.1-6]."""
    return bytes((kind, 2, identifier >> 8, identifier & 0xFF))


def check_header(first, length, connected):
    """Refuse a packet by its fixed header: type, flags, Remaining Length, moment."""
    if (first == CONNACK) == connected:  # [MQTT-3.2.0-1]
        raise ProtocolError(
            "a second CONNACK" if connected else "packet 0x%02x before CONNACK" % first
        )
    if first & 0xF0 == PUBLISH:
        qos = first & 0x06
        if qos == 0x06:  # [MQTT-3.3.1-4]
            raise ProtocolError("PUBLISH with QoS 3")
        if first & DUP and not qos:  # [MQTT-3.3.1-2]
            raise ProtocolError("PUBLISH with DUP and QoS 0")
        if length < (5 if qos else 3):  # a topic of one byte [MQTT-4.7.3-1], and the identifier
            raise ProtocolError("PUBLISH that is too short")
    elif first not in _ANSWERS:
        raise ProtocolError("packet 0x%02x, which no broker may send" % first)
    elif length != _ANSWERS[first]:
        raise ProtocolError("packet 0x%02x with Remaining Length %d" % (first, length))


def check_topic(topic):
    """Refuse a received topic name [MQTT-1.5.3-1] [MQTT-3.3.2-2] [MQTT-4.7.3-1]."""
    try:
        validate_topic(topic, strict=STRICT_TOPICS)
    except ValueError as e:
        raise ProtocolError("a bad topic name: %s" % e)


def check_identifier(identifier):
    """Refuse packet identifier 0 [MQTT-2.3.1-1]."""
    if not identifier:
        raise ProtocolError("packet identifier 0")
