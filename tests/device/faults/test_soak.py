"""The short form of `make soak`, with a seed that stays the same."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.device.faults import soak
from tests.umqtt.faults.fault_proxy import PASS, TO_CLIENT, Connection
from tests.umqtt.wire.broker import publish, pubrel


@pytest.mark.simulator
@pytest.mark.mosquitto
def test_soak_for_five_minutes_breaks_no_promise(report: Callable[..., None], root: Path) -> None:
    outcome = soak.run(soak.SHORT, seed=20)
    report("soak", outcome.table())
    drawing = root / "build" / "faults" / "soak.png"
    soak.plot(outcome, drawing)
    assert drawing.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert not outcome.problems()
    assert sum(outcome.faults.values()) > 40 and outcome.stats["connects"] > 15


@pytest.mark.simulator
@pytest.mark.mosquitto
def test_fault_that_cannot_be_made_ends_soak(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(world: soak.World, randomly: random.Random) -> None:
        raise OSError("no such fault")

    monkeypatch.setattr(soak, "FAULT", 0.1)
    for name in ("_wifi_gone", "_broker_paused", "_broker_restarted"):
        monkeypatch.setattr(soak.World, name, missing)
    with pytest.raises(OSError, match="no such fault"):
        soak.run(60, seed=1)


def test_broken_soak_is_seen() -> None:
    """The judge itself: loss, duplicates, damage, growth"""
    bad = soak.Soak(1, seconds=100)
    bad.sent.update({(1, 1): 1, (2, 1): 1})
    bad.got.update({(2, 1): 2})
    bad.done.update({(1, 1): 1, (2, 1): 1})
    bad.latency = [(float(t), 0.1 + t / 10) for t in range(100)]
    bad.heap = [(float(t), 20_000 + 100 * t) for t in range(100)]
    bad.files = bad.sockets = [(float(t), 5 + (t > 66)) for t in range(100)]
    bad.damaged = ["b'4\\x00\\x00' was handled"]
    assert len(bad.problems()) == 7, bad.problems()


def test_payload_with_changed_byte_has_no_number() -> None:
    payload = soak.payload_of(457)
    assert soak.number_in(payload) == 457
    for i in range(len(payload)):
        for byte in (0, payload[i] ^ 1):
            assert soak.number_in(payload[:i] + bytes([byte]) + payload[i + 1 :]) is None
    assert soak.number_in(payload[:-1]) is soak.number_in(payload + b"0") is None


def test_evidence_is_read_while_packets_pass() -> None:
    audit, connection = soak.Audit(), Connection(PASS, True, 17)
    over = threading.Event()

    def pass_packets() -> None:
        while not over.is_set():
            audit.on_packet(connection, TO_CLIENT, publish("light", b"x"))

    passing = threading.Thread(target=pass_packets)
    passing.start()
    try:
        while not audit.evidence():  # until it has begun
            pass
        for _ in range(5000):
            evidence = audit.evidence()
    finally:
        over.set()
        passing.join()
    assert evidence[-1].startswith("connection 17: pass at byte 0 to broker: 30 08 00 05 6c")


def test_publish_after_pubrel_is_brokers_fault() -> None:
    """[MQTT-4.3.3-1]; the same without PUBREL is the board's"""
    payload = soak.payload_of(7)
    first, again = publish("work/2", payload, 2, 5), publish("work/2", payload, 2, 5, dup=True)
    for packets, broken in ([first, pubrel(5), again], 0), ([first, again, pubrel(5)], 1):
        audit = soak.Audit()
        for packet in packets:
            audit.on_packet(Connection(PASS, True), TO_CLIENT, packet)
        outcome = soak.Soak(1, seconds=100, again=audit.again)
        outcome.sent.update({(2, 7): 1})
        outcome.got.update({(2, 7): 2})
        outcome.done.update({(2, 7): 1})
        outcome.latency = [(1.0, 0.1)]
        outcome.heap = [(1.0, 1), (2.0, 1)]
        outcome.files = outcome.sockets = [(1.0, 1)]
        assert len(outcome.problems()) == broken, outcome.problems()
