"""SUBSCRIBE and UNSUBSCRIBE, per-filter handlers."""

from tests.umqtt.wire.broker import (
    DISCONNECT,
    RESUMED,
    publish,
    suback,
    subscribe,
    unsuback,
    unsubscribe,
)


def test_granted_qos_and_refusal(play):
    """[MQTT-3.8.4-5] [-3.8.4-6] [-3.9.3-1] D18: the hook tells what was granted; 0x80 raises MQTTException"""

    def conversation(broker):
        broker.greet()
        broker.expect(subscribe(1, "a", 2))
        broker.send(suback(1, 1))
        broker.expect(subscribe(2, "b", 2))
        broker.send(suback(2, 0x80))
        broker.expect(subscribe(3, "c", 0))
        broker.send(suback(3, 0))
        broker.expect(DISCONNECT)

    play(
        """
        c = connected()
        c.on_subscribed = lambda name, qos: got.append((name, qos))
        c.subscribe("a", 2)
        e = error_of(c.subscribe, "b", 2)
        assert isinstance(e, MQTTException) and e.args[0] == 0x80
        c.subscribe("c")
        assert got == [(b"a", 1), (b"b", 0x80), (b"c", 0)], got
        c.disconnect()
        """,
        conversation,
    )


def test_messages_before_suback_and_unsuback(play):
    """(3.8.4) (3.10.4-3): delivered while subscribe() and unsubscribe() wait"""

    def conversation(broker):
        broker.greet()
        broker.expect(subscribe(1, "t"))
        broker.send(publish("t", b"retained", retain=True) + suback(1))
        broker.expect(unsubscribe(2, "t"))
        broker.send(publish("t", b"late") + unsuback(2))

    play(
        """
        c = connected()
        c.subscribe("t")
        assert got == [(b"t", b"retained")]
        c.unsubscribe("t")
        assert got == [(b"t", b"retained"), (b"t", b"late")]
        """,
        conversation,
    )


def test_subscribe_needs_callback(play):
    """contract: AssertionError with upstream's text, before anything is sent"""

    def conversation(broker):
        broker.greet()
        broker.expect(DISCONNECT)

    play(
        """
        c = connected()
        c.cb = None
        e = error_of(c.subscribe, "t")
        assert isinstance(e, AssertionError) and "callback is not set" in str(e)
        c.disconnect()
        """,
        conversation,
    )


def test_subscribe_times_out(play):
    """D1: no SUBACK"""

    def conversation(broker):
        broker.greet()
        broker.read_packet()
        broker.expect_close()

    play(
        """
        c = connected()
        c.TIMEOUT = 0.3
        assert error_of(c.subscribe, "t").args[0] == errno.ETIMEDOUT and c.sock is None
        """,
        conversation,
    )


def test_handlers(play):
    """[MQTT-4.7.1-2] [-4.7.1-3] [-4.7.2-1]: each matching handler in order; else the callback"""

    def conversation(broker):
        broker.greet()
        names = ("a/#", "a/+", "#", "$SYS/#")
        for i, name in enumerate(names):
            broker.expect(subscribe(i + 1, name, 1))
        broker.send(b"".join(suback(i + 1, 1) for i in range(4)))
        broker.send(
            publish("a", b"1") + publish("a/b", b"2", retain=True) + publish("$SYS/x", b"3")
        )
        broker.send(publish("$other", b"4"))
        broker.expect(unsubscribe(5, "#"))
        broker.send(unsuback(5) + publish("b", b"5"))
        broker.expect(DISCONNECT)

    play(
        """
        c = make()

        def handler(name):
            return lambda topic, message: got.append((name, message))

        c.on("a/#", handler("tree"), 1)
        c.on("a/+", lambda *all: got.append(all), 1, details=True)
        c.on("#", handler("replaced"), 0)
        c.on("#", handler("all"), 1)
        c.on("$SYS/#", handler("system"), 1)
        c.connect()
        receive(c, 8 - 1)
        c.unsubscribe("#")
        receive(c, 8)
        assert got == [
            ("tree", b"1"),
            ("all", b"1"),
            ("tree", b"2"),
            (b"a/b", b"2", True, 0, False),
            ("all", b"2"),
            ("system", b"3"),
            (b"$other", b"4"),
            (b"b", b"5"),
        ], got
        c.disconnect()
        """,
        conversation,
    )


def test_on_subscribes_at_each_connect_without_session(play):
    """[MQTT-3.2.2-3] and not again where the session is present; an unanswered one is repeated"""

    def conversation(broker):
        broker.greet()
        broker.expect(subscribe(1, "a"))
        broker.send(suback(1))
        broker.expect(subscribe(2, "b", 1))
        broker.hang_up()
        broker.greet(RESUMED)
        broker.expect(subscribe(3, "b", 1))
        broker.send(suback(3, 1))
        broker.expect_silence(0.1)
        broker.hang_up()
        broker.greet(RESUMED)
        broker.expect_silence(0.1)
        broker.hang_up()
        broker.greet()
        broker.expect(subscribe(4, "a"), subscribe(5, "b", 1))
        broker.hang_up()

    play(
        """
        c = make()
        c.on("a", print)
        c.connect(False)
        while c.session.requests:
            c.step()
        e = error_of(c.on, "b", print, 1)
        for _ in range(3):
            c.connect(False)
            error_of(lambda: work(c, 60))  # until the broker hangs up
        """,
        conversation,
    )
