"""Every fault at every byte: each conversation goes on by itself, or raises what is documented, in time.

The tables are printed, and kept in build/faults/.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Mosquitto
from tests.faults import matrix
from tests.faults.conftest import FULL
from tests.faults.fault_proxy import (
    ALWAYS,
    BY_OFFSET,
    BY_PACKET,
    TO_BROKER,
    TO_CLIENT,
    Connection,
    Fault,
)
from tests.faults.matrix import Cell, Result


def cells_of(client: str, undisturbed: Connection, step: int = 1) -> Iterator[Cell]:
    """Every fault at every `step`th byte or at every packet, and those that last."""
    for way in (TO_BROKER, TO_CLIENT):
        for kind in BY_OFFSET:
            for offset in range(0, undisturbed.sent[way], step):
                yield Cell(client, Fault(kind, way, offset))
        for kind in BY_PACKET:
            for offset in undisturbed.streams[way].starts:
                yield Cell(client, Fault(kind, way, offset))
        for kind in ALWAYS:
            yield Cell(client, Fault(kind, way))


def check(results: list[Result], growth: int, name: str, capsys, root: Path) -> None:
    report = f"{name}\n{matrix.table(results)}\n{matrix.summary(results, growth)}\n"
    folder = root / "build" / "faults"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_text(report)
    with capsys.disabled():
        print("\n" + report)
    bad = [f"{r.cell}: {r.phase}: {'; '.join(r.problems)}" for r in results if r.problems]
    assert not bad, f"{len(bad)} cells are bad:\n" + "\n".join(bad[:40])
    assert growth < matrix.HEAP_GROWTH


@pytest.mark.parametrize("client", ["robust", "simple", "aio"])
def test_every_fault_at_every_byte(
    faults_broker: Mosquitto, client: str, capsys, root: Path
) -> None:
    """D1, D2, D3, D10 to D14, D16, D17, D22, D28, [MQTT-4.3.2] [MQTT-4.3.3] [MQTT-4.4.0-1]"""
    undisturbed = matrix.measure(client, faults_broker.port)
    assert undisturbed.sent[TO_BROKER] > 90 and undisturbed.sent[TO_CLIENT] > 60
    # aio is robust, driven otherwise: in the short form every third byte will do.
    step = 1 if FULL or client != "aio" else 3
    results, growth = matrix.run(cells_of(client, undisturbed, step), faults_broker.port)
    check(results, growth, f"matrix-{client}", capsys, root)
