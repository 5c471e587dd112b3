"""CONNECT as sent, CONNACK as received, and the fields between them."""

import pytest
from tests.umqtt.wire.broker import CONNACK, DISCONNECT, connect, publish


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


def test_refused_by_broker(play):
    """[MQTT-3.2.2-5] the client closes too; MQTTException.args[0] is the code"""

    def conversation(broker):
        broker.greet(bytes([0x20, 2, 0, 4]))
        broker.expect_close()

    play(
        """
        c = make()
        e = error_of(c.connect)
        assert isinstance(e, MQTTException) and e.args[0] == 4, repr(e)
        assert c.sock is None and not c.isconnected() and c.last_error is e
        """,
        conversation,
    )


def test_bad_connack(play):
    """D18: ProtocolError, an OSError; closed. Which are bad: tests/umqtt/protocol"""

    def conversation(broker):
        broker.greet(b"\x20\x02\x02\x00")
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
