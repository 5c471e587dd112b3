"""What no broker may send, what ends in the middle, and what is too large.

Which packets are violations, and each of them in every split, is in tests/umqtt/protocol.
"""

import random
import socket
import time

import pytest
from tests.umqtt.protocol.titles import BY_TITLE
from tests.umqtt.wire.broker import (
    CONNACK,
    PINGRESP,
    puback,
    pubcomp,
    publish,
    pubrec,
    pubrel,
    suback,
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


def test_violation_closes_connection(play):
    """[MQTT-4.8.0-1]: what came before it is delivered, nothing behind it; closed"""

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"before") + b"\xf0\x00" + publish("t", b"behind"))
        broker.expect_close()

    play(
        """
        c = connected()
        e = error_of(receive, c, 2)
        assert isinstance(e, ProtocolError) and c.last_error is e and c.sock is None, repr(e)
        assert got == [(b"t", b"before")]
        """,
        conversation,
    )


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

    said = play(PREPARE.format(count=len(cuts)) + "\nassert not got, got\n", conversation)
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
    steps = [step for conversation in BY_TITLE.values() for step in conversation.steps]
    packets = sorted({step.data for step in steps if step.data and len(step.data) < 300})
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
