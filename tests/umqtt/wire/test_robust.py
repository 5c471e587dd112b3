"""umqtt.robust: what happens when the link breaks, at each of the places where it can."""

import time

import pytest
from tests.umqtt.wire.broker import (
    CONNACK,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    RESUMED,
    connect,
    puback,
    pubcomp,
    publish,
    pubrec,
    pubrel,
    suback,
    subscribe,
    unsuback,
    unsubscribe,
)

ROBUST = """
class Client(robust.MQTTClient):
    DELAY = 0.05
    lost = []

    def on_lost(self, reason, retry):
        self.lost.append((reason.args[0], retry))

def start(clean=True, **named):
    return connected(kind=Client, clean=clean, **named)

"""


@pytest.fixture
def play_robust(play):
    def run(program, conversation, **named):
        import textwrap

        return play(ROBUST + textwrap.dedent(program), conversation, **named)

    return run


@pytest.mark.parametrize("session", [CONNACK, RESUMED])
@pytest.mark.parametrize("qos", [1, 2])
def test_lost_publish_is_sent_again(play_robust, qos, session):
    """D10, D17: same identifier; DUP if the session is there, as new if not"""

    def conversation(broker):
        broker.greet()
        broker.expect(publish("t", b"m", qos, 1))
        broker.hang_up()
        broker.greet(session)
        broker.expect(publish("t", b"m", qos, 1, dup=session == RESUMED))
        if qos == 1:
            broker.send(puback(1))
        else:
            broker.send(pubrec(1))
            broker.expect(pubrel(1))
            broker.hang_up()
            broker.greet(RESUMED)
            broker.expect(pubrel(1))
            broker.send(pubcomp(1))
        broker.expect(DISCONNECT)

    play_robust(
        f"""
        c = start(clean=False)
        c.publish("t", "m", qos={qos})
        assert not c.session.in_flight
        c.disconnect()
        """,
        conversation,
    )


def hang_up_once(broker):
    broker.greet()
    broker.hang_up()
    broker.greet()
    broker.expect(publish("t", b"m"), DISCONNECT)


def test_lost_qos_0_publish(play_robust):
    play_robust(
        """
        c = start()
        wait_for_input(c)  # the end
        c.publish("t", "m")
        c.disconnect()
        """,
        hang_up_once,
    )


def test_ping_into_broken_link(play_robust):
    """Found by tests/umqtt/faults: the link breaks while ping() is at the socket; the next call reconnects"""

    play_robust(
        """
        c = start()
        wait_for_input(c)  # the end
        c.ping()
        assert not c.isconnected()
        c.ping()
        c.publish("t", "m")
        c.disconnect()
        """,
        hang_up_once,
    )


def test_step_does_not_wait_for_ever_for_answer(play_robust):
    """Found by tests/umqtt/faults: a broker that answers pings, but not PUBLISH nor SUBSCRIBE"""

    def silent_but_alive(broker):
        try:
            while broker.read_packet() == PINGREQ:
                broker.send(PINGRESP)
        except (AssertionError, ConnectionResetError):
            pass

    def conversation(broker):
        broker.greet()
        broker.expect(publish("t", b"m", 1, 1))
        silent_but_alive(broker)
        broker.greet(RESUMED)
        broker.expect(publish("t", b"m", 1, 1, dup=True))
        broker.send(puback(1))
        broker.expect(subscribe(2, "a", 1))
        silent_but_alive(broker)
        broker.greet(RESUMED)
        broker.expect(subscribe(3, "a", 1))
        broker.send(suback(3, 1))
        broker.expect(DISCONNECT)

    play_robust(
        """
        import asyncio
        from umqtt import aio

        async def main():
            c = make(kind=aio.MQTTClient, keepalive=1)
            c.TIMEOUT = 2
            c.DELAY = 0.05
            task = asyncio.create_task(c.run(False))
            await c.publish("t", "m", qos=1)
            await c.subscribe("a", 1)
            assert c.counters["timeouts"] == 2 and c.counters["pings_answered"], c.counters
            await c.disconnect()

        asyncio.run(main())
        """,
        conversation,
    )


def test_answer_behind_long_message_on_slow_link(play_robust):
    """Bytes that come are a sign of life: TIMEOUT does not run while a packet arrives"""

    def conversation(broker):
        broker.greet()
        broker.expect(publish("t", b"m", 1, 1))
        long = publish("a", b"x" * 15)
        for i in range(len(long)):
            broker.send(long[i : i + 1])
            time.sleep(0.15)
        broker.send(puback(1))
        broker.expect(DISCONNECT)

    play_robust(
        """
        c = start()
        c.TIMEOUT = 2
        c.publish_nowait("t", "m", qos=1)
        while c.unacknowledged(1):
            c.step(10)
        assert len(got) == 1 and not c.counters["timeouts"], c.counters
        c.disconnect()
        """,
        conversation,
    )


def test_lost_subscribe_is_asked_again(play_robust):
    """D10: the link breaks before SUBACK, before UNSUBACK"""

    def conversation(broker):
        broker.greet()
        broker.expect(subscribe(1, "t", 1))
        broker.hang_up()
        broker.greet(RESUMED)
        broker.expect(subscribe(2, "t", 1))
        broker.send(suback(2, 1))
        broker.expect(unsubscribe(3, "t"))
        broker.hang_up()
        broker.greet(RESUMED)
        broker.expect(unsubscribe(4, "t"))
        broker.send(unsuback(4))
        broker.expect(unsubscribe(5, "t"))
        broker.send(unsuback(5))
        broker.expect(DISCONNECT)

    play_robust(
        """
        c = start(clean=False)
        c.subscribe("t", 1)
        c.unsubscribe("t")
        c.disconnect()
        """,
        conversation,
    )


def test_resubscribes_only_without_session(play_robust):
    """D11, [MQTT-3.2.2-2] [-3.2.2-3] [-3.8.4-3]"""

    def conversation(broker):
        broker.greet()
        for i, name in ((1, "a"), (2, "b"), (3, "c")):
            broker.expect(subscribe(i, name, i - 1))
            broker.send(suback(i, i - 1))
        broker.expect(unsubscribe(4, "b"))
        broker.send(unsuback(4))
        broker.hang_up()
        broker.greet(RESUMED)
        broker.send(publish("x", b"1"))
        broker.expect_silence(0.1)
        broker.hang_up()
        broker.greet(CONNACK)
        broker.expect(subscribe(5, "a", 0), subscribe(6, "c", 2))
        broker.send(suback(5) + suback(6) + publish("x", b"2"))
        broker.expect(DISCONNECT)

    play_robust(
        """
        c = start(clean=False)
        c.subscribe("a")
        c.subscribe("b", 1)
        c.on("c", print, 2)
        c.unsubscribe("b")
        receive(c, 2)
        c.disconnect()
        """,
        conversation,
    )


def test_subscribes_what_older_session_cannot_know(play_robust):
    """D11, [MQTT-3.2.2-2]: the session is from before the reset; so it has other filters, or other QoS"""

    def conversation(broker):
        broker.greet(RESUMED)
        broker.expect(subscribe(1, "a", 1))
        broker.send(suback(1, 1))
        broker.hang_up()
        broker.greet(RESUMED)
        broker.send(publish("a", b"1"))
        broker.expect_silence(0.1)
        broker.hang_up()
        broker.greet(RESUMED)
        broker.expect(subscribe(2, "a", 2))
        broker.send(suback(2, 0x80))
        broker.hang_up()
        broker.greet(RESUMED)
        broker.expect(subscribe(3, "a", 2))
        broker.send(suback(3, 2) + publish("a", b"2"))
        broker.expect(DISCONNECT)

    play_robust(
        """
        c = make(kind=robust.MQTTClient)
        c.DELAY = 0.1
        asked = []

        def on_lost(reason, retry):
            if got == [(b"a", b"1")] and not asked:
                asked.append(c.on("a", handler, 2))

        def handler(topic, message):
            got.append((topic, message))

        c.on_lost = on_lost
        c.on("a", handler, 1)
        c.connect(False)
        receive(c, 2)
        c.disconnect()
        """,
        conversation,
    )


@pytest.mark.parametrize("clean", [True, False])
def test_reconnects_as_it_connected(play_robust, clean):
    """D25: no persistent session is left behind by a program that asked for a clean one"""

    def conversation(broker):
        for _ in range(3):
            assert broker.greet() == connect(clean=clean)
            broker.hang_up()
        broker.greet()
        broker.send(publish("t", b"m"))
        broker.expect(DISCONNECT)

    play_robust(
        f"""
        c = start(clean={clean})
        receive(c, 1)
        c.disconnect()
        """,
        conversation,
    )


@pytest.mark.parametrize(
    "end",
    [
        lambda broker: broker.hang_up(),
        lambda broker: broker.reset(),
        lambda broker: broker.send(b"\xf0\x00"),
        lambda broker: broker.send(b"\x30"),
        lambda broker: None,
    ],
    ids=["FIN", "RST", "protocol error", "half a packet and silence", "silence"],
)
@pytest.mark.parametrize("call", ["c.wait_msg()", "c.check_msg()", "c.step()"])
def test_reconnects_after_every_kind_of_loss(play_robust, call, end):
    """D1, D12"""

    def conversation(broker):
        broker.greet()
        broker.expect(PINGREQ)  # it has read CONNACK, which a reset would take away
        end(broker)
        broker.greet()
        broker.send(publish("t", b"m"))
        broker.expect(DISCONNECT)

    play_robust(
        f"""
        c = start(keepalive=1)
        c.ping()
        while not got:
            {call}
            time.sleep_ms(1)
        c.disconnect()
        assert len(c.lost) == 1 and c.counters["connects"] == 2
        """,
        conversation,
    )


@pytest.mark.parametrize(
    "failure",
    [
        lambda broker: broker.hang_up(),
        lambda broker: (broker.read_packet(), broker.hang_up()),
        lambda broker: (broker.read_packet(), broker.send(CONNACK[:2]), broker.hang_up()),
        lambda broker: (broker.read_packet(), broker.reset()),
        lambda broker: (broker.read_packet(), broker.send(b"\x20\x02\x00\x03")),
        lambda broker: (broker.read_packet(), broker.send(b"\x20\x02\x01\x03")),
        lambda broker: (broker.read_packet(), broker.send(b"HTTP/1.1 400\r\n")),
        lambda broker: (broker.read_packet(), broker.expect_close()),
    ],
    ids=["FIN", "EOF for CONNACK", "half", "RST", "CONNACK 3", "bad CONNACK", "HTTP", "silence"],
)
@pytest.mark.parametrize("call", ["c.wait_msg()", "c.step()"])
def test_reconnecting_survives(play_robust, request, call, failure):
    """D12: each of these escaped from upstream's reconnect()"""

    def conversation(broker):
        broker.greet()
        broker.hang_up()
        for _ in range(2):
            broker.accept()
            failure(broker)
        broker.greet()
        broker.send(publish("t", b"m"))
        broker.expect(DISCONNECT)

    play_robust(
        f"""
        c = start()
        c.TIMEOUT = {1 if "silence" in request.node.name else 60}
        while not got:
            {call}
            time.sleep_ms(1)
        c.disconnect()
        assert len(c.lost) == 3, c.lost
        """,
        conversation,
    )


@pytest.mark.parametrize("code", [1, 2, 4, 5])
@pytest.mark.parametrize("call", ["c.wait_msg()", "c.publish('t', 'm')", "work(c, 60)"])
def test_refusals_that_time_does_not_cure(play_robust, call, code):
    """Raised, and not tried again"""

    def conversation(broker):
        broker.greet()
        broker.hang_up()
        broker.greet(bytes([0x20, 2, 0, code]))
        broker.expect_close()

    play_robust(
        f"""
        c = start()
        wait_for_input(c)  # the end
        e = error_of(lambda: {call})
        assert isinstance(e, MQTTException) and e.args[0] == {code}, repr(e)
        work(c, 0.2)  # idle
        """,
        conversation,
    )


def test_step_survives_dns_failure_and_ends_at_bad_setting(play_robust):
    """A name that is not found is tried again; a client id that MQTT cannot carry is not"""

    def conversation(broker):
        broker.greet()
        broker.expect(DISCONNECT)

    play_robust(
        """
        c = make(kind=Client)
        c.server = "no-such-host.invalid"
        c.start()
        while len(c.lost) < 3:
            c.step()
        c.server = "127.0.0.1"
        while not c.isconnected():
            c.step()
        c.disconnect()
        c.client_id = "a\\0b"
        c.start()
        assert isinstance(error_of(work, c, 60), ValueError)  # once TCP is connected
        work(c, 0.1)  # idle
        assert len(c.lost) == 3
        """,
        conversation,
    )


def test_before_connect(play_robust):
    """D21: publish connects; D12: no AttributeError anywhere"""

    def conversation(broker):
        assert broker.greet() == connect(clean=False)
        broker.expect(publish("t", b"m"), DISCONNECT)
        broker.greet()
        broker.send(publish("t", b"m"))

    play_robust(
        """
        c = make(kind=Client)
        c.ping()
        c.disconnect()
        c.step()
        c.publish("t", "m")
        c.disconnect()
        c = make(kind=Client)
        assert c.check_msg() in (None, 0x30)
        receive(c, 1)
        """,
        conversation,
    )


def test_back_off(play_robust):
    """Exponential from DELAY to MAX_DELAY with jitter; delay(i) counts the attempts"""

    def conversation(broker):
        broker.greet()
        broker.listener.close()
        broker.hang_up()

    play_robust(
        """
        class Stop(Exception):
            pass

        class Counting(robust.MQTTClient):
            DELAY = 2
            calls = []
            retries = []

            def delay(self, i):
                self.calls.append(i)
                if i == 12:
                    raise Stop

            def on_lost(self, reason, retry):
                self.retries.append(retry)

        c = connected(kind=Counting)
        assert isinstance(error_of(c.wait_msg), Stop)
        assert c.calls == list(range(1, 13)), c.calls
        expected = [2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60]
        assert len(c.retries) == 12
        for seconds, top in zip(c.retries, expected):
            assert 0.75 * top <= seconds <= top, c.retries
        assert len(set(c.retries[5:])) > 2, "no jitter"
        """,
        conversation,
    )


def test_default_delay_and_log(play_robust):
    """contract: DEBUG prints upstream's two forms; delay() sleeps"""

    def conversation(broker):
        broker.greet()
        broker.hang_up()
        broker.accept()
        broker.hang_up()
        broker.greet()
        broker.send(publish("t", b"m"))
        broker.expect(DISCONNECT)

    said = play_robust(
        """
        c = start()
        c.DEBUG = True
        receive(c, 1)
        c.disconnect()
        """,
        conversation,
    )
    lines = said.split("\n")
    assert lines[0].startswith("mqtt: OSError"), said
    assert lines[1].startswith("mqtt reconnect: OSError"), said
    assert len(lines) < 10, said


def test_own_connect_is_called_with_one_argument(play_robust):
    """contract (upstream's example_lwt_robust): connect(self, clean_session=True) overridden"""

    def conversation(broker):
        for _ in range(2):
            broker.greet()
            broker.expect(publish("status", b"online", 0, retain=True))
            time.sleep(0.05)
            broker.hang_up()
        broker.greet()
        broker.expect(publish("status", b"online", 0, retain=True))
        broker.send(publish("t", b"m"))
        broker.expect(DISCONNECT)

    play_robust(
        """
        class Birth(Client):
            seen = []

            def connect(self, clean_session=True):
                self.seen.append(clean_session)
                present = super().connect(clean_session)
                self.publish("status", "online", retain=True)
                return present

        c = make(kind=Birth)
        c.connect(False)
        receive(c, 1)
        assert c.seen == [False, False, False]
        c.disconnect()
        """,
        conversation,
    )


def test_error_of_callback_is_not_lost_link(play_robust):
    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"m"))
        broker.expect(DISCONNECT)

    play_robust(
        """
        c = start()

        def fails(topic, message):
            raise OSError(5)

        c.set_callback(fails)
        assert error_of(c.wait_msg).args[0] == 5
        c.disconnect()
        assert not c.lost
        """,
        conversation,
    )


OFFLINE = """
c = start()
c.OFFLINE_LIMIT = 3
c.OFFLINE_POLICY = c.{policy}
while c.isconnected():
    c.step()
for i in range(5):
    {call}
while c.backlog or c.session.in_flight:
    c.step()
c.disconnect()
"""


def test_offline_drop_oldest(play_robust):
    def conversation(broker):
        broker.greet()
        broker.hang_up()
        broker.greet()
        broker.expect(publish("t", b"2", 1, 1), publish("t", b"3", 1, 2), publish("t", b"4", 1, 3))
        broker.send(puback(1) + puback(2) + puback(3))
        broker.expect(DISCONNECT)

    play_robust(
        OFFLINE.format(policy="DROP_OLDEST", call="c.publish('t', str(i), qos=1)")
        + "assert c.counters['dropped'] == 2",
        conversation,
    )


def test_offline_publish_is_checked_and_copied_at_once(play_robust):
    """A bad QoS in the backlog passed for a bad certificate, and ended the reconnecting"""

    def conversation(broker):
        broker.greet()
        broker.expect(publish("t", b"a"), DISCONNECT)

    play_robust(
        """
        c = make(kind=Client)
        c.OFFLINE_LIMIT = 4
        assert isinstance(error_of(c.publish, "t", "m", qos=3), ValueError)
        assert isinstance(error_of(c.publish, "t", 5), TypeError)
        message = bytearray(b"a")
        c.publish("t", message)
        message[0] = ord("b")
        c.connect()
        while c.backlog:
            c.step()
        c.disconnect()
        """,
        conversation,
    )


def test_offline_raise(play_robust):
    def conversation(broker):
        broker.greet()
        broker.hang_up()
        broker.greet()
        broker.expect(*(publish("t", b"%d" % i) for i in range(3)), DISCONNECT)

    call = """
    if i < 3:
        c.publish("t", str(i))
    else:
        assert error_of(c.publish, "t", str(i)).args[0] == errno.ENOBUFS
"""
    play_robust(OFFLINE.format(policy="RAISE", call=call), conversation)


def test_offline_block(play_robust):
    def conversation(broker):
        broker.greet()
        broker.hang_up()
        broker.greet()
        broker.expect(*(publish("t", b"%d" % i) for i in range(5)), DISCONNECT)

    play_robust(OFFLINE.format(policy="BLOCK", call="c.publish('t', str(i))"), conversation)


def test_offline_nowait(play_robust):
    def conversation(broker):
        broker.greet()
        broker.hang_up()
        broker.greet()
        broker.expect(*(publish("t", b"%d" % i) for i in range(3)), DISCONNECT)

    call = """
    if i < 3:
        assert c.publish_nowait("t", str(i)) == 0
    else:
        assert error_of(c.publish_nowait, "t", str(i)).args[0] == errno.ENOBUFS
"""
    play_robust(OFFLINE.format(policy="BLOCK", call=call), conversation)


def test_offline_more_than_fits_in_flight(play_robust):
    """What was kept goes first, in order, as acknowledgements make room"""

    def conversation(broker):
        broker.greet()
        broker.hang_up()
        broker.greet()
        for i in range(1, 21):
            broker.expect(publish("t", b"%d" % i, 1, i))
            if i % 4 == 0:
                if i < 20:
                    broker.expect_silence(0.02)
                broker.send(b"".join(puback(n) for n in range(i - 3, i + 1)))
        broker.expect(publish("t", b"last"))

    play_robust(
        """
        c = start()
        c.OFFLINE_LIMIT = 20
        c.MAX_IN_FLIGHT = 4
        while c.isconnected():
            c.step()
        for i in range(20):
            c.publish("t", str(i + 1), qos=1)
        while not c.isconnected():
            c.step()
        c.publish("t", "last")
        """,
        conversation,
    )


def test_step_never_waits(play_robust):
    """10.: a step does not wait, whatever the broker does not do; on_* hooks tell"""

    def conversation(broker):
        broker.greet()
        broker.expect(subscribe(1, "t"))
        broker.send(suback(1))
        broker.hang_up()
        broker.accept()
        broker.read_packet()
        time.sleep(0.4)  # silence instead of CONNACK
        broker.hang_up()
        broker.greet()
        broker.expect(subscribe(2, "t"))
        broker.send(suback(2))
        broker.expect(DISCONNECT)

    said = play_robust(
        """
        c = make(kind=robust.MQTTClient, keepalive=5)
        c.DELAY = 0.05
        c.on_connected = lambda session: print("connected", session)
        c.on_subscribed = lambda name, qos: print("subscribed", name, qos)
        c.on_lost = lambda reason, retry: print("lost", retry < 1)
        c.on("t", print)
        c.start()
        unanswered = []  # us that steps took
        while c.counters["connects"] < 2 or c.session.requests:
            start = time.ticks_us()
            deadline = c.step()
            if c.transport and not c.isconnected():
                unanswered.append(time.ticks_diff(time.ticks_us(), start))
            assert time.ticks_diff(deadline, time.ticks_ms()) <= 60_000
            time.sleep_ms(1)
        # Not the longest: a busy machine may pause inside any of them, but not inside most.
        unanswered.sort()
        assert unanswered[len(unanswered) // 2] < 20_000, unanswered
        c.disconnect()
        c.step()
        """,
        conversation,
    )
    once = "connected 0\nsubscribed b't' 0\n"
    assert said == once + "lost True\nlost True\n" + once, said


def test_callback_publishes_into_lost_link(play_robust):
    """D5, D10: kept, and sent after the next connect"""

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"m"))
        broker.hang_up()
        broker.greet()
        broker.expect(publish("echo", b"m", 1, 1))
        broker.send(puback(1))
        broker.expect(DISCONNECT)

    play_robust(
        """
        c = start()

        def echo(topic, message):
            got.append(message)
            time.sleep_ms(200)
            c.lose(OSError(-1))
            c.publish("echo", message, qos=1)

        c.set_callback(echo)
        c.wait_msg()
        assert c.backlog
        while c.backlog or c.session.in_flight:
            c.step()
        c.disconnect()
        """,
        conversation,
    )


def test_waits_for_wifi(play_robust):
    """While Wi-Fi is down no attempt is made"""

    def conversation(broker):
        broker.greet()
        broker.hang_up()
        broker.greet()
        broker.send(publish("t", b"m"))
        broker.expect(DISCONNECT)

    play_robust(
        """
        class WLAN:
            up = True

            def __init__(self, interface):
                assert interface == 0

            def active(self):
                return True

            def isconnected(self):
                return self.up

        class Network:
            STA_IF = 0
            WLAN = WLAN

        sys.modules["network"] = Network
        c = start()
        attempts = []
        Transport = simple.Transport
        simple.Transport = lambda *arguments: (attempts.append(WLAN.up), Transport(*arguments))[1]
        WLAN.up = False
        wait_for_input(c)  # the end
        work(c, 0.7)
        assert len(c.lost) == 1 and not attempts
        WLAN.up = True
        receive(c, 1)
        c.disconnect()
        assert len(c.lost) == 1 and attempts == [True]
        """,
        conversation,
    )


@pytest.mark.parametrize("end", ["reset", "hang_up"])
def test_cut_at_every_byte(play_robust, end):
    """D10 to D12: the broker takes n bytes, n = 0, 1, 2..., and is gone; then it stays"""
    size = len(connect("c") + subscribe(1, "t", 1) + publish("t", b"m", 1, 1))

    def conversation(broker):
        for count in range(size):
            broker.accept()
            rest = count
            for packet_size in (len(connect("c")), len(subscribe(1, "t", 1)), size):
                broker.read(min(rest, packet_size))
                if rest < packet_size:
                    break
                rest -= packet_size
                if packet_size == len(connect("c")):
                    broker.send(CONNACK)
            getattr(broker, end)()
        broker.greet()
        while (packet := broker.read_packet()) != DISCONNECT:
            identifier = int.from_bytes(packet[-3:-1] if packet[0] & 2 else b"", "big")
            if packet[0] == 0x82:
                broker.send(suback(int.from_bytes(packet[2:4], "big"), 1))
            else:
                assert packet[:1] in b"\x32\x3a" and packet[-1:] == b"m", packet.hex(" ")
                broker.send(puback(identifier))

    play_robust(
        """
        c = make(kind=Client)
        c.DELAY = 0.002
        c.MAX_DELAY = 0.01
        c.on("t", print, 1)
        c.publish("t", "m", qos=1)
        while c.session.requests:
            c.step()
        c.disconnect()
        """,
        conversation,
    )


def test_thousand_reconnects_leak_nothing(play_robust):
    def conversation(broker):
        for _ in range(1000):
            broker.greet()
            request = broker.read_packet()
            assert request[0] == 0x82
            broker.send(suback(int.from_bytes(request[2:4], "big")) + publish("t", b"m"))
            broker.expect(DISCONNECT)

    play_robust(
        """
        c = make(kind=Client)
        c.on("t", lambda topic, message: got.append(1))
        used = []
        for i in range(1000):
            c.connect()
            receive(c, 1)
            got.clear()
            c.disconnect()
            if i == 100 or i == 999:
                gc.collect()
                used.append(gc.mem_alloc())
        assert used[1] <= used[0], used
        """,
        conversation,
    )
