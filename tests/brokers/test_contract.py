"""The client's own tests with Mosquitto, with each broker."""

from __future__ import annotations

import pytest

from tests.brokers.servers import Broker
from tests.umqtt.mosquitto.test_client import (  # noqa: F401, they are collected here again
    test_basic,
    test_keepalive,
    test_offline_message_queueing,
    test_overlapping_subscriptions,
    test_redelivery_on_reconnect,
    test_retained_messages,
    test_take_over,
    test_unsubscribe,
    test_will_message,
    test_zero_length_client_id,
)

pytestmark = [pytest.mark.brokers, pytest.mark.simulator, pytest.mark.mosquitto]

# Tests that a broker cannot pass, with what it does in their place. A broker that passes one fails
# here: then docs/brokers.md has to say so.
_QOS_2 = pytest.mark.xfail(
    reason="answers a QoS 2 publish by PUBACK, against [MQTT-3.3.4-1]", strict=True
)
EXCEPTIONS: dict[str, dict[str, pytest.MarkDecorator]] = {
    "rabbitmq": {
        "test_basic": _QOS_2,
        "test_offline_message_queueing": _QOS_2,
        "test_overlapping_subscriptions": _QOS_2,
        "test_redelivery_on_reconnect": _QOS_2,
        "test_retained_messages": _QOS_2,
    },
    "amqtt": {
        "test_keepalive": pytest.mark.xfail(
            reason="does not notice that a client is silent, against [MQTT-3.1.2-24]", strict=True
        ),
        "test_retained_messages": pytest.mark.xfail(
            reason="delivers at the QoS of the subscription, against [MQTT-3.8.4-6]", strict=True
        ),
        # Another outcome in each run.
        "test_offline_message_queueing": pytest.mark.xfail(
            reason="sends what it has kept later than the test waits", strict=False
        ),
        # These would wait until their time is up, minutes.
        "test_redelivery_on_reconnect": pytest.mark.xfail(
            reason="the client waits in vain for what was lost on the way", run=False
        ),
        "test_take_over": pytest.mark.xfail(
            reason="lets two clients with one id stay, against [MQTT-3.1.4-2]", run=False
        ),
    },
}


@pytest.fixture(autouse=True)
def exceptions(request: pytest.FixtureRequest, broker: Broker) -> None:
    mark = EXCEPTIONS.get(broker.name, {}).get(request.node.originalname)
    if mark is not None:
        request.node.add_marker(mark)
