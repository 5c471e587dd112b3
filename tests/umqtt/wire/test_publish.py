"""PUBLISH both ways at QoS 0, 1 and 2, packet identifiers, order."""

import time

import pytest
from tests.umqtt.wire.broker import (
    DISCONNECT,
    RESUMED,
    puback,
    pubcomp,
    publish,
    pubrec,
    pubrel,
    suback,
    subscribe,
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


def test_bad_filter_of_handler_is_refused(play):
    """ValueError, and nothing is sent"""

    def conversation(broker):
        broker.greet()
        broker.expect(DISCONNECT)

    play(
        """
        c = connected()
        for name in ("", "a+", "#/a", "a/#/b", "sport#", "a\\0b", b"\\xff", "x" * 65536):
            assert isinstance(error_of(c.on, name, print), ValueError), name
        for qos in (-1, 3):
            assert isinstance(error_of(c.on, "t", print, qos), ValueError)
        c.disconnect()
        """,
        conversation,
    )


def test_pid_is_last_identifier(play):
    """contract: a program may read it and set it"""

    def conversation(broker):
        broker.greet()
        broker.expect(publish("t", b"m", 1, 65535))
        broker.send(puback(65535))

    play(
        """
        c = connected()
        c.pid = 65534
        c.publish("t", "m", qos=1)
        assert c.pid == 65535
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
        broker.send(publish("t", b"end"))

    play(
        """
        c = connected()
        c.set_callback(lambda *message: got.append(message), details=True)
        ops = []
        while len(got) < 6:
            ops.append(c.wait_msg())
        assert got == [
            (b"t", b"0", True, 0, False),
            (b"t", b"1", False, 1, True),
            (b"t", b"1 again", False, 1, False),
            (b"t", b"2", False, 2, False),
            (b"t", b"2 new", False, 2, False),
            (b"t", b"end", False, 0, False),
        ], got
        assert [op for op in ops if op] == [0x31, 0x3A, 0x32, 0x34, 0x3C, 0x34, 0x30], ops
        """,
        conversation,
    )


def test_no_callback(play):
    """D20, [MQTT-4.5.0-2] [-3.3.2-3]: nobody wants it; acknowledged all the same, and counted"""

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"m", 1, 1) + publish("t", b"m", 2, 2))
        broker.expect(puback(1), pubrec(2), DISCONNECT)

    play(
        """
        c = connected()
        c.cb = None
        while c.counters["unhandled"] < 2:
            c.step()
        c.disconnect()
        assert c.counters["unhandled"] == 2 and not got
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
        assert 450 < time.ticks_diff(time.ticks_ms(), start) < 30000
        assert c.counters["timeouts"] == 1
        """,
        conversation,
    )


def test_publish_to_reader_that_stopped_times_out(play):
    """D1: a peer that does not read, and a socket that is full"""

    def conversation(broker):
        broker.greet()

    play(
        """
        c = connected()
        c.TIMEOUT = 0.5
        start = time.ticks_ms()
        e = error_of(c.publish, "t", bytes(8_000_000))
        assert e.args[0] == errno.ETIMEDOUT, repr(e)
        assert 450 < time.ticks_diff(time.ticks_ms(), start) < 30000
        """,
        conversation,
    )


def test_publish_notices_closed_connection(play):
    """A QoS 0 publish into a connection that the broker has closed does not succeed"""

    def conversation(broker):
        broker.greet()
        broker.hang_up()

    play(
        """
        c = connected()
        wait_for_input(c)  # the end
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
