"""MQTT client for asyncio: `robust` driven by its `step`, with the same guarantees.

client = MQTTClient("board-7", "192.168.1.10", keepalive=30)
client.on("class/7/lamp", lamp, qos=1)
asyncio.create_task(client.run())
await client.publish("class/7/state", "on", qos=1)
"""

import asyncio
import errno
import time

from micropython import const

from . import protocol, robust

_IDLE = const(10)  # ms between two looks at the socket


class MQTTClient(robust.MQTTClient):
    """As robust's, but what waits is a coroutine. One task must be in `run` all the time.

    Handlers and hooks are plain functions; in them use `publish_nowait`. The calls of robust that
    are not listed here and block (connect, reconnect, wait_msg, check_msg) are not for asyncio.
    """

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self._ended = None  # what ended run()

    def run(self, clean_session=True):
        """A coroutine: connect, and stay connected until `disconnect`.

        Raises what `step` raises: a refusal that time does not cure, or a handler's exception.
        Holds other tasks up for a DNS lookup, and for the longest piece of a TLS handshake.
        """
        self._ended = None  # now, not when the task first runs: others may wait already
        return self._run(clean_session)

    async def _run(self, clean_session):
        self.start(clean_session)
        try:
            while self.auto_reconnect:
                packets_in = self.counters["packets_in"]
                pause = time.ticks_diff(self.step(), time.ticks_ms())
                if packets_in != self.counters["packets_in"]:
                    pause = 0
                await asyncio.sleep_ms(max(0, min(pause, _IDLE)))
        except BaseException as e:
            self._ended = e
            raise
        finally:
            if self._ended is None:
                self._ended = OSError(errno.ENOTCONN)
            self.close()

    async def _pause(self):
        # The others wait like this, and end when run() does.
        if self._ended is not None:
            raise self._ended
        await asyncio.sleep_ms(_IDLE // 2)

    async def connected(self):
        """Wait until the broker has accepted the connection; return 1 if it had the session."""
        while not self.isconnected():
            await self._pause()
        return self.session.session_present

    async def publish(self, topic, msg, retain=False, qos=0):
        """Publish; return when the broker has acknowledged it (QoS 0: when it is queued).

        Waits for the link if it is down. ValueError for a bad topic or qos.
        """
        protocol.check_qos(qos)
        protocol.topic_name(topic)
        msg = protocol.payload(msg)
        await self.connected()
        while not self.has_room(qos):
            await self._pause()
            await self.connected()
        identifier = self.session.publish(topic, msg, retain, qos)
        while identifier and self.unacknowledged(identifier):
            await self._pause()

    async def subscribe(self, topic, qos=0):
        """Subscribe, now and whenever the broker has lost the session; MQTTException(0x80)."""
        protocol.check_qos(qos)
        topic = protocol.topic_filter(topic)
        await self._request(self.session.subscribe, topic, qos)
        if self.session.granted.get(topic) == protocol.REFUSED:
            raise protocol.MQTTException(protocol.REFUSED)
        self.session.subscriptions[topic] = qos

    async def unsubscribe(self, topic):
        """Take a subscription back, and the handler that `on` gave it."""
        await self._request(self.session.unsubscribe, self.remove_handler(topic))

    async def _request(self, request, *arguments):
        # The link may be lost before the answer: then ask again on the next one.
        session = self.session
        while True:
            await self.connected()
            transport = self.transport
            identifier = request(*arguments)
            while transport is self.transport and identifier in session.requests:
                await self._pause()
            if transport is self.transport:
                return

    def on(self, topic_filter, handler, qos=0, details=False):
        """Give a topic filter its own handler; subscribe now or at each connect. Does not wait."""
        topic_filter = self.add_handler(topic_filter, handler, qos, details)
        if self.isconnected():
            self.session.subscribe(topic_filter, qos)

    async def disconnect(self):
        """Say goodbye and end `run`; takes one second at most."""
        end = time.ticks_add(time.ticks_ms(), 1000)
        while self.isconnected() and self.session.out:
            if time.ticks_diff(time.ticks_ms(), end) > 0:
                break
            await asyncio.sleep_ms(_IDLE)
        super().disconnect()
