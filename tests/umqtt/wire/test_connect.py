"""CONNECT as sent, CONNACK as received, and the fields between them."""

import pytest
from tests.umqtt.wire.broker import CONNACK, DISCONNECT, RESUMED, connect, publish, string


def conversation_of(*packets, answer=CONNACK):
    """The client sends exactly these packets, the first being CONNECT."""

    def conversation(broker):
        broker.accept()
        broker.expect(packets[0])
        broker.send(answer)
        broker.expect(*packets[1:])
        broker.expect_close()

    return conversation


def test_plain_connect_and_disconnect(play):
    """[MQTT-3.1.0-1] [-3.1.0-2] [-3.1.2-1] [-3.1.2-2] [-3.1.2-3] [-3.1.3-3] [-3.14.1-1] [-3.14.4-1] [-3.14.4-2]"""
    play(
        """
        c = make(client_id="client")
        assert c.sock is None
        assert c.connect() == 0
        assert c.sock is not None
        c.disconnect()
        assert c.sock is None
        """,
        conversation_of(connect("client"), DISCONNECT),
    )


def test_clean_session_0(play):
    """[MQTT-3.1.2-4] the flag, and connect() returns whether the session was there [-3.2.2-2]"""
    play(
        "c = make()\nassert c.connect(clean_session=False) == 1\nc.disconnect()",
        conversation_of(connect(clean=False), DISCONNECT, answer=RESUMED),
    )


def test_keepalive_is_announced(play):
    play(
        "connected(keepalive=0x1234).disconnect()",
        conversation_of(connect(keepalive=0x1234), DISCONNECT),
    )


@pytest.mark.parametrize("retain", [False, True])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_will(play, qos, retain):
    """[MQTT-3.1.2-9] [-3.1.2-14] [-3.1.3-1] [-3.1.3-10], UTF-8 (D9)"""
    play(
        f"""
        c = make(user="ü", password="pä", keepalive=1)
        c.set_last_will("wïll", "göne", {retain}, {qos})
        c.connect()
        c.disconnect()
        """,
        conversation_of(
            connect(
                keepalive=1,
                flags=0xC4 | qos << 3 | retain << 5,
                rest=string("wïll") + string("göne") + string("ü") + string("pä"),
            ),
            DISCONNECT,
        ),
    )


def test_will_taken_back(play):
    """[MQTT-3.1.2-11] [-3.1.2-13] [-3.1.2-15]"""
    play(
        """
        c = make()
        c.set_last_will(b"w", b"", True, 2)
        c.lw_topic = None
        c.connect()
        c.disconnect()
        """,
        conversation_of(connect(), DISCONNECT),
    )


@pytest.mark.parametrize(
    "arguments, flags, rest",
    [
        ("user='u', password='p'", 0xC0, string("u") + string("p")),
        ("user='u', password=b'\\x00\\xff'", 0xC0, string("u") + string(b"\x00\xff")),
        ("user='u'", 0x80, string("u")),  # [MQTT-3.1.2-20]
        ("user='u', password=''", 0xC0, string("u") + string("")),
        ("password='p'", 0, b""),  # [MQTT-3.1.2-22]
        ("user='', password='p'", 0, b""),
        ("user='掌控板', password='é'", 0xC0, string("掌控板") + string("é")),
    ],
)
def test_user_and_password(play, arguments, flags, rest):
    """[MQTT-3.1.2-18] [-3.1.2-19] [-3.1.2-20] [-3.1.2-21] [-3.1.2-22] [-3.1.3-11]"""
    play(
        f"connected({arguments}).disconnect()",
        conversation_of(connect(flags=flags, rest=rest), DISCONNECT),
    )


@pytest.mark.parametrize("size", [0, 108, 109, 115, 116, 2000, 65535])
def test_client_id_of_every_length(play, size):
    """[MQTT-3.1.3-2] [-3.1.3-3] [-3.1.3-4] and the Remaining Length of 1, 2 and 3 bytes (2.2.3)"""
    play(
        f"connected(client_id='é' * {size // 2} + 'x' * {size % 2}).disconnect()",
        conversation_of(connect("é" * (size // 2) + "x" * (size % 2)), DISCONNECT),
    )


def test_refused_before_anything_is_sent(play):
    """[MQTT-3.1.3-7] [-1.5.3-1] [-1.5.3-2] [-3.1.2-14] [-4.7.1-1]: ValueError, no connection"""

    def conversation(broker):
        broker.accept()  # the last client of the program, the only one that connects
        broker.expect(connect("last"))
        broker.send(CONNACK)
        broker.expect(DISCONNECT)

    play(
        """
        def refused(clean=True, keepalive=0, **named):
            assert isinstance(error_of(make(keepalive, **named).connect, clean), ValueError)

        refused(clean=False, client_id="")
        refused(client_id=b"\\xff")
        refused(client_id="a\\0b")
        refused(client_id=b"\\xed\\xa0\\x80")
        refused(client_id="x" * 65536)
        refused(user=b"\\xc0\\xaf")
        refused(user="u", password="x" * 65536)
        refused(keepalive=65536)
        refused(keepalive=-1)
        c = make()
        for topic in ("", "a+b", "#", "a\\0", b"\\xff", "x" * 65536):
            assert isinstance(error_of(c.set_last_will, topic, "m"), ValueError), topic
        assert isinstance(error_of(c.set_last_will, "w", "m", qos=3), ValueError)
        connected(client_id="last").disconnect()
        """,
        conversation,
    )


def test_plus_and_hash_are_allowed_in_client_id_and_user(play):
    play(
        "connected(client_id='a+#', user='#', password='+').disconnect()",
        conversation_of(connect("a+#", flags=0xC0, rest=string("#") + string("+")), DISCONNECT),
    )


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5])
def test_refused_by_broker(play, code):
    """[MQTT-3.2.2-5] the client closes too; MQTTException.args[0] is the code"""

    def conversation(broker):
        broker.greet(bytes([0x20, 2, 0, code]))
        broker.expect_close()

    play(
        f"""
        c = make()
        e = error_of(c.connect)
        assert isinstance(e, MQTTException) and e.args[0] == {code}, repr(e)
        assert c.sock is None and not c.isconnected() and c.last_error is e
        """,
        conversation,
    )


@pytest.mark.parametrize(
    "answer",
    [
        "20 02 02 00",  # a reserved flag
        "20 02 80 00",
        "20 02 01 00",  # session present after CleanSession 1 [MQTT-3.2.2-1]
        "20 02 01 05",  # session present with a refusal [MQTT-3.2.2-4]
        "20 02 00 06",  # a reserved code
        "20 02 00 ff",
        "20 03 00 00 00",
        "20 01 00",
        "20 00",
        "21 02 00 00",  # reserved header flags [MQTT-2.2.2-2]
        "28 02 00 00",
        "d0 00",  # [MQTT-3.2.0-1] something else first
        "40 02 00 01",
        "90 03 00 01 00",
        "30 03 00 01 61",
        "00 00",
        "f0 00",
        "10 0d 00 04 4d 51 54 54 04 02 00 00 00 01 63",
        "20 80 80 80 80 01",
        "48 54 54 50 2f 31 2e 31",  # HTTP/1.1
    ],
)
def test_bad_connack(play, answer):
    """D18; [MQTT-3.2.0-1] [-3.2.2-1] [-3.2.2-4] [-4.8.0-1]: ProtocolError, an OSError; closed"""

    def conversation(broker):
        broker.greet(bytes.fromhex(answer))
        broker.expect_close()

    play(
        """
        c = make()
        e = error_of(c.connect)
        assert isinstance(e, ProtocolError) and isinstance(e, OSError), repr(e)
        assert len(str(e)) > 20, e
        assert c.sock is None
        """,
        conversation,
    )


def test_close_without_connack_is_refusal(play):
    """[MQTT-3.2.2-6] D12: OSError(-1), not IndexError"""

    def conversation(broker):
        broker.accept()
        broker.read_packet()
        broker.hang_up()

    play(
        "e = error_of(make().connect)\nassert isinstance(e, OSError) and e.args[0] == -1, repr(e)",
        conversation,
    )


def test_connack_in_pieces_glued_to_message(play):
    def conversation(broker):
        broker.accept()
        broker.read_packet()
        broker.send_bytewise(CONNACK)
        broker.expect(DISCONNECT)
        broker.accept()
        broker.read_packet()
        broker.send(CONNACK + publish("t", b"m"))
        broker.expect(DISCONNECT)

    play(
        """
        connected().disconnect()
        c = connected()
        receive(c, 1)
        assert got == [(b"t", b"m")]
        c.disconnect()
        """,
        conversation,
    )


def test_disconnect_is_idempotent(play):
    """D28: before connect, twice, and after the link was lost"""

    def conversation(broker):
        broker.greet()
        broker.expect(DISCONNECT)
        broker.expect_close()
        broker.greet()
        broker.hang_up()

    play(
        """
        c = make()
        c.disconnect()
        c.connect()
        c.disconnect()
        c.disconnect()
        c.connect()
        error_of(c.wait_msg)
        c.disconnect()
        assert c.sock is None
        """,
        conversation,
    )


@pytest.mark.parametrize(
    "answer, words",
    [
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "web server"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
        (b"220 mail.example ESMTP\r\n", "it sent 0x32"),
    ],
    ids=["web server", "TLS alert", "mail server"],
)
def test_port_without_broker_is_told_in_words(play, answer, words):
    """[MQTT-3.2.0-1]: the first bytes are not CONNACK; NotMQTTError says what they look like"""

    def conversation(broker):
        broker.greet(answer)
        broker.expect_close()

    play(
        f"""
        from umqtt.simple import NotMQTTError

        e = error_of(make().connect)
        assert isinstance(e, NotMQTTError) and isinstance(e, ProtocolError), repr(e)
        assert "no MQTT broker" in e.args[1] and "{words}" in e.args[1], e
        """,
        conversation,
    )
