"""What a program written for micropython-lib's umqtt can see: the same here.

Each test runs with this project's client. Where a copy of micropython-lib is at hand (its folder
in the environment variable MICROPYTHON_LIB, or below build/), it runs once more with the original,
to show that the expectation is the original's. "l." is the line of umqtt.simple 1.8.0 or
umqtt.robust 1.0.3 (micropython-lib ee4bb8ff) that says so.
"""

from __future__ import annotations

import pytest

from tests.umqtt.wire.broker import (
    CONNACK,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    RESUMED,
    connect,
    puback,
    publish,
    string,
    suback,
    subscribe,
    unsuback,
    unsubscribe,
)
from tests.umqtt.wire.original import Client, original_client


@pytest.fixture(params=["ours", "micropython-lib's"] if original_client() else ["ours"])
def run(request, micropython, broker, tmp_path):
    """Run a program against a conversation, with the client of this turn; it must end well."""
    client = Client(micropython, broker, tmp_path, original=request.param != "ours")

    def run_well(program, conversation):
        failure = client.run(program, conversation)
        assert not failure, failure

    return run_well


def test_constructor_and_attributes(run):
    """simple l.21-48: eight parameters in this order; password is kept as `pswd`"""
    run(
        """
        for kind in (simple.MQTTClient, robust.MQTTClient):
            c = kind("id", "host", 1, "u", "p", 5, None, {"a": 1})
            assert (c.client_id, c.server, c.port, c.user, c.pswd) == ("id", "host", 1, "u", "p")
            assert (c.keepalive, c.ssl, c.ssl_params) == (5, None, {"a": 1})
            assert c.sock is None and c.cb is None and c.pid == 0
            assert (c.lw_topic, c.lw_msg, c.lw_qos, c.lw_retain) == (None, None, 0, False)
            assert kind("id", "host").port == 1883 and kind("id", "host", ssl=True).port == 8883
            assert kind(client_id="id", server="h", port=7, password=b"x").port == 7
            c.set_callback(callback)
            assert c.cb is callback
            c.set_last_will("t", b"m", True, 2)
            assert c.lw_qos == 2 and c.lw_retain is True
            assert issubclass(MQTTException, Exception) and not issubclass(MQTTException, OSError)
        assert robust.MQTTClient.DELAY == 2 and robust.MQTTClient.DEBUG is False
        assert issubclass(robust.MQTTClient, simple.MQTTClient)
        """,
        lambda broker: None,
    )


def test_connect(run):
    """simple l.75-122: CONNECT's bytes; returns session present as int 0 or 1"""

    def conversation(broker):
        broker.accept()
        broker.expect(
            connect(
                "id",
                keepalive=30,
                flags=0xC0 | 0x04 | 0x08 | 0x20,
                rest=string("w") + string("gone") + string("u") + string("p"),
            )
        )
        broker.send(CONNACK)
        broker.expect(DISCONNECT)
        broker.accept()
        broker.expect(connect("id", clean=False))
        broker.send(RESUMED)
        broker.expect(DISCONNECT)

    run(
        """
        c = MQTTClient("id", "127.0.0.1", PORT, "u", "p", 30)
        c.set_last_will("w", "gone", True, 1)
        assert c.connect() == 0
        assert c.sock is not None
        assert c.disconnect() is None
        c = MQTTClient(b"id", "127.0.0.1", PORT)
        assert c.connect(clean_session=False) == 1
        c.disconnect()
        """,
        conversation,
    )


@pytest.mark.parametrize("code", [1, 5])
def test_refused(run, code):
    """simple l.121: MQTTException with the code as its only argument"""

    def conversation(broker):
        broker.greet(bytes([0x20, 2, 0, code]))

    run(
        f"""
        e = error_of(MQTTClient("c", "127.0.0.1", PORT).connect)
        assert isinstance(e, MQTTException) and e.args == ({code},), repr(e)
        """,
        conversation,
    )


def test_receiving(run):
    """simple l.193-224: the callback gets two bytes objects; op after PUBLISH, None after PINGRESP"""

    def conversation(broker):
        broker.greet()
        broker.expect(PINGREQ)
        broker.send(PINGRESP + publish("t", b"0", retain=True) + publish("t", b"1", 1, 7))
        broker.expect(puback(7))
        broker.hang_up()

    run(
        """
        c = MQTTClient("c", "127.0.0.1", PORT)
        c.connect()
        c.set_callback(callback)
        assert c.check_msg() is None
        assert c.ping() is None
        assert c.wait_msg() is None
        assert c.wait_msg() == 0x31
        while (kind := c.check_msg()) is None:
            pass
        assert kind == 0x32
        assert got == [(b"t", b"0"), (b"t", b"1")]
        assert all(type(field) is bytes for message in got for field in message)
        e = error_of(c.wait_msg)
        assert type(e) is OSError and e.args[0] == -1, repr(e)
        """,
        conversation,
    )


def test_publish(run):
    """simple l.131-157: identifiers count from 1; messages are delivered while QoS 1 waits"""

    def conversation(broker):
        broker.greet()
        broker.expect(publish("a", b"0"), publish("b", b"1", retain=True))
        broker.expect(publish("c", b"2", 1, 1))
        broker.send(publish("in", b"while waiting") + puback(1))
        broker.expect(publish("d", b"3", 1, 2, retain=True))
        broker.send(puback(2))

    run(
        """
        c = MQTTClient("c", "127.0.0.1", PORT)
        c.set_callback(callback)
        c.connect()
        assert c.publish("a", "0") is None
        c.publish(b"b", b"1", True)
        c.publish("c", b"2", qos=1)
        assert got == [(b"in", b"while waiting")]
        c.publish("d", "3", retain=True, qos=1)
        assert c.pid == 2
        """,
        conversation,
    )


def test_subscribe(run):
    """simple l.161-187: None, MQTTException(0x80); without a callback AssertionError"""

    def conversation(broker):
        broker.greet()
        broker.expect(subscribe(1, "a/#", 1))
        broker.send(publish("a", b"retained", retain=True) + suback(1, 1))
        broker.expect(subscribe(2, "b"))
        broker.send(suback(2, 0x80))
        broker.expect(unsubscribe(3, "a/#"))
        broker.send(unsuback(3))

    run(
        """
        c = MQTTClient("c", "127.0.0.1", PORT)
        c.connect()
        assert isinstance(error_of(c.subscribe, "a"), AssertionError)
        c.set_callback(callback)
        assert c.subscribe("a/#", 1) is None
        assert got == [(b"a", b"retained")]
        e = error_of(c.subscribe, b"b")
        assert isinstance(e, MQTTException) and e.args[0] == 0x80
        assert c.unsubscribe("a/#") is None
        """,
        conversation,
    )


def test_callback_that_raises(run):
    """simple l.217-221: it reaches the caller, and the stream stays in step

    The original sends no PUBACK, so that a broker that waits for 20 of them sends nothing more.
    """

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"1", 1, 5) + publish("t", b"2", 1, 6))
        first = broker.read_packet()
        if first == puback(5):
            broker.expect(puback(6))
        else:
            assert first == puback(6)

    run(
        """
        def raises(topic, message):
            got.append(message)
            if message == b"1":
                raise KeyError

        c = MQTTClient("c", "127.0.0.1", PORT)
        c.connect()
        c.set_callback(raises)
        assert isinstance(error_of(c.wait_msg), KeyError)
        assert c.wait_msg() == 0x32 and got == [b"1", b"2"]
        """,
        conversation,
    )


def test_echo_at_qos_0_in_callback(run):
    """the README's promise, and the BPI:bit tutorial's program"""

    def conversation(broker):
        broker.greet()
        for i in range(5):
            broker.send(publish("t", b"%d" % i))
            broker.expect(publish("t", b"%d" % i))

    run(
        """
        c = MQTTClient("c", "127.0.0.1", PORT)
        c.connect()
        c.set_callback(lambda topic, message: c.publish(topic, message))
        for _ in range(5):
            c.wait_msg()
        """,
        conversation,
    )


def test_robust_hooks(run):
    """robust l.9-30: log(in_reconnect, e), delay(1), delay(2)...; connect(False), one argument"""

    def conversation(broker):
        broker.greet()
        broker.hang_up()
        for _ in range(2):
            broker.accept()
            broker.read_packet()
            broker.reset()
        broker.accept()
        broker.expect(connect(clean=False))
        broker.send(RESUMED + publish("t", b"m"))
        broker.expect(DISCONNECT)

    run(
        """
        calls = []

        class Client(robust.MQTTClient):
            def connect(self, clean_session=True):
                calls.append(("connect", clean_session))
                return super().connect(clean_session)

            def log(self, in_reconnect, e):
                calls.append(("log", in_reconnect, isinstance(e, OSError)))

            def delay(self, i):
                calls.append(("delay", i))

        c = Client("c", "127.0.0.1", PORT)
        c.set_callback(callback)
        c.connect(False)
        assert c.wait_msg() == 0x30
        assert [call for call in calls if call[0] == "log"] == [
            ("log", False, True),
            ("log", True, True),
            ("log", True, True),
        ], calls
        # The original connects again by its base's connect(), past what a subclass makes of it.
        is_original = hasattr(simple, "hexlify")
        assert calls.count(("connect", False)) == (1 if is_original else 4), calls
        c.disconnect()
        """,
        conversation,
    )


def test_robust_loops(run):
    """robust l.32-60: publish and check_msg(attempts=2) reconnect; None when nothing came"""

    def conversation(broker):
        broker.greet()
        broker.hang_up()
        broker.greet(RESUMED)
        broker.expect(publish("t", b"m"))
        broker.send(publish("t", b"m"))
        broker.expect(DISCONNECT)

    run(
        """
        class Client(robust.MQTTClient):
            DELAY = 0.05

        c = Client("c", "127.0.0.1", PORT)
        c.set_callback(callback)
        c.connect(False)
        wait_for_input(c)  # the end
        assert c.check_msg() is None
        assert c.check_msg(attempts=1) is None
        assert c.publish("t", "m") is None
        while (kind := c.check_msg()) is None:
            pass
        assert kind == 0x30 and got == [(b"t", b"m")]
        c.disconnect()
        """,
        conversation,
    )


def test_bpi_bit_loop(run):
    """the tutorial's loop: `if check_msg() is not None: wait_msg()`, with its echo"""

    def conversation(broker):
        broker.accept()
        broker.expect(connect("umqtt_client", clean=False))
        broker.send(CONNACK)
        request = broker.read_packet()  # with any identifier, since the session is kept
        identifier = int.from_bytes(request[2:4], "big")
        assert request == subscribe(identifier, "foo_topic")
        broker.send(suback(identifier))
        for i in range(4):
            broker.send(broker.read_packet())  # every message comes back
        broker.expect(publish("foo_topic", b"hello"), DISCONNECT)

    run(
        """
        c = robust.MQTTClient("umqtt_client", "127.0.0.1", PORT)
        c.DEBUG = True

        def sub_cb(topic, msg):
            got.append((topic, msg))
            c.publish(topic, msg)

        c.set_callback(sub_cb)
        if not c.connect(clean_session=False):
            c.subscribe(b"foo_topic")
        c.publish(b"foo_topic", b"hello")
        while len(got) < 4:
            time.sleep_ms(20)
            if c.check_msg() is not None:
                c.wait_msg()
            else:
                print("other operator")
        c.disconnect()
        """,
        conversation,
    )


def test_timer_ping_and_wait_msg(run):
    """the mPython tutorial: Timer(1) calls c.ping() while the main program is in wait_msg()"""

    def conversation(broker):
        broker.greet()
        broker.expect(subscribe(1, "topic"))
        broker.send(suback(1))
        for _ in range(3):
            broker.expect(PINGREQ)
            broker.send(PINGRESP)
        broker.send(publish("topic", b"on"))
        while broker.read_packet() != DISCONNECT:
            pass

    run(
        """
        from machine import Timer

        c = MQTTClient("c", "127.0.0.1", PORT, "", "", keepalive=30)
        c.connect()
        c.set_callback(callback)
        c.subscribe("topic")
        tim1 = Timer(1)
        tim1.init(period=100, mode=Timer.PERIODIC, callback=lambda n: c.ping())
        while not got:
            c.wait_msg()
        tim1.deinit()
        c.disconnect()
        """,
        conversation,
    )


def test_educore_drives_all_from_timer(run):
    """labplus educore: check_msg() in a Timer callback, ping() now and then, a bool as lock"""

    def conversation(broker):
        broker.greet()
        broker.expect(PINGREQ)
        broker.send(PINGRESP + publish("t", b"1") + publish("t", b"2"))
        broker.read_packet()

    run(
        """
        from machine import Timer

        c = robust.MQTTClient("c", "127.0.0.1", PORT, "", "", 0)
        c.set_callback(callback)
        c.connect()
        ticks = 0

        def tick(_):
            global ticks
            ticks += 1
            if ticks == 3:
                c.ping()
            c.check_msg()

        timer = Timer(15 % 4)
        timer.init(period=20, mode=Timer.PERIODIC, callback=tick)
        while len(got) < 2:
            time.sleep_ms(10)
        timer.deinit()
        c.disconnect()
        """,
        conversation,
    )


def test_onenet_publishes_from_timer(run):
    """oneNetDatastreams.py: a Timer publishes, the main program does nothing at all"""

    def conversation(broker):
        broker.greet()
        for i in range(3):
            broker.expect(publish("$dp", b"\x01\x00\x02{}"))

    run(
        """
        from machine import Timer
        import struct

        c = MQTTClient("c", "127.0.0.1", PORT)
        c.connect()
        count = 0

        def pub(_):
            global count
            count += 1
            c.publish("$dp", struct.pack("!bh", 1, 2) + b"{}")

        timer = Timer(1)
        timer.init(period=50, mode=Timer.PERIODIC, callback=pub)
        while count < 3:
            time.sleep_ms(10)
        timer.deinit()
        time.sleep_ms(100)
        """,
        conversation,
    )
