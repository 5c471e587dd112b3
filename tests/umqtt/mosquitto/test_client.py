"""umqtt against a real Mosquitto: the eleven scenarios of the Paho suite, sessions, TLS, faults.

[MQTT-7.0.0-2]: no extension is needed for any of it.
"""

from __future__ import annotations

import json
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mosquitto import Mosquitto
from tests.tls import Certificates, RecordCounter, SilentServer
from tests.umqtt.client_program import ClientProgram
from tests.umqtt.mosquitto import bulk

Run = Callable[..., ClientProgram]


@pytest.fixture
def make_broker(tmp_path: Path) -> Iterator[Callable[[str], Mosquitto]]:
    """Start a Mosquitto with these settings."""
    brokers: list[Mosquitto] = []

    def start(settings: str) -> Mosquitto:
        brokers.append(Mosquitto(tmp_path, settings))
        brokers[-1].start()
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.stop(kill=True)


# ---- the scenarios of the Paho interoperability suite, with our client as the actor


def test_basic(mosquitto: Mosquitto, run: Run) -> None:
    run(
        """
        c = connected()
        c.subscribe("TopicA", 2)
        for qos in range(MAX_QOS + 1):
            c.publish("TopicA", b"qos %d" % qos, qos=qos)
        receive(c, MAX_QOS + 1)
        assert got == [(b"TopicA", b"qos %d" % i) for i in range(MAX_QOS + 1)], got
        c.disconnect()
        """,
        mosquitto.port,
    ).finish()


def test_retained_messages(mosquitto: Mosquitto, run: Run) -> None:
    run(
        """
        c = connected()
        for qos in range(3):
            c.publish("A/%d" % qos, b"%d" % qos, True, qos)
        c.set_callback(lambda *all: got.append(all), details=True)
        c.subscribe("A/+", 2)
        receive(c, 3)
        assert sorted(got) == [(b"A/%d" % i, b"%d" % i, True, i, False) for i in range(3)], got
        for qos in range(3):
            c.publish("A/%d" % qos, b"", True, qos)
        receive(c, 6)
        got.clear()
        c.unsubscribe("A/+")
        c.subscribe("A/+", 2)
        work(c, 0.2)
        assert not got, got  # cleared [MQTT-3.3.1-10]
        """,
        mosquitto.port,
    ).finish()


def test_will_message(mosquitto: Mosquitto, run: Run) -> None:
    run(
        """
        watcher = connected(client_id="watcher")
        watcher.subscribe("will/#", 2)
        c = make()
        c.set_last_will("will/é", "gone", qos=2)
        c.connect()
        c.transport.close()  # no DISCONNECT
        receive(watcher, 1)
        assert got == [("will/é".encode(), b"gone")]
        c.close()
        c.connect()
        c.disconnect()
        work(watcher, 0.2)
        assert len(got) == 1  # (3.14.4-3)
        """,
        mosquitto.port,
    ).finish()


def test_zero_length_client_id(mosquitto: Mosquitto, run: Run) -> None:
    run(
        """
        connected(client_id="").disconnect()
        assert isinstance(error_of(make(client_id="").connect, False), ValueError)
        """,
        mosquitto.port,
    ).finish()


def test_offline_message_queueing(mosquitto: Mosquitto, run: Run) -> None:
    run(
        """
        c = connected(clean=False)
        c.subscribe("Topic/#", 2)
        c.disconnect()
        other = connected(client_id="other")
        for qos in range(MAX_QOS + 1):
            other.publish("Topic/%d" % qos, "m", qos=qos)
        assert c.connect(False) == 1
        c.publish("Topic/end", "", qos=1)
        while (b"Topic/end", b"") not in got:
            c.wait_msg()
        got.remove((b"Topic/end", b""))
        expected = [b"Topic/%d" % qos for qos in range(1, MAX_QOS + 1)]
        assert [topic for topic, _ in got if topic != b"Topic/0"] == expected, got
        """,
        mosquitto.port,
    ).finish()


def test_overlapping_subscriptions(mosquitto: Mosquitto, run: Run) -> None:
    run(
        """
        c = connected()
        c.on("a/#", lambda topic, message: got.append("tree"), 2)
        c.on("a/+", lambda topic, message: got.append("level"), 1)
        c.on("end", lambda topic, message: got.append("end"), 2)
        c.publish("a/b", "m", qos=MAX_QOS)
        c.publish("end", "", qos=MAX_QOS)
        while "end" not in got:
            c.wait_msg()
        got.remove("end")
        assert got in (["tree", "level"], ["tree", "level"] * 2), got  # [MQTT-3.3.5-1]
        """,
        mosquitto.port,
    ).finish()


def test_keepalive(mosquitto: Mosquitto, run: Run) -> None:
    run(
        """
        watcher = connected(client_id="watcher", keepalive=1)
        watcher.subscribe("will")
        c = make(keepalive=1)
        c.set_last_will("will", "not kept alive")
        c.connect()
        for _ in range(15):  # c does nothing: Mosquitto looks every few seconds, and drops it
            work(watcher, 1)
            if got:
                break
        assert got == [(b"will", b"not kept alive")], got
        assert watcher.counters["pings_answered"] > 2 and watcher.isconnected()
        assert error_of(c.wait_msg).args[0] in (-1, errno.ECONNRESET)
        """,
        mosquitto.port,
    ).finish()


def test_redelivery_on_reconnect(mosquitto: Mosquitto, run: Run) -> None:
    run(
        """
        c = connected(clean=False)
        c.subscribe("w/#", 2)
        other = connected(client_id="other")
        other.publish("w/1", "1", qos=1)
        other.publish("w/2", "2", qos=MAX_QOS)
        work(other, 0.1)
        c.transport.close()  # before anything was read
        c.close()
        assert c.connect(False) == 1
        receive(c, 2)
        work(c, 0.2)
        assert sorted(got) == [(b"w/1", b"1"), (b"w/2", b"2")], got
        """,
        mosquitto.port,
    ).finish()


def test_subscribe_failure(make_broker: Callable[[str], Mosquitto], tmp_path, run: Run) -> None:
    plugins = list(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
    assert plugins, "Mosquitto's dynamic security plugin is missing; type: apt install mosquitto"
    rules = {
        "defaultACLAccess": {
            "publishClientSend": True,
            "publishClientReceive": True,
            "subscribe": False,
            "unsubscribe": True,
        },
        "roles": [
            {
                "rolename": "pupil",
                "acls": [{"acltype": "subscribePattern", "topic": "open/#", "allow": True}],
            }
        ],
        "groups": [{"groupname": "all", "roles": [{"rolename": "pupil"}]}],
        "anonymousGroup": "all",
    }
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    broker = make_broker(
        f"allow_anonymous true\nuser root\nplugin {plugins[0]}\n"
        f"plugin_opt_config_file {tmp_path}/rules.json\n"
    )
    run(
        """
        c = connected()
        c.subscribe("open/x", 1)
        e = error_of(c.subscribe, "secret/x", 2)
        assert isinstance(e, MQTTException) and e.args[0] == 0x80, repr(e)
        c.publish("open/x", "still connected", qos=1)
        receive(c, 1)
        """,
        broker.port,
    ).finish()


def test_dollar_topics(mosquitto: Mosquitto, run: Run) -> None:
    run(
        """
        c = connected()
        c.on("#", lambda topic, message: got.append(topic), 2)
        c.on("$SYS/broker/version", lambda topic, message: got.append(message))
        c.publish("$own", "m", qos=1)
        c.publish("own", "m", qos=1)
        while b"own" not in got:
            c.wait_msg()
        assert len(got) == 2 and b"own" in got and b"$own" not in got, got
        """,
        mosquitto.port,
    ).finish()


def test_unsubscribe(mosquitto: Mosquitto, run: Run) -> None:
    run(
        """
        c = connected()
        for name in ("A", "A/B", "A/B/C"):
            c.subscribe(name, 2)
        c.unsubscribe("A")
        for name in ("A", "A/B", "A/B/C"):
            c.publish(name, "m", qos=1)
        receive(c, 2)
        assert got == [(b"A/B", b"m"), (b"A/B/C", b"m")], got
        """,
        mosquitto.port,
    ).finish()


# ---- who may connect


def test_user_and_password(make_broker: Callable[[str], Mosquitto], tmp_path, run: Run) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", passwords, "pupil", "gehêim"],
        check=True,
        env={"PATH": "/usr/bin:/usr/sbin:/bin"},
    )
    broker = make_broker(f"allow_anonymous false\npassword_file {passwords}\nuser root\n")
    run(
        """
        connected(user="pupil", password="gehêim").disconnect()
        for named in ({"user": "pupil", "password": "wrong"}, {}, {"user": "pupil"}):
            for kind in (simple.MQTTClient, robust.MQTTClient):
                c = make(kind=kind, **named)
                e = error_of(c.connect)
                assert isinstance(e, MQTTException) and e.args[0] in (4, 5), repr(e)
        c = make(kind=robust.MQTTClient)
        c.start()
        e = error_of(lambda: work(c, 60))  # step raises what time does not cure
        assert isinstance(e, MQTTException) and e.args[0] in (4, 5), repr(e)
        """,
        broker.port,
    ).finish()


def test_max_keepalive(make_broker: Callable[[str], Mosquitto], run: Run) -> None:
    """D24: Mosquitto refuses a longer or endless keep alive with code 2 (from 2.0.12 on)"""
    broker = make_broker("allow_anonymous true\nmax_keepalive 60\n")
    said = subprocess.run([broker.program, "-h"], capture_output=True, text=True).stdout
    version = tuple(int(number) for number in said.split()[2].split("."))
    run(
        f"""
        connected(keepalive=60).disconnect()
        for keepalive in (0, 61):
            c = make(keepalive=keepalive)
            if {version >= (2, 0, 12)}:
                e = error_of(c.connect)
                assert isinstance(e, MQTTException) and e.args[0] == 2, repr(e)
            else:
                c.connect()  # older ones apply max_keepalive to MQTT 5 only
        """,
        broker.port,
    ).finish()


# ---- restarts


RESTART = """
class Client(robust.MQTTClient):
    DELAY = 0.1
    MAX_DELAY = 1

    def on_connected(self, session_present):
        print("connected", session_present)

c = make(kind=Client)
c.connect(False)
c.subscribe("t/#", 1)
print("ready")
count = 0
while count < 30 or c.counters["connects"] < 2:
    c.publish("t/x", b"%d" % count, qos=1)
    c.publish("t/y", b"%d" % count, qos=MAX_QOS)
    count += 1
    work(c, 0.1)
# What Mosquitto had acknowledged and not yet delivered dies with it: one at most.
MAX_LOST = 1
sent = {(topic, b"%d" % i) for topic in (b"t/x", b"t/y") for i in range(count)}
deadline = time.ticks_add(time.ticks_ms(), 60000)
while len(sent - set(got)) > MAX_LOST:
    assert time.ticks_diff(deadline, time.ticks_ms()) > 0, sent - set(got)
    c.step()
    time.sleep_ms(5)
assert c.counters["connects"] == 2, c.counters
print("done")
"""


def wait_saved(database: Path, words: bytes) -> None:
    deadline = time.monotonic() + 60
    while not (database.exists() and words in database.read_bytes()):
        assert time.monotonic() < deadline, f"Mosquitto did not save {words!r} within 60 s"
        time.sleep(0.05)


@pytest.mark.parametrize("persistence", [True, False], ids=["persistence", "no persistence"])
@pytest.mark.parametrize("kill", [True, False], ids=["kill -9", "stop"])
def test_broker_restart(
    make_broker: Callable[[str], Mosquitto], tmp_path, run: Run, persistence: bool, kill: bool
) -> None:
    """D10, D11, D12: no QoS 1 or 2 message is lost here, with and without the session"""
    settings = "allow_anonymous true\nuser root\n"
    if persistence:
        settings += f"persistence true\npersistence_location {tmp_path}/\nautosave_interval 1\n"
        settings += "autosave_on_changes true\n"
    broker = make_broker(settings)
    program = run(RESTART, broker.port)
    program.wait_for("ready")
    time.sleep(0.35)
    if persistence:  # a session saved without its subscription would leave anybody deaf
        wait_saved(tmp_path / "mosquitto.db", b"t/#")
    broker.stop(kill=kill)
    time.sleep(0.5)
    broker.start()
    program.finish()
    assert f"connected {int(persistence and not kill)}" in program.output or persistence


def test_killed_in_middle_of_handshake(
    make_broker: Callable[[str], Mosquitto], tmp_path: Path, run: Run
) -> None:
    """The broker dies at every moment of connecting and subscribing; the client always comes back"""
    broker = make_broker("allow_anonymous true\n")
    over = tmp_path / "over"
    program = run(
        f"""
        import os

        def is_over():
            try:
                return os.stat("{over}")
            except OSError:
                return None

        class Client(robust.MQTTClient):
            DELAY = 0.05
            MAX_DELAY = 0.2

        c = make(kind=Client, keepalive=2)
        c.on("t", lambda topic, message: message == b"last" and got.append(message), 1)
        c.start()
        while not is_over():
            c.step()
            if c.isconnected() and not c.session.in_flight:
                c.publish_nowait("t", b"x" * 100, qos=1)
        while not c.isconnected():
            c.step()
        assert c.counters["connects"] > 2, c.counters
        c.publish("t", "last", qos=MAX_QOS)
        receive(c, 1)
        """,
        broker.port,
    )
    for i in range(8):
        time.sleep(0.15 + 0.013 * i)
        broker.stop(kill=True)
        broker.start()
    over.touch()
    program.finish()


def test_take_over(mosquitto: Mosquitto, run: Run) -> None:
    """Another client with the same id: the first is closed, and backs off instead of fighting"""
    run(
        """
        class Client(robust.MQTTClient):
            DELAY = 0.2

        a = make(kind=Client)
        b = make(kind=Client)
        a.start()
        b.start()
        def connects():
            return a.counters["connects"] + b.counters["connects"]

        end = time.ticks_add(time.ticks_ms(), 2000)
        while time.ticks_diff(end, time.ticks_ms()) > 0 or connects() <= 2:
            a.step()
            b.step()
            time.sleep_ms(1)
        assert connects() < 12
        """,
        mosquitto.port,
    ).finish()


# ---- TLS


@pytest.fixture
def tls_broker(make_broker, certificates: Certificates) -> Mosquitto:
    return make_broker(certificates.settings())


def tls_program(certificates: Certificates, rest: str) -> str:
    return (
        f"CA = {certificates.der(certificates.ca)!r}\n"
        f"OTHER_CA = {certificates.der(certificates.other_ca)!r}\n"
        "import tls\n"
        "def secure(kind=simple.MQTTClient, **parameters):\n"
        '    c = make(kind=kind, ssl=True, ssl_params=dict(server_hostname="localhost", **parameters))\n'
        "    return c\n"
    ) + textwrap.dedent(rest)


def test_tls_good_ca(tls_broker: Mosquitto, certificates: Certificates, run: Run) -> None:
    """Takes ssl_params and SSLContext; messages of every size; keep alive and non-blocking calls"""
    said = run(
        tls_program(
            certificates,
            """
            context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
            context.verify_mode = tls.CERT_REQUIRED
            context.load_verify_locations(CA)
            by_context = MQTTClient("d", "localhost", PORT, ssl=context, **LOGIN)
            for c in (secure(cadata=CA), by_context):
                got.clear()
                c.set_callback(lambda topic, message: got.append((topic, message)))
                c.keepalive = 1
                c.connect()
                assert c.check_msg() is None
                c.subscribe("t", 2)
                for qos, size in ((0, 1), (1, 1000), (MAX_QOS, 1025), (1, 4000), (1, 20000)):
                    c.publish("t", bytes(size), qos=qos)
                receive(c, 4)
                assert [len(m) for _, m in got] == [1, 1000, 1025, 4000]
                while not (c.counters["pings_answered"] and c.counters["oversize"]):
                    c.step()
                assert c.counters["oversize"] == 1
                c.disconnect()
            """,
        ),
        tls_broker.port,
    ).finish()
    assert "without a CA" not in said


def test_tls_certificates_that_are_refused(
    tls_broker: Mosquitto, certificates: Certificates, run: Run
) -> None:
    """D27: a wrong CA, a wrong name, no CA at all: CertificateError, also from robust"""
    run(
        tls_program(
            certificates,
            """
            def refused(c, text):
                e = error_of(c.connect)
                assert isinstance(e, simple.CertificateError) and isinstance(e, ValueError), repr(e)
                assert text in str(e), e
                assert c.sock is None

            for kind in (simple.MQTTClient, robust.MQTTClient):
                refused(secure(kind, cadata=OTHER_CA), "not correctly signed by the trusted CA")
                wrong = make(kind=kind, ssl=True, ssl_params={"cadata": CA})  # 127.0.0.1
                refused(wrong, "does not match")
                refused(secure(kind, cert_reqs=tls.CERT_REQUIRED), "no CA")
            c = secure(robust.MQTTClient, cadata=OTHER_CA)
            c.start()
            assert isinstance(error_of(lambda: work(c, 60)), simple.CertificateError)
            """,
        ),
        tls_broker.port,
    ).finish()


def test_tls_clock_not_set(tls_broker: Mosquitto, certificates: Certificates, run: Run) -> None:
    """The board's clock is at 2000: the error says that, and what to do"""
    run(
        tls_program(
            certificates,
            """
            from umqtt import transport

            e = transport.explain(ValueError("The certificate validity starts in the future\\n"))
            assert "clock" not in str(e) and "future" in str(e), e

            class Time:
                @staticmethod
                def gmtime():
                    return (2000, 1, 1, 0, 0, 0, 5, 1)

            transport.time = Time
            e = transport.explain(ValueError("The certificate validity starts in the future\\n"))
            assert "the clock is not set (it says year 2000)" in str(e) and "ntptime" in str(e), e
            """,
        ),
        tls_broker.port,
    ).finish()


def test_tls_without_verification_warns_once(
    tls_broker: Mosquitto, certificates: Certificates, run: Run
) -> None:
    """D27"""
    said = run(
        tls_program(
            certificates,
            """
            for _ in range(2):
                c = secure()
                c.connect()
                c.disconnect()
            """,
        ),
        tls_broker.port,
    ).finish()
    assert said.count("mqtt: TLS without a CA") == 1, said


def test_tls_restart(tls_broker: Mosquitto, certificates: Certificates, run: Run) -> None:
    program = run(
        tls_program(
            certificates,
            """
            c = secure(robust.MQTTClient, cadata=CA)
            c.DELAY = 0.1
            c.MAX_DELAY = 1
            c.on("t", lambda topic, message: got.append(message), 1)
            c.start()
            while not c.isconnected():
                c.step()
            print("ready")
            while c.counters["connects"] < 2 or c.session.requests:
                c.step()
                time.sleep_ms(2)
            c.publish("t", "m", qos=1)
            receive(c, 1)
            """,
        ),
        tls_broker.port,
    )
    program.wait_for("ready")
    tls_broker.stop(kill=True)
    tls_broker.start()
    program.finish()


@pytest.mark.parametrize("limit", [0, 1, 5, 60, 300, 700])
def test_tls_server_that_falls_silent(
    tls_broker: Mosquitto, certificates: Certificates, run: Run, limit: int
) -> None:
    """D2: a silent TLS server cannot hold connect() longer than its timeout"""
    server = SilentServer(tls_broker.port if limit else None, limit)
    try:
        run(
            tls_program(
                certificates,
                """
                c = secure(cadata=CA)
                start = time.ticks_ms()
                e = error_of(c.connect, timeout=1)
                assert e.args[0] == errno.ETIMEDOUT, repr(e)
                assert 950 < time.ticks_diff(time.ticks_ms(), start) < 30000
                """,
            ),
            server.port,
        ).finish()
    finally:
        server.close()


def test_tls_one_record_per_publish(
    tls_broker: Mosquitto, certificates: Certificates, run: Run
) -> None:
    """D23: one record for a small publish; upstream sends four"""
    counter = RecordCounter(tls_broker.port)
    run(
        tls_program(
            certificates,
            """
            c = secure(cadata=CA)
            c.connect()
            for _ in range(10):
                c.publish("topic/of/a/lamp", "payload", qos=1)
            c.disconnect()
            """,
        ),
        counter.port,
    ).finish()
    assert counter.finish() == 1 + 10 + 1  # CONNECT, publishes, DISCONNECT


# ---- in bulk


@pytest.mark.parametrize("name", ["MESSAGES", "PUBLISHES", "RECONNECTS"])
def test_heap_stays_as_it_was(mosquitto: Mosquitto, run: Run, name: str) -> None:
    """D8: the publishes also go past the last packet identifier"""
    said = run(getattr(bulk, name), mosquitto.port).finish()
    assert int(said.split()[-1]) <= 0
