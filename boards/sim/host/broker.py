"""The broker of `make run`: amqtt in a thread of this process, or one that is there already."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading

import amqtt.broker


class BrokerError(Exception):
    """There is no broker to use, said in one sentence."""


_BROKER_ADVICE = "check BROKER=host[:port], or leave it out to use the built-in broker"


def check_reachable(
    host: str, port: int, advice: str = _BROKER_ADVICE, timeout: float = 5
) -> None:
    """Raise BrokerError, within `timeout` s and the resolver's time, if nobody listens there.

    `advice` ends its sentence: what the person may have got wrong.
    """
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        raise BrokerError(f"no broker answers at {host}:{port} ({error}); {advice}") from None


class EmbeddedBroker:
    """An amqtt broker without passwords on a loopback port, for one program's life.

    If another program has the wanted port, `port` is one that the system has chosen.
    """

    def __init__(self, wanted_port: int = 1883) -> None:
        self.host = "127.0.0.1"
        self.port = wanted_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    async def _start(self) -> None:
        # No probe for a free port: between it and the broker another program may take it.
        try:
            self._broker = await self._start_at(self.port)
        except amqtt.broker.BrokerError:
            self._broker = await self._start_at(0)
        listener = self._broker._servers["default"].instance  # of the pinned version
        self.port = listener.sockets[0].getsockname()[1]

    async def _start_at(self, port: int) -> amqtt.broker.Broker:
        broker = amqtt.broker.Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{self.host}:{port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
                },
            }
        )
        await broker.start()
        return broker

    def __enter__(self) -> EmbeddedBroker:
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.CRITICAL)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        except (amqtt.broker.BrokerError, TimeoutError) as error:
            raise BrokerError(f"the built-in broker does not start: {error}") from None
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(self._broker.shutdown(), self._loop).result(3)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(3)
