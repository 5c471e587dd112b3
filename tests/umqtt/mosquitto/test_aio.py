"""umqtt.aio against Mosquitto."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable

import pytest

from tests.mosquitto import Mosquitto
from tests.umqtt.client_program import ClientProgram

Run = Callable[[str, int], ClientProgram]


@pytest.fixture
def run_aio(run: Run) -> Run:
    """Start a program that uses umqtt.aio against a port."""
    prelude = "import asyncio\nfrom umqtt.aio import MQTTClient as Client\n"
    return lambda program, port: run(prelude + textwrap.dedent(program), port)


def test_publish_subscribe_and_others_go_on(mosquitto: Mosquitto, run_aio: Run) -> None:
    """Every QoS; other tasks run meanwhile; nothing is lost between concurrent publishers"""
    run_aio(
        """
        async def main():
            c = make(kind=Client, keepalive=1)
            ticks = [0]

            async def tick():
                while True:
                    ticks[0] += 1
                    await asyncio.sleep_ms(5)

            async def publisher(qos):
                for i in range(20):
                    await c.publish("t/%d" % qos, b"%d" % i, qos=qos)

            other = asyncio.create_task(tick())
            task = asyncio.create_task(c.run())
            assert await c.connected() == 0
            await c.subscribe("t/#", 2)
            await asyncio.gather(*(publisher(qos) for qos in range(MAX_QOS + 1)))
            while len(got) < 20 * (MAX_QOS + 1) or not c.counters["pings_answered"]:
                await asyncio.sleep_ms(20)
            for qos in range(MAX_QOS + 1):
                assert [m for t, m in got if t == b"t/%d" % qos] == [b"%d" % i for i in range(20)]
            assert ticks[0] > 10, ticks
            await c.unsubscribe("t/#")
            await c.disconnect()
            await task
            try:
                await c.publish("t", "m")
                assert False
            except OSError as e:
                assert e.errno == errno.ENOTCONN
            other.cancel()

        asyncio.run(main())
        """,
        mosquitto.port,
    ).finish()


def test_bad_arguments(mosquitto: Mosquitto, run_aio: Run) -> None:
    run_aio(
        """
        async def main():
            c = make(kind=Client)
            for call in (c.publish("#", "m"), c.publish("t", "m", qos=3), c.subscribe("a#"),
                         c.subscribe("a", 5), c.unsubscribe("")):
                try:
                    await call
                    assert False
                except ValueError:
                    pass

        asyncio.run(main())
        """,
        mosquitto.port,
    ).finish()


def test_restart(mosquitto: Mosquitto, run_aio: Run) -> None:
    """The broker is killed under a publisher: no QoS 1 or 2 message is lost here"""
    program = run_aio(
        """
        async def main():
            c = make(kind=Client, keepalive=2)
            c.DELAY = 0.1
            c.MAX_DELAY = 1
            c.on("t", lambda topic, message: got.append(message), 2)
            asyncio.create_task(c.run())
            await c.connected()
            print("ready")
            sent = set()
            while len(sent) < 30 or c.counters["connects"] < 2:
                message = b"%d" % len(sent)
                await c.publish("t", message, qos=1 + len(sent) % MAX_QOS)
                sent.add(message)
                await asyncio.sleep_ms(30)
            # What Mosquitto had acknowledged and not yet delivered dies with it: one at most.
            for _ in range(1000):
                if len(sent - set(got)) <= 1:
                    break
                await asyncio.sleep_ms(20)
            else:
                raise AssertionError(sent - set(got))
            assert c.counters["connects"] == 2
            await c.disconnect()

        asyncio.run(main())
        """,
        mosquitto.port,
    )
    program.wait_for("ready")
    time.sleep(0.3)
    mosquitto.stop(kill=True)
    time.sleep(0.3)
    mosquitto.start()
    program.finish()


def test_refusals_and_handlers_that_raise_end_run(mosquitto: Mosquitto, run_aio: Run) -> None:
    run_aio(
        """
        async def main():
            c = make(kind=Client)

            def fails(topic, message):
                raise KeyError("handler")

            c.on("t", fails)
            task = asyncio.create_task(c.run())
            await c.connected()
            await c.publish("t", "m")
            try:
                await task
                assert False
            except KeyError:
                pass
            try:
                await c.subscribe("u")
                assert False
            except KeyError:
                pass
            assert c.sock is None
            task = asyncio.create_task(c.run())  # and again
            await c.connected()
            await c.disconnect()

        asyncio.run(main())
        """,
        mosquitto.port,
    ).finish()
