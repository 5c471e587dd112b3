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

from . import packets, robust, simple

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
        Holds other tasks up for a name look-up, and for the longest piece of a TLS handshake.
        """
        self._ended = None  # now, not when the task first runs: others may wait already
        return self._run(clean_session)

    async def _run(self, clean_session):
        self.start(clean_session)
        try:
            while self._stay:
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
            self._close()

    async def _pause(self):
        # The others wait like this, and end when run() does.
        if self._ended is not None:
            raise self._ended
        await asyncio.sleep_ms(_IDLE // 2)

    async def connected(self):
        """Wait until the broker has accepted the connection; return 1 if it had the session."""
        while not self.isconnected():
            await self._pause()
        return self._connection.session_present

    async def publish(self, topic, msg, retain=False, qos=0):
        """Publish; return when the broker has acknowledged it (QoS 0: when it is queued).

        Waits for the link if it is down. ValueError for a bad topic or qos.
        """
        packets.check_qos(qos)
        packets.topic_name(topic)
        msg = packets.payload(msg)
        while True:
            await self.connected()
            try:
                identifier = simple.MQTTClient.publish_nowait(self, topic, msg, retain, qos)
                break
            except OSError as e:
                if e.errno != errno.ENOBUFS:
                    raise
            await self._pause()
        while identifier and self.unacknowledged(identifier):
            await self._pause()

    async def subscribe(self, topic, qos=0):
        """Subscribe, now and whenever the broker has lost the session; MQTTException(0x80)."""
        packets.check_qos(qos)
        topic = packets.topic_filter(topic)
        await self._ask(topic, qos)
        if topic in self._refused:
            raise simple.MQTTException(packets.REFUSED)
        self._wanted[topic] = qos

    async def unsubscribe(self, topic):
        """Take a subscription back, and the handler that `on` gave it."""
        topic = packets.topic_filter(topic)
        self._forget(topic)
        await self._ask(topic, None)

    async def _ask(self, topic, qos):
        # The link may be lost before the answer: then ask again on the next one.
        while True:
            await self.connected()
            link = self._connection
            identifier = self._send_request(topic, qos)
            while link is self._connection and identifier in self._requests:
                await self._pause()
            if link is self._connection:
                return

    def _request(self, topic_filter, qos):
        self._send_request(topic_filter, qos)  # for on(): nothing here may block

    async def disconnect(self):
        """Say goodbye and end `run`; takes one second at most."""
        end = time.ticks_add(time.ticks_ms(), 1000)
        while self.isconnected() and self._connection.busy():
            if time.ticks_diff(time.ticks_ms(), end) > 0:
                break
            await asyncio.sleep_ms(_IDLE)
        super().disconnect()
