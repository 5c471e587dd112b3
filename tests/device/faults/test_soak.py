"""The short form of `make soak`, with a seed that stays the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.device.faults import soak
from tests.umqtt.faults.fault_proxy import TO_CLIENT
from tests.umqtt.wire.broker import publish, pubrel


@pytest.mark.simulator
@pytest.mark.mosquitto
def test_soak_for_five_minutes(report: Callable[..., None], root: Path) -> None:
    outcome = soak.run(soak.SHORT, seed=20)
    report("soak", outcome.table())
    drawing = root / "build" / "faults" / "soak.png"
    soak.plot(outcome, drawing)
    assert drawing.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert not outcome.problems()
    assert sum(outcome.faults.values()) > 40 and outcome.stats["connects"] > 15


@pytest.mark.simulator
@pytest.mark.mosquitto
def test_a_fault_that_cannot_be_made_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(world: soak.World, randomly: random.Random) -> None:
        raise OSError("no such fault")

    monkeypatch.setattr(soak, "FAULT", 0.1)
    for name in ("_wifi_gone", "_broker_paused", "_broker_restarted"):
        monkeypatch.setattr(soak.World, name, missing)
    with pytest.raises(OSError, match="no such fault"):
        soak.run(60, seed=1)


def test_a_soak_that_goes_wrong_is_seen() -> None:
    """The judge itself: loss, duplicates, growth"""
    bad = soak.Soak(1, seconds=100)
    bad.sent.update({(1, 1): 1, (2, 1): 1})
    bad.got.update({(2, 1): 2})
    bad.done.update({(1, 1): 1, (2, 1): 1})
    bad.latency = [(float(t), 0.1 + t / 10) for t in range(100)]
    bad.heap = [(float(t), 20_000 + 100 * t) for t in range(100)]
    bad.files = bad.sockets = [(float(t), 5 + (t > 66)) for t in range(100)]
    assert len(bad.problems()) == 6, bad.problems()


def test_a_broker_that_publishes_after_its_pubrel_is_not_the_boards_fault() -> None:
    """[MQTT-4.3.3-1]; the same without PUBREL is"""
    first, again = publish("work/2", b"7", 2, 5), publish("work/2", b"7", 2, 5, dup=True)
    for packets, broken in ([first, pubrel(5), again], 0), ([first, again, pubrel(5)], 1):
        audit = soak.QoS2Audit()
        for packet in packets:
            audit.on_packet(TO_CLIENT, packet)
        outcome = soak.Soak(1, seconds=100, again=audit.again)
        outcome.sent.update({(2, 7): 1})
        outcome.got.update({(2, 7): 2})
        outcome.done.update({(2, 7): 1})
        outcome.latency = [(1.0, 0.1)]
        outcome.heap = [(1.0, 1), (2.0, 1)]
        outcome.files = outcome.sockets = [(1.0, 1)]
        assert len(outcome.problems()) == broken, outcome.problems()
