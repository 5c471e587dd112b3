"""The client's own tests with Mosquitto, with each broker: all that ask for no setting of a broker's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.brokers.servers import Broker
from tests.umqtt.client_program import ClientProgram
from tests.umqtt.mosquitto.test_aio import (  # noqa: F401, what is named test_... is collected here
    run_aio,
    test_publish_subscribe_and_others_go_on,
    test_refusals_and_handlers_that_raise_end_run,
    test_restart,
)
from tests.umqtt.mosquitto.test_client import (  # noqa: F401
    RESTART,
    test_basic,
    test_heap_stays_as_it_was,
    test_keepalive,
    test_offline_message_queueing,
    test_overlapping_subscriptions,
    test_redelivery_on_reconnect,
    test_retained_messages,
    test_take_over,
    test_tls_certificates_that_are_refused,
    test_tls_good_ca,
    test_tls_one_record_per_publish,
    test_tls_restart,
    test_unsubscribe,
    test_will_message,
    test_zero_length_client_id,
)

pytestmark = [pytest.mark.brokers, pytest.mark.simulator, pytest.mark.mosquitto]


@pytest.mark.parametrize("kill", [True, False], ids=["kill -9", "stop"])
def test_broker_restart(
    broker: Broker, run: Callable[[str, int], ClientProgram], kill: bool
) -> None:
    # Others acknowledge well before they deliver: both messages of a round may die with them.
    program = run(RESTART.replace("MAX_LOST = 1", "MAX_LOST = 2"), broker.port)
    program.wait_for("ready")
    broker.stop(kill)
    broker.start()
    program.finish()


# Tests that a broker cannot pass, with what it does in their place. A broker that passes one fails
# here: then docs/brokers.md has to say so.
EXCEPTIONS: dict[str, dict[str, pytest.MarkDecorator]] = {
    # At QoS 1, the most that it takes, retained messages are in two rows of the table.
    "rabbitmq": {
        "test_retained_messages": pytest.mark.xfail(
            reason="answers a QoS 2 publish by PUBACK, against [MQTT-3.3.4-1]", strict=True
        ),
    },
    "nats": {
        "test_retained_messages": pytest.mark.xfail(
            reason="ends the connection at a QoS 2 publish", strict=True
        ),
        "test_heap_stays_as_it_was[nats-RECONNECTS]": pytest.mark.xfail(
            reason="closes a client that comes back a thousand times in a row", strict=True
        ),
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
    marks = EXCEPTIONS.get(broker.name, {})
    mark = marks.get(request.node.name) or marks.get(request.node.originalname)
    if mark is not None:
        request.node.add_marker(mark)
