"""The known defects of micropython-lib's umqtt (docs/umqtt.md), in programs that keep to its API.

Each program ends well with our client. Where a copy of the original is at hand (see original.py),
it runs with that as well and must not end well: the test can see the defect.
"""

from __future__ import annotations

import time
from textwrap import dedent
from collections.abc import Callable

import pytest

from tests.umqtt.wire.broker import (
    CONNACK,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    RESUMED,
    ScriptedBroker,
    connect,
    puback,
    pubcomp,
    publish,
    pubrec,
    pubrel,
    string,
    suback,
    subscribe,
)
from tests.umqtt.wire.original import Client, original_client

Conversation = Callable[[ScriptedBroker], None]

DEFECTS: dict[str, tuple[str, Conversation]] = {}

# What every program may use. `TIMEOUT` and `PROBE` are ours; the original takes no notice.
START = """
def start(kind=simple.MQTTClient, keepalive=0, clean=True, timeout=60, **named):
    c = kind("c", "127.0.0.1", PORT, keepalive=keepalive, **named)
    c.TIMEOUT = timeout
    c.DELAY = 0.05
    c.set_callback(callback)
    c.connect(clean)
    return c


"""


def read_to_the_end(broker: ScriptedBroker) -> None:
    try:
        while broker.peer.recv(100):
            pass
    except ConnectionResetError:
        pass


def defect(name: str, program: str) -> Callable[[Conversation], Conversation]:
    def register(conversation: Conversation) -> Conversation:
        DEFECTS[name] = (program, conversation)
        return conversation

    return register


@defect("D1 silent link", "assert isinstance(error_of(start(keepalive=1).wait_msg), OSError)")
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    read_to_the_end(broker)


@defect(
    "D1 no PUBACK",
    'assert isinstance(error_of(start(timeout=1).publish, "t", "m", False, 1), OSError)',
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    read_to_the_end(broker)


@defect(
    "D2 timeout after the first packet",
    """
    c = MQTTClient("c", "127.0.0.1", PORT)
    c.set_callback(callback)
    c.connect(timeout=2)  # in which a busy broker has answered
    c.wait_msg()
    assert isinstance(error_of(c.publish, "t", "m", False, 1), OSError)
    """,
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.send(publish("t", b"m"))
    read_to_the_end(broker)


@defect("D3 keep alive", "start(keepalive=1).wait_msg()")
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.expect(PINGREQ)
    broker.send(PINGRESP)


@defect(
    "D4 the answer to a ping is missed",
    """
    c = start(keepalive=1)
    for _ in range(40):
        c.ping()
        time.sleep_ms(100)
        try:
            c.check_msg()
        except OSError:
            break
    else:
        raise AssertionError("nobody missed the answer")
    """,
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    read_to_the_end(broker)


@defect(
    "D5 QoS 1 in the callback",
    """
    c = start()
    c.set_callback(lambda topic, message: (got.append(1), c.publish("echo", message, qos=1)))
    while len(got) < 4:
        c.wait_msg()
    time.sleep_ms(50)
    c.check_msg()
    c.disconnect()
    """,
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.send(b"".join(publish("t", b"%d" % i, 1, 10 + i) for i in range(4)))
    for i in range(4):
        broker.expect(publish("echo", b"%d" % i, 1, 1 + i), puback(10 + i))
        broker.send(puback(1 + i))
    broker.expect(DISCONNECT)


@defect(
    "D6 a Timer's ping inside a packet",
    """
    from machine import Timer

    c = start()
    timer = Timer(1)
    timer.init(period=1, mode=Timer.PERIODIC, callback=lambda n: c.ping())
    for i in range(100):
        c.publish("topic", b"m" * 10000)
    timer.deinit()
    c.disconnect()
    """,
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    messages = pings = 0
    # No answers: one that is unread when the client closes makes its TCP forget what is on its way.
    while (packet := broker.read_packet()) != DISCONNECT:
        if packet == PINGREQ:
            pings += 1
        else:
            assert packet == publish("topic", b"m" * 10000), packet[:20].hex(" ")
            messages += 1
    assert messages == 100 and pings > 5


@defect(
    "D7 a late acknowledgement",
    """
    c = start()
    while not got:
        c.wait_msg()
    assert got == [(b"t", b"m")]
    """,
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.send(puback(0x3001) + publish("t", b"m"))


@defect(
    "D8 packet identifier 65536",
    """
    c = start()
    c.pid = 65534
    c.publish("t", "a", qos=1)
    c.publish("t", "b", qos=1)
    """,
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    for message, identifier in ((b"a", 65535), (b"b", 1)):
        broker.expect(publish("t", message, 1, identifier))
        broker.send(puback(identifier))


@defect("D9 UTF-8", 'start(user="ü", password="é").publish("°C", "21 °C")')
def _(broker: ScriptedBroker) -> None:
    broker.accept()
    broker.expect(connect(flags=0xC0, rest=string("ü") + string("é")))
    broker.send(CONNACK)
    broker.expect(publish("°C", "21 °C".encode()))


@defect("D10 publish lost with the link", 'start(robust.MQTTClient).publish("t", "m", qos=1)')
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.expect(publish("t", b"m", 1, 1))
    broker.hang_up()
    broker.greet()
    assert broker.read_packet()[-1:] == b"m"
    broker.send(puback(1))


@defect(
    "D11 subscriptions lost with the session",
    """
    c = start(robust.MQTTClient)
    c.subscribe("t")
    c.wait_msg()
    """,
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.expect(subscribe(1, "t"))
    broker.send(suback(1))
    broker.hang_up()
    broker.greet()
    broker.expect(subscribe(2, "t"))
    broker.send(suback(2) + publish("t", b"m"))


for ending, data in {
    "EOF": b"",
    "CONNACK 3": b"\x20\x02\x00\x03",
    "bad": b"\xff\xff\x00\x00",
}.items():

    @defect(f"D12 {ending} while reconnecting", "start(robust.MQTTClient).wait_msg()")
    def _(broker: ScriptedBroker, data: bytes = data) -> None:
        broker.greet()
        broker.hang_up()
        broker.accept()
        broker.read_packet()
        broker.send(data)
        broker.hang_up()
        broker.greet()
        broker.send(publish("t", b"m"))


@defect(
    "D13 half a message",
    """
    c = start()
    assert isinstance(error_of(c.wait_msg), OSError) and not got, got
    """,
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.send(publish("t", b"message")[:-4])
    broker.hang_up()


@defect(
    "D14 a length of five bytes",
    "e = error_of(start().wait_msg)\nassert isinstance(e, OSError) and e.args[0] != -1, repr(e)",
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.send(b"\x30\x80\x80\x80\x80\x01")
    read_to_the_end(broker)


@defect(
    "D15 a large message",
    """
    c = start()
    while (b"t", b"small") not in got:
        c.wait_msg()
    """,
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.send(publish("t", bytes(20_000_000)) + publish("t", b"small"))


@defect("D16 QoS 2 out", 'start().publish("t", "m", qos=2)')
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.expect(publish("t", b"m", 2, 1))
    broker.send(pubrec(1))
    broker.expect(pubrel(1))
    broker.send(pubcomp(1))


@defect("D16 QoS 2 in", "c = start()\nc.wait_msg()\nwhile len(got) < 2:\n    c.check_msg()")
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.send(publish("t", b"m", 2, 9))
    broker.expect(pubrec(9))
    broker.send(pubrel(9))
    broker.expect(pubcomp(9))
    broker.send(publish("t", b"last"))


@defect(
    "D17 a resumed session",
    """
    c = start(clean=False)
    c.pid = 0  # ours begins anywhere where the session is kept
    error_of(c.publish, "t", "m", False, 1)
    c.connect(False)
    c.set_callback(callback)
    c.wait_msg()
    """,
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.expect(publish("t", b"m", 1, 1))
    broker.hang_up()
    broker.greet(RESUMED)
    broker.send(PINGRESP)
    broker.expect(publish("t", b"m", 1, 1, dup=True))
    broker.send(puback(1))


@defect(
    "D18 a session nobody asked for",
    'assert isinstance(error_of(MQTTClient("c", "127.0.0.1", PORT).connect), OSError)',
)
def _(broker: ScriptedBroker) -> None:
    broker.greet(RESUMED)


@defect(
    "D19 retain, qos, dup",
    """
    c = start()
    c.set_callback(lambda *all: got.append(all), details=True)
    c.wait_msg()
    assert got == [(b"t", b"m", True, 1, True)], got
    """,
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.send(publish("t", b"m", 1, 1, dup=True, retain=True))


@defect("D20 no callback", "c = start()\nc.cb = None\nc.wait_msg()")
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.send(publish("t", b"m", 1, 1))
    broker.expect(puback(1))


@defect("D21 robust before connect", 'robust.MQTTClient("c", "127.0.0.1", PORT).publish("t", "m")')
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.expect(publish("t", b"m"))


@defect("D23 one write", 'start().publish("topic", "payload")\ntime.sleep_ms(100)')
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    wanted = publish("topic", b"payload")
    assert broker.peer.recv(1000) == wanted


@defect("D25 an unasked session", "start(robust.MQTTClient).wait_msg()")
def _(broker: ScriptedBroker) -> None:
    assert broker.greet() == connect()
    broker.hang_up()
    assert broker.greet() == connect()
    broker.send(publish("t", b"m"))


@defect(
    "D28 disconnect twice", "c = start()\nc.disconnect()\nc.disconnect()\nassert c.sock is None"
)
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.expect(DISCONNECT)


@defect("D29 asserts", "assert isinstance(error_of(start().wait_msg), OSError)")
def _(broker: ScriptedBroker) -> None:
    broker.greet()
    broker.send(b"\xd0\x01\x00")
    time.sleep(0.2)


@pytest.mark.parametrize("name", DEFECTS)
def test_fixed(micropython, broker, tmp_path, name):
    program, conversation = DEFECTS[name]
    client = Client(micropython, broker, tmp_path, original=False)
    failure = client.run(START + dedent(program), conversation)
    assert not failure, failure


if original_client():

    @pytest.mark.parametrize("name", DEFECTS)
    def test_can_see_defect(micropython, broker, tmp_path, name):
        program, conversation = DEFECTS[name]
        client = Client(micropython, broker, tmp_path, original=True)
        broker.LIMIT = 3
        assert client.run(START + dedent(program), conversation, timeout=4)
