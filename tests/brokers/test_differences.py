"""The table of docs/brokers.md: what each broker does, as the firmware's client sees it.

A program asks each broker once; a test for each row compares what it has found with what the table
says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.brokers.servers import ACCOUNT, Broker
from tests.umqtt.client_program import ClientProgram

pytestmark = [pytest.mark.brokers, pytest.mark.simulator, pytest.mark.mosquitto]

ASK = """
import json
found = {}

def answer_to(**login):
    # What the broker says to a user and a password.
    c = make(client_id="login", **login)
    try:
        c.connect()
        c.disconnect()
        return "let in"
    except MQTTException as e:
        return "refused, code %d" % e.args[0]

def collect(c):
    # What has come before a message of our own, which follows all that is retained.
    c.publish("marker", "m", qos=1)
    while (b"marker", b"m") not in got:
        c.wait_msg()
    messages = [message for message in got if message[0] != b"marker"]
    got.clear()
    return messages

c = connected(client_id="asker")
c.subscribe("marker", 1)

c.subscribe("granted", 2)
found["QoS 2, subscribed"] = "as 2" if c.session.granted[b"granted"] == 2 else "as 1"

try:
    c.publish("granted", "m", qos=2)
    found["QoS 2, published"] = "taken"
    collect(c)
except ProtocolError as e:
    found["QoS 2, published"] = "answered by PUBACK"
    c.connect()
    c.subscribe("marker", 1)
got.clear()

qos_seen = []
c.on("delivered", lambda topic, message, retained, qos, dup: qos_seen.append(qos), 1, True)
c.publish("delivered", "m", qos=0)
collect(c)
while not qos_seen:
    c.wait_msg()
found["QoS 0, subscribed at 1"] = "arrives at %d" % qos_seen[0]

c.publish("kept/a", "r", True, qos=1)
c.subscribe("kept/a", 1)
found["retained"] = "sent" if (b"kept/a", b"r") in collect(c) else "not sent"
c.unsubscribe("kept/a")
c.subscribe("kept/+", 1)
found["retained, by wildcard"] = "sent" if (b"kept/a", b"r") in collect(c) else "not sent"
c.publish("kept/a", "", True, qos=1)
c.unsubscribe("kept/+")
collect(c)

c.subscribe("$SYS/broker/version", 1)
found["$SYS/broker/version"] = "there" if collect(c) else "not there"
c.unsubscribe("$SYS/broker/version")

try:
    c.subscribe("$share/class/shared", 1)
    other = connected(client_id="other")
    other.set_callback(lambda topic, message: got.append((b"other", message)))
    other.subscribe("$share/class/shared", 1)
    other.subscribe("marker", 1)
    for i in range(6):
        c.publish("shared", b"%d" % i, qos=1)
    c.publish("marker", "m", qos=1)
    while (b"other", b"m") not in got:
        other.wait_msg()
    shared = [message for topic, message in got + collect(c) if message != b"m"]
    found["shared subscriptions"] = "work" if len(shared) == 6 else "get nothing"
    other.disconnect()
    c.disconnect()
except OSError:
    found["shared subscriptions"] = "end the connection"

c = connected(client_id="session", clean=False)
c.subscribe("session/a", 1)
c.disconnect()
other = connected(client_id="other")
other.publish("session/a", "while away", qos=1)
other.publish("session/a", "and QoS 0", qos=0)
other.disconnect()
got.clear()
found["session"] = found["QoS 0 for a board that is away"] = "broken"
try:
    is_present = c.connect(False)
    receive(c, 1)
    c.subscribe("marker", 1)
    late = [message for topic, message in got + collect(c)]
    found["session"] = "kept" if is_present else "not told"
    found["QoS 0 for a board that is away"] = "kept" if b"and QoS 0" in late else "dropped"
    c.disconnect()
except OSError:
    pass
connected(client_id="session").disconnect()

c = connected(client_id="asker")
try:
    c.subscribe("large", 1)
    c.publish("large", bytes(300000), qos=1)
    c.TIMEOUT = 10
    while not c.counters["oversize"]:
        c.wait_msg()
    found["a message of 300 KB"] = "delivered"
except OSError:
    found["a message of 300 KB"] = "refused"
c.close()

found["no user name"] = answer_to(user=None, password=None)
found["the right password"] = answer_to(user=USER, password=PASSWORD)
found["a wrong password"] = answer_to(user=USER, password="cheese")

c = connected(client_id="twice")
other = connected(client_id="twice")
try:
    c.TIMEOUT = 20
    c.subscribe("twice", 1)
    c.wait_msg()
    is_closed = False
except OSError as e:
    is_closed = e.args[0] != errno.ETIMEDOUT
found["another client with the same id"] = "the first one is closed" if is_closed else "both stay"
c.close()
other.disconnect()

try:
    secure = dict(server_hostname="localhost", cadata=CA)
    c = simple.MQTTClient("tls", "127.0.0.1", TLS_PORT, USER, PASSWORD, ssl=True, ssl_params=secure)
    c.TIMEOUT = 60
    c.set_callback(lambda topic, message: got.append((topic, message)))
    c.connect()
    c.subscribe("marker", 1)
    collect(c)
    c.disconnect()
    found["TLS"] = "works"
except OSError as e:
    found["TLS"] = "fails: %s" % e
print(json.dumps(found))
"""

# Another outcome in each run.
UNRELIABLE = "unreliable"

# What the rows of the table say, with the brokers that differ.
ROWS: dict[str, tuple[str, dict[str, str]]] = {
    "QoS 2, subscribed": ("as 2", {"rabbitmq": "as 1"}),
    "QoS 2, published": ("taken", {"rabbitmq": "answered by PUBACK"}),
    "QoS 0, subscribed at 1": ("arrives at 0", {"amqtt": "arrives at 1"}),
    "retained": ("sent", {}),
    "retained, by wildcard": ("sent", {"rabbitmq": "not sent"}),
    "$SYS/broker/version": (
        "there",
        {"rabbitmq": "not there", "ejabberd": "not there", "aedes": "not there"},
    ),
    "shared subscriptions": (
        "work",
        {
            "rabbitmq": "get nothing",
            "amqtt": "get nothing",
            "aedes": "get nothing",
            "ejabberd": "end the connection",
        },
    ),
    "session": ("kept", {"amqtt": UNRELIABLE}),
    "QoS 0 for a board that is away": (
        "dropped",
        {"rabbitmq": "kept", "ejabberd": "kept", "amqtt": UNRELIABLE},
    ),
    "a message of 300 KB": ("delivered", {}),
    "no user name": ("let in", {"ejabberd": "refused, code 5"}),
    "the right password": ("let in", {}),
    "a wrong password": ("refused, code 5", {"rabbitmq": "refused, code 4"}),
    "another client with the same id": ("the first one is closed", {"amqtt": "both stay"}),
    "TLS": ("works", {}),
}

_found: dict[str, dict[str, Any]] = {}


@pytest.fixture
def found(broker: Broker, run: Callable[[str, int], ClientProgram]) -> dict[str, str]:
    """What this broker does, asked once."""
    if broker.name not in _found:
        user, password = ACCOUNT
        certificates = broker.certificates
        constants = {
            "USER": user,
            "PASSWORD": password,
            "TLS_PORT": broker.tls_port,
            "CA": certificates.der(certificates.ca),
        }
        known = "".join(f"{name} = {value!r}\n" for name, value in constants.items())
        output = run(known + ASK, broker.port).finish()
        _found[broker.name] = json.loads(output.splitlines()[-1])
    return _found[broker.name]


@pytest.mark.parametrize("row", ROWS)
def test_broker_does_as_table_says(broker: Broker, found: dict[str, str], row: str) -> None:
    usual, others = ROWS[row]
    expected = others.get(broker.name, usual)
    if expected == UNRELIABLE:
        assert found[row] in ("kept", "dropped", "not told", "broken")
    else:
        assert found[row] == expected
