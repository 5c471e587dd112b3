"""PUBLISH both ways at QoS 0, 1 and 2, packet identifiers, order."""

import time

import pytest
from tests.umqtt.wire.broker import (
    DISCONNECT,
    RESUMED,
    connect,
    puback,
    pubcomp,
    publish,
    pubrec,
    pubrel,
    suback,
    subscribe,
)


def test_qos_0(play):
    """[MQTT-2.3.1-5] [-3.3.1-2] [-3.3.2-1] [-4.3.1-1] [-3.3.1-10] [-3.3.1-11], UTF-8 (D9)"""

    def conversation(broker):
        broker.greet()
        broker.expect(
            publish("t", b"m"),
            publish("täp/掌", "21 °C".encode()),
            publish("t", b"", retain=True),
            publish("t", b"bytearray"),
            publish("t", b"memory"),
            publish("/", b"\x00\xff"),
            DISCONNECT,
        )

    play(
        """
        c = connected()
        assert c.publish("t", "m") is None
        c.publish("täp/掌", "21 °C")
        c.publish(b"t", b"", True)
        c.publish("t", bytearray(b"bytearray"))
        c.publish("t", memoryview(b"memory"))
        c.publish("/", b"\\x00\\xff", retain=False, qos=0)
        c.disconnect()
        """,
        conversation,
    )


@pytest.mark.parametrize("size", [0, 120, 121, 1024, 1025, 16379, 16380, 300_000])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_every_size(play, qos, size):
    """Remaining Length of 1 to 4 bytes, payload beside its header and apart from it"""

    def conversation(broker):
        broker.greet()
        time.sleep(0.05)  # let a large one fill the socket, so that it leaves in parts
        broker.expect(publish("topic", b"\xa5" * size, qos, 1))
        if qos == 1:
            broker.send(puback(1))
        elif qos == 2:
            broker.send(pubrec(1))
            broker.expect(pubrel(1))
            broker.send(pubcomp(1))
        broker.expect(publish("topic", b"next"), DISCONNECT)

    play(
        f"""
        c = connected()
        c.publish("topic", b"\\xa5" * {size}, qos={qos})
        c.publish("topic", b"next")
        c.disconnect()
        """,
        conversation,
    )


def test_one_write(play):
    """D23: a small packet arrives in one segment, not in six"""

    def conversation(broker):
        broker.greet()
        wanted = publish("topic", b"payload", 1, 1)
        assert broker.peer.recv(1000) == wanted
        broker.send(puback(1))
        wanted = subscribe(2, "filter")
        assert broker.peer.recv(1000) == wanted
        broker.send(suback(2))

    play(
        """
        c = connected()
        c.publish("topic", "payload", qos=1)
        c.subscribe("filter")
        """,
        conversation,
    )


def test_refused_before_anything_is_sent(play):
    """[MQTT-4.7.1-1] [-4.7.3-1] [-4.7.3-2] [-4.7.3-3] [-1.5.3-1] [-3.3.1-4] [-3-8.3-4]"""

    def conversation(broker):
        broker.greet()
        broker.expect(publish("x" * 65535, b""), DISCONNECT)

    play(
        """
        c = connected()
        for topic in ("", "a/+", "#", "a\\0b", b"\\xff", b"\\xed\\xa0\\x80", "x" * 65536):
            assert isinstance(error_of(c.publish, topic, "m"), ValueError), topic
        for name in ("", "a+", "#/a", "a/#/b", "sport#", "a\\0b", b"\\xff", "x" * 65536):
            assert isinstance(error_of(c.subscribe, name), ValueError), name
            assert isinstance(error_of(c.unsubscribe, name), ValueError), name
            assert isinstance(error_of(c.on, name, print), ValueError), name
        for qos in (-1, 3):
            assert isinstance(error_of(c.publish, "t", "m", qos=qos), ValueError)
            assert isinstance(error_of(c.subscribe, "t", qos), ValueError)
        assert isinstance(error_of(c.publish, "t", 5), TypeError)
        assert isinstance(error_of(c.publish, "t", None), TypeError)
        c.publish("x" * 65535, "")
        c.disconnect()
        """,
        conversation,
    )


def test_receive_every_qos(play):
    """[MQTT-2.3.1-6] [-3.3.4-1] [-3.6.1-1] [-4.3.2-2] [-4.3.3-2] [-2.3.1-4]; retain, qos, dup (D19)"""

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"0", retain=True))
        broker.send(publish("t", b"1", 1, 10, dup=True))
        broker.expect(puback(10))
        broker.send(publish("t", b"1 again", 1, 10))  # a new publication, whatever DUP says
        broker.expect(puback(10))
        broker.send(publish("t", b"2", 2, 11))
        broker.expect(pubrec(11))
        broker.send(publish("t", b"2", 2, 11, dup=True))  # not delivered again
        broker.expect(pubrec(11))
        broker.send(pubrel(11))
        broker.expect(pubcomp(11))
        broker.send(pubrel(11))
        broker.expect(pubcomp(11))
        broker.send(publish("t", b"2 new", 2, 11))
        broker.expect(pubrec(11))
        broker.send(pubrel(11))
        broker.expect(pubcomp(11))

    play(
        """
        c = connected()
        c.set_callback(lambda *message: got.append(message), details=True)
        ops = []
        while len(got) < 5:
            ops.append(c.wait_msg())
        work(c, 0.1)
        assert got == [
            (b"t", b"0", True, 0, False),
            (b"t", b"1", False, 1, True),
            (b"t", b"1 again", False, 1, False),
            (b"t", b"2", False, 2, False),
            (b"t", b"2 new", False, 2, False),
        ], got
        assert [op for op in ops if op] == [0x31, 0x3A, 0x32, 0x34, 0x3C, 0x34], ops
        """,
        conversation,
    )


def test_no_callback(play):
    """D20, [MQTT-4.5.0-2] [-3.3.2-3]: nobody wants it; acknowledged all the same, and counted"""

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"m", 1, 1) + publish("t", b"m", 2, 2))
        broker.expect(puback(1), pubrec(2))

    play(
        """
        c = connected()
        c.cb = None
        work(c, 0.2)
        assert c.counters["unhandled"] == 2 and not got
        """,
        conversation,
    )


def test_identifiers_wrap_and_skip_those_in_use(play):
    """D8, [MQTT-2.3.1-1] [-2.3.1-2] [-2.3.1-3] [-4.3.2-1]"""

    def conversation(broker):
        broker.greet()
        broker.expect(publish("t", b"a", 1, 65534), publish("t", b"b", 1, 65535))
        broker.expect(publish("t", b"c", 2, 1), publish("t", b"d", 1, 2))
        broker.send(puback(65535) + pubrec(1))
        broker.expect(pubrel(1))
        broker.expect(publish("t", b"e", 1, 65535))  # 65534, 1 and 2 are still in use
        broker.expect(publish("t", b"f", 1, 3))
        broker.send(pubcomp(1) + puback(65534) + puback(2) + puback(65535) + puback(3))
        broker.expect(DISCONNECT)

    play(
        """
        c = connected()
        c.pid = 65533
        for message, qos in (("a", 1), ("b", 1), ("c", 2), ("d", 1)):
            c.publish_nowait("t", message, qos=qos)
        while c.unacknowledged(65535) or not c.counters["packets_in"] > 2:
            c.step()
        c.pid = 65533
        assert c.publish_nowait("t", "e", qos=1) == 65535
        assert c.publish_nowait("t", "f", qos=1) == 3
        while any(map(c.unacknowledged, (65534, 65535, 1, 2, 3))):
            c.step()
        c.disconnect()
        """,
        conversation,
    )


def test_acknowledgements_out_of_order_late_and_unknown(play):
    """D7: they are consumed, and nothing gets out of step"""

    def conversation(broker):
        broker.greet()
        broker.send(puback(9) + pubcomp(9) + suback(9) + pubrec(9))
        broker.expect(publish("t", b"m", 1, 1))
        broker.send(puback(77) + publish("t", b"between") + puback(1) + puback(1))
        broker.expect(pubrel(9))
        broker.send(pubcomp(9))
        broker.expect(publish("t", b"end"))

    play(
        """
        c = connected()
        time.sleep_ms(50)
        c.publish("t", "m", qos=1)
        assert got == [(b"t", b"between")]
        work(c, 0.1)
        c.publish("t", "end")
        assert c.counters["unknown_answers"] == 7, c.counters
        """,
        conversation,
    )


def test_orders(play):
    """[MQTT-4.6.0-2] [-4.6.0-3] [-4.6.0-4]: answers in the order of what they answer"""

    def conversation(broker):
        broker.greet()
        broker.send(b"".join(publish("t", b"m", 1 + i % 2, 100 + i) for i in range(8)))
        for i in range(8):
            broker.expect(pubrec(100 + i) if i % 2 else puback(100 + i))
        broker.expect(*(publish("t", b"m", 2, i) for i in (1, 2, 3)))
        broker.send(pubrec(2) + pubrec(3) + pubrec(1))
        broker.expect(pubrel(2), pubrel(3), pubrel(1))
        broker.hang_up()
        broker.greet(RESUMED)
        broker.expect(pubrel(2), pubrel(3), pubrel(1))

    play(
        """
        c = connected(clean=False)
        receive(c, 8)
        for _ in range(3):
            c.publish_nowait("t", "m", qos=2)
        error_of(lambda: work(c, 5))
        c.connect(False)
        work(c, 0.1)
        """,
        conversation,
    )


def test_session_is_resumed(play):
    """D17, [MQTT-4.4.0-1] [-3.3.1-1] [-4.3.3-1] [-4.6.0-1] [-4.1.0-1] [-4.1.0-2]"""

    def conversation(broker):
        broker.accept()
        broker.expect(connect(clean=False))
        broker.send(b"\x20\x02\x00\x00")
        broker.expect(
            publish("t", b"a", 1, 1), publish("t", b"b", 2, 2), publish("t", b"c" * 2000, 1, 3)
        )
        broker.expect(publish("t", b"d", 2, 4))
        broker.send(pubrec(2))
        broker.expect(pubrel(2))
        broker.send(publish("in", b"once", 2, 50))
        broker.expect(pubrec(50))
        broker.hang_up()

        broker.accept()
        broker.expect(connect(clean=False))
        broker.send(RESUMED)
        broker.expect(
            publish("t", b"a", 1, 1, dup=True),
            publish("t", b"c" * 2000, 1, 3, dup=True),
            publish("t", b"d", 2, 4, dup=True),
            pubrel(2),  # never PUBLISH again once PUBREL was sent
        )
        broker.send(publish("in", b"once", 2, 50, dup=True))  # delivered already
        broker.expect(pubrec(50))
        broker.send(pubrel(50))
        broker.expect(pubcomp(50))
        broker.send(puback(1) + puback(3) + pubrec(4))
        broker.expect(pubrel(4))
        broker.send(pubcomp(2) + pubcomp(4))
        broker.expect(publish("t", b"end", 1, 5))
        broker.send(puback(5))
        broker.expect(DISCONNECT)

    play(
        """
        c = connected(clean=False)
        for message, qos in (("a", 1), ("b", 2), ("c" * 2000, 1), ("d", 2)):
            c.publish_nowait("t", message, qos=qos)
        assert error_of(lambda: work(c, 5)).args[0] == -1
        assert c.connect(False) == 1
        while any(map(c.unacknowledged, (1, 2, 3, 4))):
            c.step()
        assert got == [(b"in", b"once")]
        c.publish("t", "end", qos=1)
        c.disconnect()
        """,
        conversation,
    )


def test_what_never_left_is_not_duplicate(play):
    """[MQTT-4.3.2-1]: DUP=0 at the first attempt, even if that needs a second connection"""

    def conversation(broker):
        broker.greet()
        broker.hang_up()
        broker.greet(RESUMED)
        broker.expect(publish("t", b"m", 1, 1))
        broker.send(puback(1))

    play(
        """
        c = connected(clean=False)
        c.publish_nowait("t", "m", qos=1)
        c.close()
        c.connect(False)
        while c.unacknowledged(1):
            c.step()
        """,
        conversation,
    )


@pytest.mark.parametrize("clean", [True, False])
def test_lost_session_is_not_resumed(play, clean):
    """[MQTT-3.1.2-6]: the old state is dropped with the session; QoS 2 identifiers are new"""

    def conversation(broker):
        broker.greet()
        broker.expect(publish("t", b"m", 1, 1))
        broker.send(publish("in", b"1", 2, 50))
        broker.expect(pubrec(50))
        broker.hang_up()
        broker.greet()
        broker.send(publish("in", b"2", 2, 50))
        broker.expect(pubrec(50), DISCONNECT)

    play(
        f"""
        c = connected(clean={clean})
        c.publish_nowait("t", "m", qos=1)
        error_of(lambda: work(c, 5))
        c.connect({clean})
        receive(c, 2)
        assert not c.unacknowledged(1) and c.counters["dropped"] == 1
        c.disconnect()
        """,
        conversation,
    )


def test_publish_without_acknowledgement_times_out(play):
    """D1: OSError(ETIMEDOUT) after TIMEOUT, and the connection is closed"""

    def conversation(broker):
        broker.greet()
        broker.read_packet()
        broker.expect_close()

    play(
        """
        c = connected()
        c.TIMEOUT = 0.5
        start = time.ticks_ms()
        e = error_of(c.publish, "t", "m", qos=1)
        assert e.args[0] == errno.ETIMEDOUT and c.sock is None, repr(e)
        assert 450 < time.ticks_diff(time.ticks_ms(), start) < 1500
        assert c.counters["timeouts"] == 1
        """,
        conversation,
    )


def test_publish_to_reader_that_stopped_times_out(play):
    """D1: a peer that does not read, and a socket that is full"""

    def conversation(broker):
        broker.greet()
        broker.peer.settimeout(20)
        time.sleep(2)

    play(
        """
        c = make()
        c.TIMEOUT = 0.5
        c.connect()
        start = time.ticks_ms()
        e = error_of(c.publish, "t", bytes(8_000_000))
        assert e.args[0] == errno.ETIMEDOUT, repr(e)
        assert 450 < time.ticks_diff(time.ticks_ms(), start) < 2000
        """,
        conversation,
    )


def test_publish_notices_closed_connection(play):
    """A QoS 0 publish into a connection that the broker has closed does not succeed"""

    def conversation(broker):
        broker.greet()
        broker.expect(publish("t", b"m"))
        time.sleep(0.05)
        broker.hang_up()

    play(
        """
        c = connected()
        c.publish("t", "m")
        time.sleep_ms(150)
        assert error_of(c.publish, "t", "m").args[0] in (-1, errno.ECONNRESET, 32)
        """,
        conversation,
    )


def test_too_many_unacknowledged(play):
    """A full table: publish_nowait says ENOBUFS, publish waits for room"""

    def conversation(broker):
        broker.greet()
        for i in range(1, 5):
            broker.expect(publish("t", b"m", 1, i))
        broker.expect_silence(0.2)
        broker.send(puback(1) + puback(2))
        broker.expect(publish("t", b"last", 1, 5))
        broker.send(puback(5))

    play(
        """
        c = connected()
        c.MAX_IN_FLIGHT = 4
        for _ in range(4):
            c.publish_nowait("t", "m", qos=1)
        assert error_of(c.publish_nowait, "t", "m", qos=2).args[0] == errno.ENOBUFS
        c.publish("t", "last", qos=1)
        """,
        conversation,
    )
