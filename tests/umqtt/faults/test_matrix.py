"""Every fault at every byte: each conversation goes on by itself, or raises what is documented, in time.

The tables are printed at the end, and kept in build/reports/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.long_form import FULL
from tests.mosquitto import Mosquitto
from tests.tls import Certificates
from tests.umqtt.faults import matrix
from tests.umqtt.faults.fault_proxy import (
    ALWAYS,
    BY_OFFSET,
    BY_PACKET,
    TO_BROKER,
    TO_CLIENT,
    Connection,
    Fault,
)
from tests.umqtt.faults.matrix import Cell, Result

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]


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


def check(results: list[Result], growth: int, name: str, report: Callable[..., None]) -> None:
    report(name, f"{matrix.table(results)}\n{matrix.summary(results, growth)}")
    bad = [f"{r.cell}: {r.phase}: {'; '.join(r.problems)}" for r in results if r.problems]
    assert not bad, f"{len(bad)} cells are bad:\n" + "\n".join(bad[:40])
    assert growth < matrix.HEAP_GROWTH


@pytest.mark.parametrize("client", ["robust", "simple", "aio"])
def test_every_fault_at_every_byte(
    faults_broker: Mosquitto, client: str, report: Callable[..., None]
) -> None:
    """D1, D2, D3, D10 to D14, D16, D17, D22, D28, [MQTT-4.3.2-1] [MQTT-4.3.3-1] [MQTT-4.4.0-1]"""
    undisturbed = matrix.measure(client, faults_broker.port)
    assert undisturbed.sent[TO_BROKER] > 90 and undisturbed.sent[TO_CLIENT] > 60
    # aio is robust, driven otherwise: in the short form every third byte will do.
    step = 1 if FULL or client != "aio" else 3
    results, growth = matrix.run(cells_of(client, undisturbed, step), faults_broker.port)
    check(results, growth, f"matrix-{client}", report)


def tls_cells(client: str, undisturbed: Connection) -> Iterator[Cell]:
    """Every fault at classes of offsets: around each record's header, inside, at its last byte."""
    for way in (TO_BROKER, TO_CLIENT):
        starts = undisturbed.streams[way].starts
        for start, end in zip(starts, [*starts[1:], undisturbed.sent[way]]):
            whole = {
                start,
                start + 1,
                start + 3,
                start + 4,
                start + 5,
                (start + end) // 2,
                end - 1,
            }
            for offset in sorted(whole if FULL else {start, (start + end) // 2, end - 1}):
                for kind in BY_OFFSET:
                    yield Cell(client, Fault(kind, way, offset))
        for kind in ALWAYS:
            yield Cell(client, Fault(kind, way))


@pytest.mark.parametrize("client", ["robust", "simple"] if FULL else ["robust"])
def test_every_fault_under_tls(
    tmp_path: Path, certificates: Certificates, client: str, report: Callable[..., None]
) -> None:
    """D1, D2: as above; a byte that is corrupted is noticed, whichever it is"""
    broker = Mosquitto(tmp_path, certificates.settings() + "log_type error\n")
    broker.start()
    try:
        ca = tmp_path / "ca.der"
        ca.write_bytes(certificates.der(certificates.ca))
        undisturbed = matrix.measure(client, broker.port, ca)
        cells = tls_cells(client, undisturbed)
        results, growth = matrix.run(cells, broker.port, ca=ca, workers=8)
    finally:
        broker.stop(kill=True)
    check(results, growth, f"matrix-tls-{client}", report)
