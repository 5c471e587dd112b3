"""Every packet a broker can send: valid, or broken in each way; whole, in bytes, and glued.

One program serves all rows: for each connection it reports how the client ended.
"""

import random
import socket
import time

import pytest
from tests.umqtt.wire.broker import (
    CONNACK,
    PINGRESP,
    packet,
    puback,
    pubcomp,
    publish,
    pubrec,
    pubrel,
    string,
    suback,
    unsuback,
)

# After CONNACK the client has subscribed to "s" with identifier 1, published QoS 1 with 2 and
# QoS 2 with 3, and has no answer to any of them.
PREPARE = """
connections = {count}
for _ in range(connections):
    c = make()
    c.connect()
    c.session.subscribe("s")
    c.publish_nowait("t", "m", qos=1)
    c.publish_nowait("t", "m", qos=2)
    c.ping()
    try:
        while True:
            c.wait_msg()
    except OSError as e:
        print("end" if e.args[0] == -1 else "refused" if isinstance(e, ProtocolError) else repr(e))
    assert c.sock is None
"""

STRICT = "a strict receiver: control characters, non-characters"

VALID = {
    "PUBLISH QoS 0": publish("t", b"m"),
    "PUBLISH empty payload [MQTT-3.3.1-11]": publish("t", b""),
    "PUBLISH retained [MQTT-3.3.1-8]": publish("t", b"m", retain=True),
    "PUBLISH one slash [MQTT-4.7.3-4]": publish("/", b"m"),
    "PUBLISH space, dollar, unicode": publish("$ ü/掌 ", b"\x00\xff"),
    "PUBLISH U+FEFF is kept [MQTT-1.5.3-3]": publish(b"\xef\xbb\xbft", b"m"),
    "PUBLISH QoS 0 DUP [MQTT-3.3.1-2], delivered": publish("t", b"m", dup=True),
    "PUBLISH QoS 1": publish("t", b"m", 1, 7),
    "PUBLISH QoS 1 DUP, identifier 65535": publish("t", b"m", 1, 65535, dup=True),
    "PUBLISH QoS 2": publish("t", b"m", 2, 7),
    "PUBLISH of 127 bytes": publish("t", b"x" * 124),
    "PUBLISH of 128 bytes": publish("t", b"x" * 125),
    "PUBLISH of one buffer": publish("t", b"x" * 250),
    "PUBLISH of one buffer and a byte": publish("t", b"x" * 251),
    "PUBLISH of 4096 bytes, the guard": publish("t", b"x" * 4090),
    "PUBLISH above the guard, QoS 0": publish("t", b"x" * 5000),
    "PUBLISH above the guard, QoS 1": publish("t", b"x" * 5000, 1, 9),
    "PUBLISH above the guard, QoS 2": publish("t", b"x" * 5000, 2, 9),
    "PUBLISH above the guard by its topic": publish("t" * 6000, b"", 1, 9),
    "Remaining Length with a needless byte": b"\x30\x84\x00" + string("t") + b"m",
    "PUBACK": puback(2),
    "PUBACK unknown": puback(99),
    "PUBREC": pubrec(3),
    "PUBREC twice": pubrec(3) + pubrec(3),
    "PUBREC unknown": pubrec(99),
    "PUBREC, PUBCOMP": pubrec(3) + pubcomp(3),
    "PUBCOMP unknown": pubcomp(99),
    "PUBREL unknown": pubrel(99),
    "SUBACK 0": suback(1, 0),
    "SUBACK 2": suback(1, 2),
    "SUBACK failure": suback(1, 0x80),
    "SUBACK unknown [MQTT-2.3.1-7]": suback(99),
    "UNSUBACK unknown": unsuback(99),
    "UNSUBACK for a SUBSCRIBE": unsuback(1),
    "PINGRESP": PINGRESP,
}

BROKEN = {
    "PUBLISH QoS 3 [MQTT-3.3.1-4]": b"\x36\x05" + string("t") + b"\x00\x01",
    "PUBLISH QoS 3 DUP": b"\x3e\x05" + string("t") + b"\x00\x01",
    "PUBLISH identifier 0 [MQTT-2.3.1-1]": publish("t", b"m", 1, 0),
    "PUBLISH QoS 2 identifier 0": publish("t", b"m", 2, 0),
    "PUBLISH above the guard, identifier 0": publish("t", b"x" * 5000, 1, 0),
    "PUBLISH empty topic [MQTT-4.7.3-1]": publish("", b"mm"),
    "PUBLISH topic + [MQTT-3.3.2-2]": publish("a/+", b"m"),
    "PUBLISH topic # [MQTT-3.3.2-2]": publish("#", b"m"),
    "PUBLISH NUL [MQTT-1.5.3-2]": publish("a\0b", b"m"),
    "PUBLISH surrogate [MQTT-1.5.3-1]": publish(b"\xed\xa0\x80", b"m"),
    "PUBLISH overlong slash [MQTT-1.5.3-1]": publish(b"a\xc0\xafb", b"m"),
    "PUBLISH above U+10FFFF": publish(b"\xf4\x90\x80\x80", b"m"),
    "PUBLISH UTF-8 cut off": publish(b"a\xe6\x8e", b"m"),
    "PUBLISH UTF-8 continuation alone": publish(b"\x80", b"m"),
    "PUBLISH control character, " + STRICT: publish("a\x01", b"m"),
    "PUBLISH U+FFFF, " + STRICT: publish("\uffff", b"m"),
    "PUBLISH of 0 bytes": b"\x30\x00",
    "PUBLISH of 2 bytes": b"\x30\x02\x00\x01",
    "PUBLISH topic longer than the packet": b"\x30\x04\x00\x09tt",
    "PUBLISH no room for the identifier": b"\x32\x05\x00\x03ttt",
    "PUBLISH identifier cut off": b"\x32\x05\x00\x02tt\x00",
    "PUBLISH above the guard, topic too long": b"\x30" + b"\x88\x27" + b"\x20\x00" + b"t" * 4998,
    "Remaining Length of 5 bytes [2.2.3]": b"\x30\x80\x80\x80\x80\x01",
    "Remaining Length of ff ff ff ff": b"\x30\xff\xff\xff\xff\x7f",
    "SUBACK code 3 [MQTT-3.9.3-2]": suback(1, 3),
    "SUBACK code 0x81": suback(1, 0x81),
    "SUBACK code 0xff": suback(1, 0xFF),
    "SUBACK without code": packet(0x90, b"\x00\x01"),
    "SUBACK two codes for one filter [MQTT-3.9.3-1]": packet(0x90, b"\x00\x01\x00\x00"),
    "SUBACK identifier 0": suback(0),
    "PUBACK identifier 0": puback(0),
    "PUBREC identifier 0": pubrec(0),
    "PUBREL identifier 0": pubrel(0),
    "PUBCOMP identifier 0": pubcomp(0),
    "UNSUBACK identifier 0": unsuback(0),
    "PUBACK for QoS 2": puback(3),
    "PUBREC for QoS 1": pubrec(2),
    "PUBCOMP for QoS 1": pubcomp(2),
    "PUBCOMP before PUBREC": pubcomp(3),
    "CONNACK again": CONNACK,
    "CONNECT from a broker": packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x00\x00\x00"),
    "SUBSCRIBE from a broker": packet(0x82, b"\x00\x01" + string("t") + b"\x00"),
    "UNSUBSCRIBE from a broker": packet(0xA2, b"\x00\x01" + string("t")),
    "PINGREQ from a broker": b"\xc0\x00",
    "DISCONNECT from a broker": b"\xe0\x00",
    "packet type 0": b"\x00\x00",
    "packet type 15": b"\xf0\x00",
    "PINGRESP with a body": b"\xd0\x01\x00",
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}
# Wrong flag bits of every packet that has fixed ones [MQTT-2.2.2-1] [MQTT-2.2.2-2].
for good in (0x20, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0):
    for wrong in range(16):
        if wrong != good & 0x0F:
            first = good & 0xF0 | wrong
            body = {0x90: b"\x00\x01\x00", 0xD0: b""}.get(good, b"\x00\x01")
            BROKEN[f"first byte 0x{first:02x} [MQTT-2.2.2-2]"] = packet(first, body)
# Too short and too long by one byte.
for name, good in (
    ("PUBACK", puback(2)),
    ("PUBREC", pubrec(3)),
    ("PUBREL", pubrel(4)),
    ("PUBCOMP", pubcomp(3)),
    ("SUBACK", suback(1)),
    ("UNSUBACK", unsuback(1)),
):
    BROKEN[name + " one byte short"] = packet(good[0], good[2:-1])
    BROKEN[name + " one byte long"] = packet(good[0], good[2:] + b"\x00")

NEIGHBOUR = publish("n", b"n")


def deliveries(row: bytes, how: str):
    """Yield what to send, and whether byte by byte."""
    if how == "whole":
        return row, False
    if how == "bytes":
        return row, True
    return NEIGHBOUR + PINGRESP + row + NEIGHBOUR, False


@pytest.mark.parametrize("how", ["whole", "bytes", "glued"])
def test_every_packet(play, how):
    """[MQTT-4.8.0-1] [-7.1.2-1]: each violation closes the connection, each valid packet is accepted"""
    rows = [(name, data, "end") for name, data in VALID.items()]
    rows += [(name, data, "refused") for name, data in BROKEN.items()]
    if how == "bytes":
        rows = [row for row in rows if len(row[1]) < 300]

    def conversation(broker):
        for _, data, verdict in rows:
            broker.greet()
            for _ in range(4):  # SUBSCRIBE, two PUBLISH, PINGREQ
                broker.read_packet()
            data, bytewise = deliveries(data, how)
            try:
                (broker.send_bytewise if bytewise else broker.send)(data)
                if verdict == "end":
                    finish(broker)
                else:
                    while broker.peer.recv(1000):
                        pass
            except (ConnectionResetError, BrokenPipeError):
                assert verdict == "refused"

    def finish(broker):
        # A last message proves that the client is in step; then hang up.
        broker.send(publish("last", b"", 1, 0x7777))
        expected = bytes.fromhex("40 02 77 77")
        seen = b""
        while expected not in seen:
            seen += broker.read(1)
        broker.hang_up()

    said = play(PREPARE.format(count=len(rows)), conversation, timeout=60).split("\n")[:-1]
    wrong = [
        f"{name}: {got}, not {verdict}"
        for (name, _, verdict), got in zip(rows, said)
        if got != verdict
    ]
    assert len(said) == len(rows) and not wrong, wrong


def test_cut_off_anywhere(play):
    """D13: the stream may end after any byte of any packet: OSError(-1), nothing half delivered"""
    cuts = [
        data[:size]
        for data in (publish("t", b"message", 1, 5), suback(1), puback(2), pubrec(3), PINGRESP)
        for size in range(len(data))
    ]

    def conversation(broker):
        for data in cuts:
            broker.greet()
            for _ in range(4):
                broker.read_packet()
            broker.send(data)
            broker.hang_up()

    said = play(
        PREPARE.format(count=len(cuts)) + "\nassert not got, got\n", conversation, timeout=60
    )
    assert said == "end\n" * len(cuts)


def test_oversize_is_acknowledged_counted_and_forgotten(play):
    """D14, D15, [MQTT-4.5.0-2]: 1 MB announced and sent to a client that takes 4096 bytes"""

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", bytes(1_000_000), 1, 5) + publish("t", bytes(5000), 2, 6))
        broker.expect(bytes.fromhex("40 02 00 05"), bytes.fromhex("50 02 00 06"))
        broker.send(pubrel(6) + publish("t", b"small"))
        broker.expect(pubcomp(6))

    play(
        """
        c = connected()
        gc.collect()
        before = gc.mem_free()
        receive(c, 1)
        gc.collect()
        assert got == [(b"t", b"small")] and c.counters["oversize"] == 2, c.counters
        assert before - gc.mem_free() < 500
        """,
        conversation,
    )


def test_memory_error_is_like_oversize(play):
    """[MQTT-4.8.0-2] D14: a message within MAX_PACKET that does not fit the heap is dropped"""

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", bytes(100_000_000 // 2), 1, 5) + publish("t", b"small"))
        broker.expect(bytes.fromhex("40 02 00 05"))

    play(
        """
        c = make()
        c.MAX_PACKET = 200_000_000
        c.connect()
        receive(c, 1)
        assert got == [(b"t", b"small")] and c.counters["oversize"] == 1
        """,
        conversation,
    )


def test_random_packets(play):
    """Fuzz: 600 streams of damaged packets end in OSError, never in anything else, never in a hang"""
    chance = random.Random(20261121)
    packets = [data for data in (*VALID.values(), *BROKEN.values()) if len(data) < 300]
    streams = []
    for _ in range(600):
        stream = bytearray(b"".join(chance.choices(packets, k=chance.randint(1, 4))))
        for _ in range(chance.randint(0, 6)):
            place = chance.randrange(len(stream))
            damage = chance.randrange(3)
            if damage == 0:
                stream[place] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
            elif damage == 1 and len(stream) > 1:
                del stream[place]
            else:
                stream.insert(place, chance.randrange(256))
        streams.append(bytes(stream))

    def conversation(broker):
        for stream in streams:
            broker.greet(CONNACK if chance.random() < 0.9 else stream)
            try:
                broker.send(stream)
                broker.peer.shutdown(socket.SHUT_WR)
                while broker.peer.recv(4096):
                    pass
            except OSError:
                pass  # the client was faster

    said = play(
        f"""
        for _ in range({len(streams)}):
            c = make()
            try:
                c.connect()
                c.session.subscribe("s")
                c.publish_nowait("t", "m", qos=1)
                c.publish_nowait("t", "m", qos=2)
                while True:
                    c.wait_msg()
            except MQTTException:
                pass
            except OSError as e:
                if e.args[0] not in (-1, 32, 71, errno.ECONNRESET):
                    raise
            assert c.sock is None
        print("all")
        """,
        conversation,
        timeout=60,
    )
    assert said == "all\n"


@pytest.mark.parametrize("cut", [1, 3, 200, 4000])
def test_oversize_without_payload_keeps_framing(play, cut):
    """What is in the topic of a PUBLISH that is thrown away is never taken for a packet"""
    hidden = publish("door/lock", b"open")
    topic = hidden * (9000 // len(hidden))

    def conversation(broker):
        broker.greet()
        for qos in (0, 1, 2):
            data = publish(topic, b"", qos, 5)
            broker.send(data[:cut])
            time.sleep(0.1)
            broker.send(data[cut:])
        broker.expect(bytes.fromhex("40 02 00 05"), bytes.fromhex("50 02 00 05"))
        broker.send(publish("t", b"small"))

    play(
        """
        c = connected()
        receive(c, 1)
        assert got == [(b"t", b"small")] and c.counters["oversize"] == 3, (got, c.counters)
        """,
        conversation,
    )
