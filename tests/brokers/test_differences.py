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
found["a subscription at QoS 2 is granted"] = "as %d" % c.session.granted[b"granted"]

try:
    c.publish("granted", "m", qos=2)
    found["a publish at QoS 2"] = "taken"
    collect(c)
except OSError as e:
    is_answered = isinstance(e, ProtocolError)
    found["a publish at QoS 2"] = "answered by PUBACK" if is_answered else "ends the connection"
    c.connect()
    c.subscribe("marker", 1)
got.clear()

qos_seen = []
c.on("delivered", lambda topic, message, retained, qos, dup: qos_seen.append(qos), 1, True)
c.publish("delivered", "m", qos=0)
collect(c)
while not qos_seen:
    c.wait_msg()
found["a QoS 0 message for a subscription at 1"] = "arrives at %d" % qos_seen[0]

c.publish("kept/a", "r", True, qos=1)
c.subscribe("kept/a", 1)
is_sent = (b"kept/a", b"r") in collect(c)
found["retained, for the topic itself"] = "sent" if is_sent else "not sent"
c.unsubscribe("kept/a")
c.subscribe("kept/+", 1)
is_sent = (b"kept/a", b"r") in collect(c)
found["retained, for a filter with wildcards"] = "sent" if is_sent else "not sent"
c.publish("kept/a", "", True, qos=1)
c.unsubscribe("kept/+")
collect(c)

c.subscribe("$SYS/broker/version", 1)
found["`$SYS/broker/version`"] = "there" if collect(c) else "no"
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
    found["`$share/...`, shared subscriptions"] = "work" if len(shared) == 6 else "get nothing"
    other.disconnect()
    c.disconnect()
except OSError:
    found["`$share/...`, shared subscriptions"] = "end the connection"

c = connected(client_id="session", clean=False)
c.subscribe("session/a", 1)
c.disconnect()
other = connected(client_id="other")
other.publish("session/a", "while away", qos=1)
other.publish("session/a", "and QoS 0", qos=0)
other.disconnect()
got.clear()
found["the session of a board that is away"] = found["QoS 0 messages for that board"] = "broken"
try:
    is_present = c.connect(False)
    receive(c, 1)
    c.subscribe("marker", 1)
    late = [message for topic, message in got + collect(c)]
    found["the session of a board that is away"] = "kept" if is_present else "not told"
    found["QoS 0 messages for that board"] = "kept" if b"and QoS 0" in late else "dropped"
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

nameless = answer_to(user=None, password=None)
found["a client without a user name, where the settings let it in"] = nameless
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
found["another client with the same id"] = "the first is closed" if is_closed else "both stay"
c.close()
other.disconnect()

# What is said last is what stays: a board that comes back must not be told to be gone.
def come():
    c = make(client_id="back")
    c.set_last_will("presence", "offline", True, 1)
    c.connect()
    c.publish("presence", "online", True, 1)
    return c

got.clear()
watcher = connected(client_id="watcher")
watcher.subscribe("marker", 1)
watcher.subscribe("presence", 1)
first = come()
said = []
while b"online" not in said:
    watcher.wait_msg()
    said = [message for topic, message in got if topic == b"presence"]
got.clear()
second = come()
said = [message for topic, message in collect(watcher) if topic == b"presence"]
found["the last will of that first client"] = {
    (b"online",): "not published",
    (b"offline", b"online"): "before the other speaks",
    (b"online", b"offline"): "after the other spoke",
}.get(tuple(said), "as %s" % said)
watcher.disconnect()
first.close()
second.disconnect()

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
# Last, since some are of no more use afterwards.
got.clear()
tree = connected(client_id="tree")
tree.subscribe("#", 1)
tree.publish("$own/topic", "m", qos=1)
tree.publish("end", "m", qos=1)
start = time.ticks_ms()
while (b"end", b"m") not in got and time.ticks_diff(time.ticks_ms(), start) < 20000:
    tree.step(50)
said = "sent" if (b"$own/topic", b"m") in got else "not sent"
if (b"end", b"m") not in got:
    said += ", nor what follows"
found["`$own/topic`, for the filter `#`"] = said
tree.close()
print(json.dumps(found))
"""

# Another outcome in each run.
UNRELIABLE = "unreliable"
BEFORE_OR_AFTER = "before or after that"

# The rows of the table, word for word (tests/repository/test_docs_brokers.py): what most brokers do,
# and what those do that differ.
ROWS: dict[str, tuple[str, dict[str, str]]] = {
    "a subscription at QoS 2 is granted": ("as 2", {"rabbitmq": "as 1", "nats": "as 1"}),
    "a publish at QoS 2": (
        "taken",
        {"rabbitmq": "answered by PUBACK", "nats": "ends the connection"},
    ),
    "a QoS 0 message for a subscription at 1": ("arrives at 0", {"amqtt": "arrives at 1"}),
    "retained, for the topic itself": ("sent", {}),
    "retained, for a filter with wildcards": ("sent", {"rabbitmq": "not sent"}),
    "`$own/topic`, for the filter `#`": (
        "not sent",
        {"rabbitmq": "sent", "nats": "sent", "amqtt": "not sent, nor what follows"},
    ),
    "`$SYS/broker/version`": (
        "there",
        {"rabbitmq": "no", "ejabberd": "no", "nats": "no", "aedes": "no"},
    ),
    "`$share/...`, shared subscriptions": (
        "work",
        {
            "rabbitmq": "get nothing",
            "nats": "get nothing",
            "amqtt": "get nothing",
            "aedes": "get nothing",
            "ejabberd": "end the connection",
        },
    ),
    "the session of a board that is away": ("kept", {"amqtt": UNRELIABLE}),
    "QoS 0 messages for that board": (
        "dropped",
        {"rabbitmq": "kept", "ejabberd": "kept", "nats": UNRELIABLE, "amqtt": UNRELIABLE},
    ),
    "a message of 300 KB": ("delivered", {}),
    "another client with the same id": ("the first is closed", {"amqtt": "both stay"}),
    "the last will of that first client": (
        "before the other speaks",
        {
            "rabbitmq": "not published",
            "nats": "not published",
            "ejabberd": BEFORE_OR_AFTER,
            "amqtt": UNRELIABLE,
        },
    ),
    "TLS": ("works", {}),
    "a client without a user name, where the settings let it in": (
        "let in",
        {"ejabberd": "refused, code 5"},
    ),
    "the right password": ("let in", {}),
    "a wrong password": ("refused, code 5", {"rabbitmq": "refused, code 4"}),
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
        assert found[row]
    elif expected == BEFORE_OR_AFTER:  # or even later
        assert found[row] in (usual, "after the other spoke", "not published")
    else:
        assert found[row] == expected
