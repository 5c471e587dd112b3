"""The broker of `make run`: amqtt in a thread of this process, or one that is there already."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading

from amqtt.broker import Broker


class BrokerError(Exception):
    """There is no broker to use, said in one sentence."""


def free_port(wanted: int) -> int:
    """Return `wanted` if it is free on the loopback address, otherwise another port that is."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]
    raise BrokerError("no free TCP port on 127.0.0.1")


def check_reachable(host: str, port: int, timeout: float = 5) -> None:
    """Raise BrokerError, within `timeout` s and the resolver's time, if nobody listens there."""
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        raise BrokerError(
            f"no broker answers at {host}:{port} ({error}); check BROKER=host[:port], "
            "or leave it out to use the built-in broker"
        ) from None


class EmbeddedBroker:
    """An amqtt broker without passwords on a loopback port, for one program's life."""

    def __init__(self, wanted_port: int = 1883) -> None:
        self.host = "127.0.0.1"
        self.port = free_port(wanted_port)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        self._broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{self.host}:{self.port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
                },
            }
        )
        await self._broker.start()

    def __enter__(self) -> EmbeddedBroker:
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.CRITICAL)
        self._thread.start()
        if not self._ready.wait(10):
            raise BrokerError("the built-in broker did not start within 10 s")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(self._broker.shutdown(), self._loop).result(3)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(3)
