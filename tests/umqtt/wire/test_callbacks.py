"""Callbacks, Timers and threads: nothing nests, nothing interleaves (D5, D6)."""

import pytest
from tests.umqtt.wire.broker import (
    CONNACK,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    RESUMED,
    puback,
    pubcomp,
    publish,
    pubrec,
    pubrel,
    suback,
    subscribe,
)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_echo_in_callback(play, qos):
    """D5: publish at any QoS inside the callback; 40 queued messages; PUBACKs in order [-4.6.0-2]"""
    count = 40

    def conversation(broker):
        broker.greet()
        broker.send(b"".join(publish("t", b"%d" % i, 1, 100 + i) for i in range(count)))
        for i in range(count):
            if qos:
                # The echo comes before the acknowledgement of the message that it answers.
                broker.expect(publish("t", b"%d" % i, qos, i + 1))
                broker.send(puback(i + 1) if qos == 1 else pubrec(i + 1))
            else:
                broker.expect(publish("t", b"%d" % i))
            while True:
                answer = broker.read_packet()
                if answer[0] == 0x62:
                    broker.send(pubcomp(int.from_bytes(answer[2:], "big")))
                else:
                    assert answer == puback(100 + i)
                    break
        while (packet := broker.read_packet()) != DISCONNECT:
            assert packet[0] == 0x62, packet.hex(" ")
            broker.send(pubcomp(int.from_bytes(packet[2:], "big")))

    play(
        f"""
        c = connected()

        def echo(topic, message):
            got.append(message)
            depth.append(1)
            assert len(depth) == 1
            c.publish(topic, message, qos={qos})
            assert c.wait_msg() is None and c.check_msg() is None
            depth.pop()

        depth = []
        c.MAX_IN_FLIGHT = 64
        c.set_callback(echo)
        receive(c, {count})
        while c.session.in_flight:
            c.step()
        c.disconnect()
        assert got == [b"%d" % i for i in range({count})]
        """,
        conversation,
    )


def test_stack_does_not_grow(play):
    """D5: 300 echoes of echoes; upstream's recursion ended at a depth of 74"""

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"0"))
        for i in range(300):
            broker.expect(publish("t", b"%d" % (i + 1), 1, i + 1))
            broker.send(publish("t", b"%d" % (i + 1)) + puback(i + 1))

    play(
        """
        c = connected()
        stacks = []

        def echo(topic, message):
            stacks.append(micropython.stack_use())
            if len(stacks) <= 300:
                c.publish(topic, b"%d" % (int(message) + 1), qos=1)

        c.set_callback(echo)
        while len(stacks) < 301:
            c.wait_msg()
        assert max(stacks) == min(stacks)
        """,
        conversation,
    )


def test_subscribe_disconnect_and_connect_in_callback(play):
    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"1"))
        broker.expect(subscribe(1, "u"))
        broker.send(suback(1) + publish("t", b"2", 1, 5))
        broker.expect(DISCONNECT)  # and no PUBACK after it [MQTT-3.14.4-2]
        broker.expect_close()

    play(
        """
        c = connected()

        def callback(topic, message):
            got.append(message)
            if message == b"1":
                assert isinstance(error_of(c.connect), RuntimeError)
                c.subscribe("u")
            else:
                c.disconnect()

        c.set_callback(callback)
        c.on_subscribed = lambda *answer: got.append(answer)
        assert c.wait_msg() == 0x30
        assert c.wait_msg() == 0x32
        assert got == [b"1", (b"u", 0), b"2"] and c.sock is None
        """,
        conversation,
    )


def test_callback_that_raises(play):
    """The exception reaches wait_msg, the message is acknowledged all the same, the link lives"""

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"1", 1, 5) + publish("t", b"2", 2, 6) + publish("t", b"3", 1, 7))
        broker.expect(puback(5), pubrec(6), puback(7), DISCONNECT)

    play(
        """
        c = connected()

        def callback(topic, message):
            got.append(message)
            if message != b"3":
                raise KeyError(message)

        c.set_callback(callback)
        assert isinstance(error_of(c.wait_msg), KeyError)
        assert isinstance(error_of(c.check_msg), KeyError)
        c.wait_msg()
        assert got == [b"1", b"2", b"3"]
        c.disconnect()
        """,
        conversation,
    )


def test_timer_never_interleaves(play):
    """D6: ping() and publish() scheduled at every moment, while large publishes are under way"""
    payload = bytes(range(256)) * 40

    def conversation(broker):
        broker.greet()
        seen = {"main": 0, "timer": 0, "ping": 0}
        while seen["main"] < 200:
            packet = broker.read_packet()
            if packet == PINGREQ:
                seen["ping"] += 1
                broker.send(PINGRESP)
            elif packet == publish("timer", b"x" * 50):
                seen["timer"] += 1
            else:
                identifier = seen["main"] % 65535 + 1
                assert packet == publish("main", payload, 1, identifier), packet[:20]
                seen["main"] += 1
                broker.send(puback(identifier))
        assert seen["timer"] > 20 and seen["ping"] > 20, seen

    play(
        """
        c = connected()
        payload = bytes(range(256)) * 40
        errors = []

        def tick(n):
            try:
                (c.ping if n & 1 else lambda: c.publish("timer", "x" * 50))()
            except Exception as e:
                errors.append(e)

        # The stand-in for machine.Timer: a callback scheduled at the next bytecode, again and again.
        for i in range(200):
            for n in range(3):
                try:
                    micropython.schedule(tick, i + n)
                except RuntimeError:
                    pass
            c.publish("main", payload, qos=1)
        assert not errors, errors
        """,
        conversation,
    )


def test_thread_never_interleaves(play):
    """D6: a second thread publishes and pings all the time; first corrupt packet was after 163"""
    payload = b"m" * 3000

    def conversation(broker):
        broker.greet()
        main = thread = 0
        while (packet := broker.read_packet()) != publish("end", b"", 1, 1):
            if packet[0] == 0xC0:
                broker.send(PINGRESP)
            elif packet == publish("thread", b"t" * 30):
                thread += 1
            else:
                assert packet == publish("main", payload), packet[:20]
                main += 1
        broker.send(puback(1))
        assert main == 200 and thread > 5

    play(
        """
        import _thread

        c = connected()
        stop = []
        errors = []

        def run():
            while not stop:
                try:
                    c.publish("thread", "t" * 30)
                    c.ping()
                except OSError as e:
                    if e.args[0] != errno.ENOBUFS:
                        errors.append(e)
                        break
                time.sleep_ms(1)
            stop.append(2)

        _thread.start_new_thread(run, ())
        published = 0
        while published < 200:
            try:
                c.publish("main", b"m" * 3000)
                published += 1
            except OSError as e:  # deferred behind the other thread until too much waited
                assert e.args[0] == errno.ENOBUFS
            time.sleep_ms(1)
        stop.append(1)
        while len(stop) < 2:
            time.sleep_ms(1)
        # An answer that is unread when the program ends makes its TCP forget what is on its way.
        c.publish("end", "", qos=1)
        assert not errors, errors
        """,
        conversation,
    )


def test_deferred_packet_leaves_soon(play):
    """D6: what a Timer publishes while wait_msg waits leaves within 50 ms"""

    def conversation(broker):
        broker.greet()
        broker.expect(publish("t", b"from the timer", 1, 1), PINGREQ)
        broker.send(puback(1) + PINGRESP)

    play(
        """
        import _thread

        c = connected()

        def later():
            time.sleep_ms(100)
            micropython.schedule(lambda _: (c.publish("t", "from the timer", qos=1), c.ping()), 0)

        _thread.start_new_thread(later, ())
        start = time.ticks_ms()
        assert c.wait_msg() is None
        waited = time.ticks_diff(time.ticks_ms(), start)
        assert waited < 30000, waited  # else it leaves with the next ping, after a minute
        assert not c.unacknowledged(1)
        """,
        conversation,
    )


def test_timer_disconnects(play):
    """A Timer callback may disconnect while wait_msg waits: OSError there, DISCONNECT on the wire"""

    def conversation(broker):
        broker.greet()
        broker.expect(DISCONNECT)
        broker.expect_close()

    play(
        """
        import _thread

        c = connected()

        def later():
            time.sleep_ms(100)
            micropython.schedule(lambda _: c.disconnect(), 0)

        _thread.start_new_thread(later, ())
        assert error_of(c.wait_msg).args[0] == errno.ENOTCONN
        assert c.sock is None
        """,
        conversation,
    )


def test_timer_disconnect_at_each_jump_says_goodbye(play):
    """The client gives its lock back without looking again whether somebody wants to disconnect"""
    moments = 8

    def conversation(broker):
        for _ in range(moments):
            broker.greet()
            broker.expect(DISCONNECT)
            broker.expect_close()

    play(
        f"""
        class Client(simple.MQTTClient):
            moment = None  # how often `transport` is looked at until the callback comes
            _transport = None

            @property
            def transport(self):
                transport = self._transport
                if self.moment is not None:
                    self.moment -= 1
                    if self.moment < 0:
                        self.moment = None
                        self.disconnect()
                return transport

            @transport.setter
            def transport(self, transport):
                self._transport = transport

        for moment in range({moments}):
            c = connected(kind=Client)
            c.moment = moment
            try:
                while c.moment is not None:
                    c.check_msg()
            except OSError:
                pass
            assert c.sock is None
        """,
        conversation,
    )


def test_timer_disconnect_before_delivery_spoils_no_message(play):
    """A callback is called with a topic and a payload, or not at all"""

    def conversation(broker):
        broker.greet(CONNACK + publish("t", b"m"))
        broker.expect(DISCONNECT)

    play(
        """
        from umqtt import protocol

        class Session(protocol.Session):
            _topic = None

            @property
            def topic(self):
                if self._topic is not None:  # called at the next jump
                    micropython.schedule(lambda _: c.disconnect(), None)
                return self._topic

            @topic.setter
            def topic(self, topic):
                self._topic = topic

        c = make()
        c.session = Session()
        c.connect()
        try:
            while c.isconnected():
                c.step(5)
        except OSError:
            pass
        assert got in ([], [(b"t", b"m")]), got
        """,
        conversation,
    )


def test_qos_2_comes_once_if_handler_ends_link(play):
    """[MQTT-4.3.3-2] what a handler has had is not new to it on the next connection"""

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"m", 2, 7))
        broker.expect_close()
        broker.greet(RESUMED)
        broker.send(publish("t", b"m", 2, 7, dup=True))
        broker.expect(pubrec(7))
        broker.send(pubrel(7) + publish("t", b"n", 2, 7))
        broker.expect(pubcomp(7), pubrec(7))

    play(
        """
        def handle(topic, message):
            got.append(message)
            c.close()  # as a publish into a broken link does

        c = connected(clean=False)
        c.set_callback(handle)
        error_of(receive, c, 2)
        c.set_callback(lambda topic, message: got.append(message))
        c.connect(False)
        receive(c, 2)
        assert got == [b"m", b"n"], got
        """,
        conversation,
    )


def test_ctrl_c(play):
    """KeyboardInterrupt in wait_msg leaves a client that can still say goodbye and connect again"""

    def conversation(broker):
        broker.greet()
        broker.expect(DISCONNECT)
        broker.greet()
        broker.expect(DISCONNECT)

    play(
        """
        import _thread

        c = connected()

        def interrupt(_):
            raise KeyboardInterrupt

        # Raised from the callback of the hook, as Ctrl-C is from inside the poll.
        real = c.transport.wait

        def wait(*arguments):
            raise KeyboardInterrupt

        c.transport.wait = wait
        try:
            try:
                c.wait_msg()
            finally:
                c.disconnect()
        except KeyboardInterrupt:
            pass
        c.connect()
        c.disconnect()
        """,
        conversation,
    )


@pytest.mark.parametrize(
    "method, call", [("receive", "check_msg()"), ("sent", "publish('t', 'm')")]
)
def test_ctrl_c_after_transfer_ends_link(play, method, call):
    """The stream would go on without bytes that have been read, or with bytes written twice"""

    def conversation(broker):
        broker.greet()
        broker.expect(publish("t", b"m"))
        if method == "receive":
            broker.send(publish("t", b"n"))
        broker.expect_close()

    play(
        f"""
        c = connected()
        tell = c.session.{method}

        def interrupted(count=0):
            if count:
                raise KeyboardInterrupt
            return tell()

        c.session.{method} = interrupted
        try:
            c.publish("t", "m")
            c.wait_msg()
        except KeyboardInterrupt:
            pass
        assert c.sock is None and not c.isconnected()
        """,
        conversation,
    )


def test_oversized_backlog_in_callback(play):
    """Publishing 500 messages inside one callback: it waits for room instead of piling them up"""

    def conversation(broker):
        broker.greet()
        broker.send(publish("t", b"go", 1, 9))
        for i in range(500):
            broker.expect(publish("t", b"%d" % i * 300))
        broker.expect(puback(9), DISCONNECT)

    play(
        """
        c = connected()
        c.set_callback(lambda t, m: [c.publish(t, b"%d" % i * 300) for i in range(500)])
        c.wait_msg()
        c.disconnect()
        """,
        conversation,
    )


RAISES = """
raised = []

def callback(topic, message):
    got.append(message)
    raise KeyError(message)

"""


@pytest.mark.parametrize("kind", ["simple", "robust"])
@pytest.mark.parametrize("call", ["c.wait_msg()", "c.check_msg()", "c.step()"])
def test_raising_handler_leaves_nothing_unacknowledged(play, kind, call):
    """A broker sends nothing more after some 20 unacknowledged messages (Mosquitto's default)"""

    def conversation(broker):
        broker.greet()
        broker.send(b"".join(publish("t", b"m", 1, i) for i in range(1, 21)))
        broker.expect(*(puback(i) for i in range(1, 21)), DISCONNECT)

    play(
        RAISES + f"""
c = connected(kind={kind}.MQTTClient)
c.set_callback(callback)
while len(got) < 20:
    try:
        {call}
    except KeyError:
        raised.append(1)
c.disconnect()
assert len(raised) == 20
""",
        conversation,
    )


def test_raising_handler_in_run_is_acknowledged(play):
    """aio: the exception ends run(), and its connection behind the acknowledgement"""

    def conversation(broker):
        for i in range(1, 4):
            broker.greet()
            broker.send(publish("t", b"m", 1, i))
            broker.expect(puback(i))
            broker.expect_close()

    play(
        RAISES + """
import asyncio
from umqtt import aio

async def main():
    c = make(kind=aio.MQTTClient)
    c.set_callback(callback)
    for _ in range(3):
        try:
            await c.run()
        except KeyError:
            raised.append(1)
    assert len(raised) == 3

asyncio.run(main())
""",
        conversation,
    )


def test_ctrl_c_anywhere_leaves_no_lock(play, tmp_path):
    """Ctrl-C at 300 random moments; afterwards the client connects, which a lock would refuse"""

    def conversation(broker):
        broker.greet()
        while broker.read_packet() != DISCONNECT:
            pass
        broker.greet()
        broker.expect(DISCONNECT)

    (tmp_path / "go").touch()
    play(
        f"""
        import os

        c = connected()
        go, gone = "{tmp_path}/go", "{tmp_path}/gone"
        # Whose program has failed, it ends, too: it holds the pipe that the test reads.
        loop = "while [ -e %s ] && kill -INT $PPID; do sleep 0.01; done; touch %s"
        os.system("(%s) &" % (loop % (go, gone)))

        def is_there(path):
            try:
                os.stat(path)
                return True
            except OSError:
                return False

        def stop():
            while True:
                try:
                    if is_there(go):
                        os.remove(go)
                    while not is_there(gone):
                        time.sleep_ms(5)
                    return
                except KeyboardInterrupt:
                    pass

        count = 0
        while count < 300:
            try:
                while True:
                    c.check_msg()
            except KeyboardInterrupt:
                count += 1
        stop()
        c.disconnect()
        c.connect()
        c.disconnect()
        """,
        conversation,
    )


@pytest.mark.parametrize("call", ["readinto", "write"])
def test_socket_is_at_most_five_frames_below_step(play, call):
    """The device's loop adds two: seven Python frames from there to the socket"""
    play(
        f"""
        import io

        class Sock:
            def close(self):
                pass

            def {call}(self, *arguments):
                raise KeyboardInterrupt("{call}")  # nobody catches it on its way

        c = connected(kind=robust.MQTTClient)
        c.transport.sock.close()
        c.transport.sock = Sock()
        if "{call}" == "write":
            c.publish_nowait("t", "m")
        frames = io.StringIO()
        try:
            c.step()
        except KeyboardInterrupt as error:
            sys.print_exception(error, frames)
        depth = frames.getvalue().count('File "umqtt')
        assert "{call}" in frames.getvalue() and 0 < depth <= 5, frames.getvalue()
        """,
        lambda broker: (broker.greet(), broker.expect_close()),
    )
