"""Keep alive, and every wait bounded whatever the peer does (D1 to D4).

How long each wait is, to the millisecond, is in tests/umqtt/protocol, whose clock no busy machine
disturbs. Here a wait may not be too short, and not so long as another limit would make it: TIMEOUT
is a minute (client_program.make) where a program does not say otherwise.
"""

import socket
import time

import pytest
from tests.umqtt.wire.broker import CONNACK, DISCONNECT, PINGREQ, PINGRESP, publish


def test_keep_alive_in_wait_msg(play):
    """[MQTT-3.1.2-23] [-3.12.4-1] D3, D4: PINGREQ at half the interval; the answer is counted"""

    def conversation(broker):
        broker.greet()
        for _ in range(2):
            broker.expect(PINGREQ)
            broker.send(PINGRESP)
        broker.send(publish("t", b"m"))
        broker.expect(DISCONNECT)

    play(
        """
        start = time.ticks_ms()
        c = connected(keepalive=1)
        for pings in (1, 2):
            assert c.wait_msg() is None
            assert time.ticks_diff(time.ticks_ms(), start) > pings * 450
        waited = time.ticks_diff(time.ticks_ms(), start)
        assert c.wait_msg() == 0x30
        assert c.counters["pings"] == c.counters["pings_answered"] == 2
        assert 0 <= c.counters["ping_ms"] < waited - 450, (c.counters, waited)
        c.disconnect()
        """,
        conversation,
    )


@pytest.mark.parametrize("call", ["c.check_msg()", "c.step()"])
def test_keep_alive_in_loops(play, call):
    """D3"""

    def conversation(broker):
        broker.greet()
        for _ in range(2):
            broker.expect(PINGREQ)
            broker.send(PINGRESP)

    play(
        f"""
        c = connected(keepalive=1)
        while c.counters["pings_answered"] < 2:
            {call}
            time.sleep_ms(10)
        """,
        conversation,
    )


def test_keep_alive_while_waiting_for_acknowledgement(play):
    """D3: keep alive is enforced inside every wait"""

    def conversation(broker):
        broker.greet()
        broker.read_packet()
        for _ in range(3):
            broker.expect(PINGREQ)
            broker.send(PINGRESP)
        broker.send(b"\x40\x02\x00\x01")

    play('connected(keepalive=1).publish("t", "m", qos=1)', conversation)


def test_publisher_that_never_reads(play):
    """D3, D4: publish alone keeps the connection alive and notices that nobody answers"""

    def conversation(broker):
        broker.greet()
        pings = 0
        while True:
            try:
                packet = broker.read_packet()
            except AssertionError:
                break
            if packet == PINGREQ:
                pings += 1
                if pings < 3:
                    broker.send(PINGRESP)
        assert pings == 3

    play(
        """
        c = connected(keepalive=1)
        for _ in range(1000):
            try:
                c.publish("t", "m")
            except OSError as e:
                assert e.args[0] == errno.ETIMEDOUT and c.counters["pings_answered"] == 2
                break
            time.sleep_ms(20)
        else:
            raise AssertionError
        """,
        conversation,
    )


@pytest.mark.parametrize("call", ["c.wait_msg()", "c.check_msg()", "c.step(50)"])
def test_keep_alive_behind_backlog(play, call):
    """[MQTT-3.1.2-23] found by tests/umqtt/faults: PINGRESP waits behind messages for three intervals"""

    def conversation(broker):
        broker.greet()
        broker.peer.settimeout(0.02)
        start = time.monotonic()
        pings = 0
        while pings < 6:  # the last time a ping has just come, so none is due
            broker.send(publish("t", b"one of many"))
            try:
                broker.expect(PINGREQ)
                pings += 1
            except TimeoutError:
                assert time.monotonic() - start < broker.LIMIT, pings
        assert time.monotonic() - start > 2
        broker.peer.settimeout(broker.LIMIT)
        broker.send(PINGRESP * pings + publish("t", b"last"))
        broker.expect(DISCONNECT)

    play(
        f"""
        seen = []
        c = connected(keepalive=1)
        c.set_callback(lambda topic, message: seen.append(message))
        while not seen or seen[-1] != b"last":
            {call}
        assert c.counters["timeouts"] == 0
        assert c.counters["pings_answered"] == c.counters["pings"], c.counters
        c.disconnect()
        """,
        conversation,
    )


@pytest.mark.parametrize(
    "wait",
    [
        "c.wait_msg()",
        "while True: c.check_msg(); time.sleep_ms(5)",
        "while True: c.step(); time.sleep_ms(5)",
        "c.publish('t', 'm', qos=1)",
        "c.subscribe('t')",
    ],
)
def test_half_open_link(play, wait):
    """D1, D4: a silent peer is found, after 1.25 x keepalive"""

    def conversation(broker):
        broker.greet()
        while broker.peer.recv(100):
            pass

    play(
        f"""
        c = connected(keepalive=2)  # with TIMEOUT it would take a minute
        start = time.ticks_ms()
        try:
            {wait}
        except OSError as e:
            assert e.args[0] == errno.ETIMEDOUT, repr(e)
        else:
            raise AssertionError
        assert 2000 < time.ticks_diff(time.ticks_ms(), start) < 30000
        assert c.sock is None and c.counters["timeouts"] == 1
        """,
        conversation,
    )


def test_half_open_link_without_keep_alive(play):
    """D1: keepalive 0 is announced as such, and the link is probed all the same"""

    def conversation(broker):
        connect = broker.greet()
        assert connect[10:12] == b"\x00\x00"
        broker.expect(PINGREQ)
        broker.expect_close()

    play(
        """
        c = make()
        c.PROBE = 1
        c.connect()
        assert error_of(c.wait_msg).args[0] == errno.ETIMEDOUT
        """,
        conversation,
    )


def test_unread_messages_are_no_silence(play):
    """A program that sleeps longer than the keep alive finds its messages, not a timeout"""

    def conversation(broker):
        broker.greet()
        broker.expect(PINGREQ)
        broker.send(publish("t", b"1") + PINGRESP + publish("t", b"2"))
        broker.expect(publish("t", b"m"), DISCONNECT)

    play(
        """
        c = connected(keepalive=1)
        time.sleep_ms(600)
        c.step()
        wait_for_input(c)
        time.sleep_ms(1500)
        c.publish("t", "m")
        c.check_msg()
        c.check_msg()
        assert got == [(b"t", b"1"), (b"t", b"2")]
        c.disconnect()
        """,
        conversation,
    )


def test_slow_handler_is_not_slow_broker(play):
    """The acknowledgement arrived long ago, behind a message whose handler takes 1.5 s"""

    def conversation(broker):
        broker.greet()
        broker.expect(publish("t", b"m", 1, 1))
        broker.send(publish("t", b"slow") + b"\x40\x02\x00\x01")
        broker.expect(DISCONNECT)

    play(
        """
        c = connected()
        c.set_callback(lambda topic, message: time.sleep_ms(1500))
        c.TIMEOUT = 1  # in which a busy broker has answered
        c.publish("t", "m", qos=1)
        c.disconnect()
        """,
        conversation,
    )


def test_flood_does_not_stretch_wait(play):
    """D1: messages all the time and never the acknowledgement: still ETIMEDOUT"""

    def conversation(broker):
        broker.greet()
        try:
            while True:
                broker.send(publish("t", b"m"))
                time.sleep(0.001)
        except OSError:
            pass

    play(
        """
        c = connected()
        c.TIMEOUT = 1
        start = time.ticks_ms()
        assert error_of(c.publish, "t", "m", qos=1).args[0] == errno.ETIMEDOUT
        assert 950 < time.ticks_diff(time.ticks_ms(), start) < 30000 and len(got) > 20
        """,
        conversation,
    )


def test_answer_to_ping_that_comes_at_once_is_left(play):
    """contract: ping() does not read, so wait_msg() after it returns, however fast the broker is"""

    def conversation(broker):
        broker.greet()
        broker.expect(PINGREQ)
        broker.send(PINGRESP)
        broker.expect(DISCONNECT)

    play(
        """
        c = connected()
        write = c.transport.send

        def write_and_wait(session):
            done = write(session)
            wait_for_input(c)
            return done

        c.transport.send = write_and_wait
        c.ping()
        c.transport.send = write
        assert c.wait_msg() is None
        c.disconnect()
        """,
        conversation,
    )


def test_ping(play):
    """contract: ping() writes C0 00; D4: and its answer is seen"""

    def conversation(broker):
        broker.greet()
        broker.expect(PINGREQ, PINGREQ)
        broker.send(PINGRESP + PINGRESP)

    play(
        """
        c = connected()
        assert c.ping() is None
        c.ping()
        assert c.wait_msg() is None
        assert c.wait_msg() is None
        assert c.counters["pings_answered"] == 2
        """,
        conversation,
    )


SILENCES = {
    "nothing is accepted": lambda broker: None,
    "no CONNACK": lambda broker: broker.accept(),
    "half a CONNACK": lambda broker: (broker.accept(), broker.send(CONNACK[:3])),
}


@pytest.mark.parametrize("silence", SILENCES)
def test_connect_is_bounded(play, broker, silence):
    """D1, D2: whatever the peer does not do; the timeout given to connect() holds"""

    def conversation(broker):
        SILENCES[silence](broker)  # and the connection stays open until the client is done

    play(
        """
        c = make()
        start = time.ticks_ms()
        e = error_of(c.connect, timeout=0.5)
        assert e.args[0] == errno.ETIMEDOUT, repr(e)
        assert 450 < time.ticks_diff(time.ticks_ms(), start) < 30000
        assert c.sock is None
        """,
        conversation,
    )


def test_connect_to_address_that_swallows_everything(play):
    """D1, D2: SYN without answer (a listener whose queue is full)"""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        play(
            f"""
            c = make()
            c.port = {port}
            start = time.ticks_ms()
            assert error_of(c.connect, True, 0.5).args[0] == errno.ETIMEDOUT
            assert 450 < time.ticks_diff(time.ticks_ms(), start) < 30000
            """,
            lambda broker: None,
        )
        for filler in fillers:
            filler.close()


def test_connect_refused_and_unknown_host(play):
    play(
        """
        c = make()
        c.port = 1
        # Not EINVAL, which lwIP has for an option of a connection that has been refused.
        assert error_of(c.connect).args[0] in (errno.ECONNREFUSED, errno.ECONNRESET)
        c = MQTTClient("c", "no-such-host.invalid", PORT)
        assert isinstance(error_of(c.connect), OSError)
        assert c.sock is None and c.last_error
        """,
        lambda broker: None,
    )


@pytest.mark.parametrize(
    "first, count", [("refused", 1), ("None", 1), ("silent", 1), ("silent", 3)]
)
def test_every_address_is_tried(play, first, count):
    """D26: a name with several addresses; only the last has a broker (IPv6 is None on ESP32)"""

    def conversation(broker):
        broker.greet()
        broker.expect(DISCONNECT)

    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        silent = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", silent))
        play(
            f"""
            import socket
            from umqtt import transport

            class Sockets:
                SOCK_STREAM = socket.SOCK_STREAM
                socket = socket.socket

                @staticmethod
                def getaddrinfo(name, port, *rest):
                    ports = {{"refused": 1, "silent": {silent}}}
                    other = socket.getaddrinfo("127.0.0.1", ports.get("{first}", 1))[0]
                    if "{first}" == "None":
                        other = (10, 1, 0, "", None)
                    return [other] * {count} + socket.getaddrinfo("127.0.0.1", PORT)

            transport.socket = Sockets
            c = make()
            start = time.ticks_ms()
            c.connect(timeout=4)
            # Each silent address has its share, and nothing more.
            assert time.ticks_diff(time.ticks_ms(), start) >= ("{first}" == "silent") * {count} * 450
            c.disconnect()
            """,
            conversation,
        )
        for filler in fillers:
            filler.close()


def test_timeout_stays_after_first_packet(play):
    """D2: on ESP32 upstream's wait_msg wiped it with setblocking(True)"""

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"m"))
        broker.read_packet()
        broker.expect_close()

    play(
        """
        c = make()
        c.connect(timeout=2)  # in which a busy broker has answered
        c.wait_msg()
        assert error_of(c.publish, "t", "m", qos=1).args[0] == errno.ETIMEDOUT
        """,
        conversation,
    )


def test_check_msg_after_error(play):
    """D22: an error in check_msg does not leave the next connection in another mode"""

    def conversation(broker):
        broker.greet()
        broker.hang_up()
        broker.greet()
        time.sleep(0.3)
        broker.send(publish("t", b"m"))

    play(
        """
        c = connected()
        wait_for_input(c)  # the end
        assert error_of(c.check_msg).args[0] == -1
        c.connect()
        assert c.wait_msg() == 0x30  # waits
        """,
        conversation,
    )


def test_check_msg_does_not_wait(play):
    def conversation(broker):
        broker.greet()
        broker.expect(publish("has not", b"waited"))
        broker.send(publish("t", b"1") + publish("t", b"2"))
        broker.expect(DISCONNECT)

    play(
        """
        c = connected()
        for _ in range(10):
            assert c.check_msg() is None
        c.publish("has not", "waited")
        while not got:
            c.check_msg()
        assert len(got) == 1  # one message a call
        assert c.check_msg() == 0x30 and len(got) == 2
        assert c.check_msg() is None
        c.disconnect()
        """,
        conversation,
    )


def test_disconnect_is_bounded(play):
    """D1, D28: a peer that does not read cannot hold disconnect() for more than a second"""

    def conversation(broker):
        broker.greet()

    play(
        """
        c = connected()
        c.publish_nowait("t", bytes(8_000_000))
        c.step()
        start = time.ticks_ms()
        c.disconnect()
        assert 900 < time.ticks_diff(time.ticks_ms(), start) < 30000
        """,
        conversation,
    )
