"""The instruments themselves: the proxy does what its faults say, the parser refuses what it must."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest

from tests.umqtt.faults.fault_proxy import TO_BROKER, TO_CLIENT, Fault, FaultProxy
from tests.umqtt.faults.strict import Malformed, StrictStream
from tests.umqtt.wire.broker import (
    CONNACK,
    PINGREQ,
    PINGRESP,
    acknowledgement,
    connect,
    packet,
    puback,
    publish,
    subscribe,
)

SENT = connect() + publish("t", b"m", 1, 1) + PINGREQ
ANSWER = CONNACK + puback(1) + PINGRESP


LIMIT = 60  # s: it only ends a hang
QUIET = 0.5  # s without a byte more than is wanted


async def _read(reader: asyncio.StreamReader, size: int | None) -> tuple[bytes, str]:
    """Read up to the end, and return what came, and how it ended: open, closed or reset.

    It is open if after `size` bytes nothing comes any more; None waits for another end.
    """
    got = bytearray()
    try:
        while True:
            is_all = size is not None and len(got) >= size
            data = await asyncio.wait_for(reader.read(1 << 16), QUIET if is_all else LIMIT)
            if not data:
                return bytes(got), "closed"
            got.extend(data)
    except asyncio.TimeoutError:
        return bytes(got), "open"
    except ConnectionResetError:
        return bytes(got), "reset"


async def _pass_through(
    fault: Fault, heard_size: int, got_size: int | None
) -> tuple[bytes, bytes, str]:
    """Send SENT through a proxy to a peer that answers ANSWER; return what each side got."""
    heard = bytearray()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.extend(await reader.read(1000))
            writer.write(ANSWER)
            while data := await reader.read(1000):
                heard.extend(data)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    proxy = await FaultProxy.start(server.sockets[0].getsockname()[1])
    proxy.faults = [fault]
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(SENT)
    got, end = await _read(reader, got_size)
    async with asyncio.timeout(LIMIT):
        while len(heard) < heard_size:
            await asyncio.sleep(0.01)
    writer.close()
    await proxy.close()
    server.close()
    return bytes(heard), got, end


@pytest.mark.parametrize(
    "fault, heard, got, end",
    [
        (Fault(), SENT, ANSWER, "open"),
        (Fault("split", TO_BROKER, 5), SENT, ANSWER, "open"),
        (Fault("stall", TO_BROKER, 5), SENT[:5], ANSWER, "open"),
        (Fault("stall", TO_CLIENT, 5), SENT, ANSWER[:5], "open"),
        (Fault("half-open", TO_BROKER, 5), SENT[:5], b"", "open"),
        (Fault("half-open", TO_CLIENT, 5), SENT, ANSWER[:5], "open"),
        (Fault("reset", TO_CLIENT, 0), SENT, b"", "reset"),
        (Fault("close", TO_BROKER, 0), b"", b"", "closed"),
        (Fault("corrupt", TO_CLIENT, 1), SENT, ANSWER[:1] + b"\xfd" + ANSWER[2:], "open"),
        (Fault("duplicate", TO_CLIENT, 4), SENT, ANSWER[:8] + ANSWER[4:], "open"),
        (Fault("reorder", TO_CLIENT, 4), SENT, ANSWER[:4] + PINGRESP + puback(1), "open"),
        (Fault("reorder", TO_CLIENT, 8), SENT, ANSWER, "open"),
        (Fault("bytewise", TO_BROKER), SENT, ANSWER, "open"),
        (Fault("delay", TO_CLIENT), SENT, ANSWER, "open"),
        (Fault("throttle", TO_CLIENT), SENT, ANSWER, "open"),
    ],
    ids=str,
)
def test_fault_does_what_it_says(fault: Fault, heard: bytes, got: bytes, end: str) -> None:
    size = len(got) if end == "open" else None
    assert asyncio.run(_pass_through(fault, len(heard), size)) == (heard, got, end)


async def _receive(
    fault: Fault, pieces: list[bytes], pause: float = 0, size: int | None = None
) -> tuple[bytes, str]:
    """Return what a client gets of a broker's `pieces`, and how it ends, as `_read` says."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read(1000)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
            await reader.read(1000)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    proxy = await FaultProxy.start(server.sockets[0].getsockname()[1])
    proxy.faults = [fault]
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(connect())
    outcome = await _read(reader, size)
    writer.close()
    await proxy.close()
    server.close()
    return outcome


def test_held_acknowledgement_tears_no_packet() -> None:
    """A broker that stops in the middle of a PUBLISH, for longer than the proxy holds PUBACK back"""
    message = publish("t", b"four", 0)
    pieces = [CONNACK + puback(1) + message[:-2], message[-2:]]
    wanted = CONNACK + message + puback(1)
    fault = Fault("reorder", TO_CLIENT, 4)
    got = asyncio.run(_receive(fault, pieces, pause=0.3, size=len(wanted)))
    assert got == (wanted, "open")


def test_close_within_message_lets_nothing_follow() -> None:
    """Two bytes before the end of a message, and 60,000 zeros are on their way"""
    sent = CONNACK + publish("t", b"457", 1, 1) + publish("light", bytes(60_000), 1, 2)
    offset = sent.index(b"57")
    got = asyncio.run(_receive(Fault("close", TO_CLIENT, offset), [sent]))
    assert got == (sent[:offset], "closed")


@pytest.mark.parametrize(
    "kind, end",
    [("close", "closed"), ("reset", "reset"), ("stall", "open"), ("half-open", "open")],
)
def test_link_that_ends_has_passed_only_its_offset(kind: str, end: str) -> None:
    choose = random.Random(19)

    async def receive_once() -> None:
        sent = CONNACK + b"".join(
            publish("t", bytes([choose.randrange(256)]) * choose.randrange(20_000), 1, i + 1)
            for i in range(choose.randrange(1, 8))
        )
        cuts = sorted(choose.choices(range(len(sent)), k=choose.randrange(12)))
        pieces = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)])]
        offset = choose.randrange(len(sent))
        size = offset if end == "open" else None
        got, how = await _receive(Fault(kind, TO_CLIENT, offset), pieces, size=size)
        assert how == end
        if kind == "reset":  # may take back what has not been read
            got += sent[len(got) : offset]
        assert got == sent[:offset]

    async def receive_often() -> None:
        await asyncio.gather(*(receive_once() for _ in range(60)))

    asyncio.run(receive_often())


@pytest.mark.parametrize(
    "kind, offset, passed",
    [
        ("duplicate", 4, CONNACK + puback(1) + puback(1)),
        ("duplicate", 1000, CONNACK + puback(1)),
        ("reorder", 4, CONNACK),
        ("reorder", 1000, CONNACK + puback(1)),
    ],
)
def test_malformed_packet_ends_faults_by_packet(kind: str, offset: int, passed: bytes) -> None:
    sent = CONNACK + puback(1) + packet(0x40, b"\x00\x02\x00") + PINGRESP
    for pieces in ([sent], [sent[:10], sent[10:]]):
        got = asyncio.run(_receive(Fault(kind, TO_CLIENT, offset), pieces, pause=0.01))
        assert got == (passed, "closed"), pieces


def test_allowed_packets_are_read_in_any_pieces() -> None:
    stream = StrictStream(from_client=True)
    data = SENT + subscribe(2, "a/#", 2) + publish("t", b"m", 2, 3, dup=True) + b"\xe0\x00"
    for byte in data:
        stream.feed(bytes([byte]))
    assert len(stream.starts) == 6 and not stream.pending


@pytest.mark.parametrize(
    "from_client, data",
    [
        (True, PINGREQ),  # before CONNECT
        (True, connect() + connect()),
        (True, connect(flags=1)),
        (True, connect(flags=0x40)),
        (True, connect(flags=0x20)),
        (True, connect(client_id="", clean=False)),
        (True, connect(rest=b"x")),
        (True, connect() + b"\xe0\x00" + PINGREQ),
        (True, connect() + publish("t", b"", 3, 1)),
        (True, connect() + publish("t", b"", 1, 0)),
        (True, connect() + publish("t", b"", dup=True)),
        (True, connect() + publish("a/+", b"")),
        (True, connect() + publish("", b"")),
        (True, connect() + publish(b"\xff", b"")),
        (True, connect() + packet(0x30, b"\x00\x05ab")),
        (True, connect() + packet(0x60, b"\x00\x01")),
        (True, connect() + packet(0x80, b"\x00\x01\x00\x01a\x00")),
        (True, connect() + subscribe(0, "a")),
        (True, connect() + subscribe(1, "a", 3)),
        (True, connect() + packet(0x82, b"\x00\x01")),
        (True, connect() + b"\xc0\x80\x00"),
        (True, connect() + b"\x30\xff\xff\xff\xff\x01"),
        (True, connect() + PINGRESP),
        (False, PINGRESP),
        (False, b"\x20\x02\x02\x00"),
        (False, b"\x20\x02\x01\x01"),
        (False, ANSWER + packet(0x90, b"\x00\x01\x03")),
        (False, ANSWER + acknowledgement(0x40, 0)),
        (False, ANSWER + packet(0x40, b"\x00\x01\x00")),
        (False, ANSWER + PINGREQ),
    ],
)
def test_forbidden_packet_is_refused(from_client: bool, data: bytes) -> None:
    with pytest.raises(Malformed):
        StrictStream(from_client).feed(data)
