"""A TCP proxy that breaks what passes through it at a chosen byte, and reads both directions as MQTT.

    proxy = await FaultProxy.start(broker_port)
    proxy.faults = [Fault("reset", TO_CLIENT, 7)]  # of the next connection; those after it pass

Everything runs in one asyncio loop; `proxy.connections` keeps what was seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.umqtt.faults.strict import Malformed, StrictStream, TlsStream

TO_BROKER = "to broker"
TO_CLIENT = "to client"

# After `offset` bytes of `direction` ...
KINDS = {
    "pass": "nothing happens",
    "split": "the rest comes 20 ms later",
    "stall": "nothing more comes this way, and nothing more is read",
    "half-open": "everything is swallowed, both ways, and nobody is told",
    "reset": "both connections are reset (RST)",
    "close": "both connections are closed (FIN)",
    "corrupt": "the next byte is inverted",
    # Both forward whole packets, and end the connection at the first malformed one.
    "duplicate": "the packet around that byte, if it is an acknowledgement, comes twice",
    "reorder": "the packet around that byte, if it is an acknowledgement, is overtaken by the next",
    # These last as long as the connection does; the offset does not matter.
    "bytewise": "each byte comes in a segment of its own",
    "delay": "everything comes 30 ms late",
    "throttle": "1000 bytes a second",
}
BY_OFFSET = ("split", "stall", "half-open", "reset", "close", "corrupt")
BY_PACKET = ("duplicate", "reorder")
ALWAYS = ("bytewise", "delay", "throttle")

_SPLIT = 0.02  # s
_DELAY = 0.03  # s
_RATE = 1000  # bytes/s
_OVERTAKEN = 0.1  # s: how long a held acknowledgement waits for another packet
_GOODBYE = 5  # s that a side has to answer a FIN with its own
_ACKNOWLEDGEMENTS = {0x20, 0x40, 0x50, 0x60, 0x70, 0x90, 0xB0, 0xD0}


@dataclass(frozen=True)
class Fault:
    kind: str = "pass"
    direction: str = TO_BROKER
    offset: int = 0

    def __post_init__(self) -> None:
        assert self.kind in KINDS, self.kind

    def __str__(self) -> str:
        return f"{self.kind} at byte {self.offset} {self.direction}"


PASS = Fault()


@dataclass
class Connection:
    """One client's connection through the proxy."""

    fault: Fault
    mqtt: bool
    number: int = 1  # counts the proxy's connections
    hit: str | None = None  # the packet in which the fault took place
    malformed: list[str] = field(default_factory=list)  # what a side should not have sent
    sent: dict[str, int] = field(default_factory=lambda: {TO_BROKER: 0, TO_CLIENT: 0})
    on_packet: Callable[[Connection, str, bytes], None] | None = None

    def __str__(self) -> str:
        place = f", in {self.hit}" if self.hit else ""
        return f"connection {self.number}: {self.fault}{place}"

    def __post_init__(self) -> None:
        self.streams: dict[str, StrictStream | TlsStream] = {
            way: StrictStream(way == TO_BROKER) if self.mqtt else TlsStream()
            for way in (TO_BROKER, TO_CLIENT)
        }
        self._passing = True  # False once the fault has ended the link: nothing leaves any more
        self._over = asyncio.Event()

    async def serve(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        broker: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._writers = {TO_BROKER: broker[1], TO_CLIENT: client[1]}
        pumps = [
            asyncio.create_task(self._pump(TO_BROKER, client[0])),
            asyncio.create_task(self._pump(TO_CLIENT, broker[0])),
        ]
        try:
            await self._over.wait()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await asyncio.gather(_say_goodbye(*client), _say_goodbye(*broker))
        finally:
            for pump in pumps:
                pump.cancel()
            for writer in self._writers.values():
                writer.close()

    def end(self) -> None:
        """Close both connections after what has been sent; nothing is sent from now on."""
        self._passing = False
        self._over.set()

    async def _pump(self, way: str, reader: asyncio.StreamReader) -> None:
        # A read that finds bytes does not wait, so `serve` may not get its turn to cancel this.
        with contextlib.suppress(OSError):
            while not self._over.is_set() and (data := await reader.read(4096)):
                await self._forward(way, data)
        if self._passing:  # else nobody is told of the end
            self.end()

    def _read(self, way: str, data: bytes) -> None:
        try:
            self.streams[way].feed(data)
        except Malformed as error:
            self.malformed.append(f"{way}: {error}")
        if self.on_packet:
            for packet in self.streams[way].completed:
                self.on_packet(self, way, packet)

    async def _forward(self, way: str, data: bytes) -> None:
        fault = self.fault
        if fault.kind in BY_PACKET and way == fault.direction:
            await self._forward_packets(way, data)
        elif way != fault.direction or self.hit is not None:
            self._read(way, data)
            await self._send(way, data)
        else:
            before = fault.offset - self.sent[way]
            if fault.kind not in BY_OFFSET or before >= len(data):
                self._read(way, data)
                await self._send(way, data)
                return
            # A packet that only begins here is the one that is hit.
            self._read(way, data[: before + 1])
            self.hit = self.streams[way].latest
            self._read(way, data[before + 1 :])
            await self._send(way, data[:before])
            await self._break(way, data[before:])

    async def _break(self, way: str, rest: bytes) -> None:
        kind = self.fault.kind
        if kind == "split":
            await asyncio.sleep(_SPLIT)
            await self._send(way, rest)
        elif kind == "stall":
            await asyncio.Event().wait()  # `serve` cancels it
        elif kind == "half-open":
            self._passing = False
        elif kind == "corrupt":
            await self._send(way, bytes([rest[0] ^ 0xFF]) + rest[1:])
        else:
            if kind == "reset":
                for writer in self._writers.values():
                    _reset(writer)
            self.end()

    async def _forward_packets(self, way: str, data: bytes) -> None:
        """Forward whole packets, up to the first malformed one: what follows has no bounds."""
        stream = self.streams[way]
        self._read(way, data)
        held = b""
        for packet in stream.completed:
            if self.hit is None and self.sent[way] + len(packet) > self.fault.offset:
                self.hit = stream.name(packet[0])
                if packet[0] & 0xF0 in _ACKNOWLEDGEMENTS:
                    if self.fault.kind == "duplicate":
                        packet += packet
                    else:
                        held = packet
                        continue
            await self._send(way, packet)
            if held:
                await self._send(way, held)
                held = b""
        if held:
            # Nothing overtook it in this reading: give the next packet some time.
            asyncio.get_running_loop().call_later(_OVERTAKEN, self._send_held, way, held)
        if stream.lost:
            self.end()

    def _send_held(self, way: str, held: bytes) -> None:
        if not self._passing or self._writers[way].is_closing():
            return
        if self.streams[way].pending:  # in the middle of a packet, which it must not tear
            asyncio.get_running_loop().call_later(_OVERTAKEN, self._send_held, way, held)
        else:
            self._writers[way].write(held)

    async def _send(self, way: str, data: bytes) -> None:
        if not self._passing:
            return
        self.sent[way] += len(data)
        writer = self._writers[way]
        always = self.fault.kind
        if always == "delay":
            await asyncio.sleep(_DELAY)
        pieces = [data]
        if always in ("bytewise", "throttle"):
            pieces = [data[i : i + 1] for i in range(len(data))]
        for piece in pieces:
            if not self._passing or writer.is_closing():
                return
            writer.write(piece)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            if always == "bytewise":
                await asyncio.sleep(0.0005)
            elif always == "throttle":
                await asyncio.sleep(1 / _RATE)


async def _say_goodbye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send FIN behind what is on its way, and read until the other side closes, too.

    Bytes that nobody has read when a socket is closed make a reset of it (RFC 1122, 4.2.2.13),
    which may overtake what was sent and take it back.
    """
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        writer.write_eof()
        async with asyncio.timeout(_GOODBYE):
            while await reader.read(65536):
                pass


def _reset(writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


class FaultProxy:
    """Listens on a free loopback port and passes connections on to the broker's port.

    mqtt: whether the bytes are MQTT, to be read strictly, or TLS

    The attribute `on_packet` is called with connection, direction and bytes of each whole MQTT
    packet, before it is passed on.
    """

    def __init__(self, broker_port: int, mqtt: bool = True) -> None:
        self.broker_port = broker_port
        self.mqtt = mqtt
        self.faults: list[Fault] = []
        self.connections: list[Connection] = []
        self.on_packet: Callable[[Connection, str, bytes], None] | None = None
        self._accepted = 0
        self._serving: set[asyncio.Task[None]] = set()

    @classmethod
    async def start(cls, broker_port: int, mqtt: bool = True) -> FaultProxy:
        proxy = cls(broker_port, mqtt)
        proxy._server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.port = proxy._server.sockets[0].getsockname()[1]
        return proxy

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        fault = self.faults.pop(0) if self.faults else PASS
        self._accepted += 1
        connection = Connection(fault, self.mqtt, self._accepted, on_packet=self.on_packet)
        self.connections.append(connection)
        try:
            broker = await asyncio.open_connection("127.0.0.1", self.broker_port)
        except OSError:
            writer.close()
            return
        for stream in (writer, broker[1]):
            stream.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await connection.serve((reader, writer), broker)

    def forget(self) -> list[Connection]:
        """End all connections and return what they have seen."""
        seen, self.connections = self.connections, []
        for connection in seen:
            connection.end()
        self.faults = []
        return seen

    async def close(self) -> None:
        self.forget()
        self._server.close()
        if self._serving:
            await asyncio.wait(self._serving)
