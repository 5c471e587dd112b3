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

# Tests that a broker cannot pass, with what it does in their place; some would wait for it forever.
_QOS_2 = "answers a QoS 2 publish by PUBACK, against [MQTT-3.3.4-1]"
EXCEPTIONS: dict[str, dict[str, str]] = {
    "rabbitmq": {
        "test_basic": _QOS_2,
        "test_offline_message_queueing": _QOS_2,
        "test_overlapping_subscriptions": _QOS_2,
        "test_redelivery_on_reconnect": _QOS_2,
        "test_retained_messages": _QOS_2,
    },
    "amqtt": {
        "test_keepalive": "does not notice that a client is silent, against [MQTT-3.1.2-24]",
        "test_offline_message_queueing": "sends what it has kept later than the test waits",
        "test_redelivery_on_reconnect": "the client waits in vain for what was lost on the way",
        "test_retained_messages": "delivers at the QoS of the subscription, against [MQTT-3.8.4-6]",
        "test_take_over": "the quarrel of two clients with one id does not end",
    },
}


@pytest.fixture(autouse=True)
def exceptions(request: pytest.FixtureRequest, broker: Broker) -> None:
    reason = EXCEPTIONS.get(broker.name, {}).get(request.node.originalname)
    if reason:
        pytest.xfail(reason)
