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


PATIENCE = 30  # s to start and to end in, on a loaded machine; it is usually milliseconds
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
    """An amqtt broker without passwords on two loopback ports, for one program's life.

    `port` is for boards, `websocket_port` for pages. If another program has one that is wanted,
    both are ones that the system has chosen.
    """

    def __init__(self, wanted_port: int = 1883, wanted_websocket_port: int = 9001) -> None:
        self.host = "127.0.0.1"
        self.port = wanted_port
        self.websocket_port = wanted_websocket_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    async def _start(self) -> None:
        # No probe for a free port: between it and the broker another program may take it.
        try:
            self._broker = await self._start_at(self.port, self.websocket_port)
        except amqtt.broker.BrokerError:
            self._broker = await self._start_at(0, 0)
        self.port = self._port_of("default")
        self.websocket_port = self._port_of("pages")

    def _port_of(self, listener: str) -> int:
        server = self._broker._servers[listener].instance  # of the pinned version
        return next(iter(server.sockets)).getsockname()[1]

    async def _start_at(self, port: int, websocket_port: int) -> amqtt.broker.Broker:
        broker = amqtt.broker.Broker(
            {
                "listeners": {
                    "default": {"type": "tcp", "bind": f"{self.host}:{port}"},
                    "pages": {"type": "ws", "bind": f"{self.host}:{websocket_port}"},
                },
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
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(PATIENCE)
        except (amqtt.broker.BrokerError, TimeoutError) as error:
            raise BrokerError(f"the built-in broker does not start: {error}") from None
        return self

    def __exit__(self, *_: object) -> None:
        # Whoever breaks this off leaves ports that still listen to nobody.
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(self._broker.shutdown(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(3)
