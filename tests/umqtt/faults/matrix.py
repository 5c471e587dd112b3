"""Runs cells of the fault matrix: one fault at one byte of one conversation, and what became of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulated_board import DEFAULT_BOARD, program
from tests.umqtt.faults.fault_proxy import PASS, TO_BROKER, Connection, Fault, FaultProxy

SCRIPT = Path(__file__).parent / "scripts" / "conversation.py"
HANG = 120  # s without an answer from a process
PATIENCE = 60000  # ms: the bound of a whole conversation; what has not come by then is lost
LOST = 1500  # ms: the same where a corrupted message may have gone elsewhere
SLACK = 5000  # ms that a busy machine may add to a bound
WARM = 5  # conversations after which a process's heap must not grow any more
HEAP_GROWTH = 4096  # bytes: room for interned strings and the allocator's own tables

# docs/umqtt.md
DOCUMENTED = ("OSError", "ProtocolError", "NotMQTTError", "MQTTException", "CertificateError")


@dataclass(frozen=True)
class Cell:
    client: str  # simple, robust or aio
    fault: Fault = PASS

    def __str__(self) -> str:
        return f"{self.client}: {self.fault}"


@dataclass
class Result:
    """What became of a cell. `problems` is empty if every promise was kept."""

    cell: Cell
    phase: str
    milliseconds: int = 0
    outcome: str = "recovered"  # or "raised", "unharmed"
    problems: list[str] = field(default_factory=list)
    first: Connection | None = None  # through the proxy, with the fault


def _judge(cell: Cell, answer: dict[str, Any], connections: list[Connection]) -> Result:
    phase = next((c.hit for c in connections if c.hit), None)
    first = connections[0] if connections else None
    result = Result(cell, f"{phase or 'whole'} {cell.fault.direction}", first=first)
    problems = result.problems
    if "crash" in answer:
        problems.append(answer["crash"])
        return result
    result.milliseconds = answer["ms"]
    errors = answer["errors"]
    if errors:
        result.outcome = "raised"
    elif answer["connects"] == 1:
        result.outcome = "unharmed"
    for call, reason, took, bound in errors:
        if not reason.startswith(DOCUMENTED):
            problems.append(f"{call} raised {reason}, which is not documented")
        if took > bound + SLACK:
            problems.append(f"{call} took {took} ms, {bound} are promised")
    # What a corrupted byte changes unseen, nobody can promise; TLS sees it.
    tls = bool(first) and not first.mqtt
    corrupted = cell.fault.kind == "corrupt" and not tls
    if not (corrupted or answer["patient"]):
        problems.append("did not come to its end")
    got = answer["got"]
    if not corrupted:
        wanted = answer.get("surely", () if errors else ("q1", "q2"))
        problems += [f"{name} is lost" for name in wanted if name not in got]
        if got.count("q2") > 1:
            problems.append("QoS 2 came twice")
        if cell.client != "simple" and errors and not tls:
            problems.append(f"raised {errors}")
    for connection in connections:
        for what in connection.malformed:
            if what.startswith(TO_BROKER) or not corrupted:
                problems.append(f"malformed, {what}")
    return result


class Worker:
    """One MicroPython process behind a proxy of its own, holding one conversation at a time."""

    def __init__(self, number: int, broker_port: int, ca: Path | None) -> None:
        self.number = number
        self._broker_port = broker_port
        self._ca = ca
        self._cells = 0
        self._process: asyncio.subprocess.Process | None = None
        self.heap: list[int] = []

    async def start(self) -> None:
        self.proxy = await FaultProxy.start(self._broker_port, mqtt=self._ca is None)
        await self._start_process()

    async def _start_process(self) -> None:
        arguments = [str(self._ca)] if self._ca else []
        self._process = await asyncio.create_subprocess_exec(
            *(program(DEFAULT_BOARD), SCRIPT, str(self.proxy.port), *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self.heap = []
        await self._answer()

    async def _answer(self) -> dict[str, Any]:
        said = []
        while line := await asyncio.wait_for(self._process.stdout.readline(), HANG):
            if line.startswith(b"{"):
                return json.loads(line)
            said.append(line.decode(errors="replace").rstrip())
        return {"crash": "the process ended: " + " | ".join(said[-5:])}

    async def run(self, cell: Cell) -> Result:
        self._cells += 1
        client_id = f"{cell.client[0]}{self.number:02d}{self._cells:03d}"
        corrupts = cell.fault.kind == "corrupt" and self._ca is None
        self.proxy.faults = [cell.fault]
        started = time.monotonic()
        try:
            self._process.stdin.write(
                f"{cell.client} {client_id} {LOST if corrupts else PATIENCE}\n".encode()
            )
            answer = await self._answer()
        except (TimeoutError, asyncio.TimeoutError):
            answer = {"crash": f"hangs, for {HANG} s"}
        except OSError as error:
            answer = {"crash": f"the process ended: {error}"}
        result = _judge(cell, answer, self.proxy.forget())
        if "crash" in answer:
            result.milliseconds = int((time.monotonic() - started) * 1000)
            await self._stop_process()
            await self._start_process()
        else:
            self.heap.append(answer["heap"])
        return result

    def heap_growth(self) -> int:
        """Return by how many bytes the heap has grown since it was warm."""
        warm = self.heap[WARM:]
        return min(warm[-3:]) - max(warm[:3]) if len(warm) > 6 else 0

    async def _stop_process(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        await self._stop_process()
        await self.proxy.close()


async def _run(
    cells: list[Cell], broker_port: int, workers: int, ca: Path | None
) -> tuple[list[Result], int]:
    results: list[Result] = []
    pool = [Worker(number, broker_port, ca) for number in range(min(workers, len(cells)))]
    left = iter(cells)

    async def work(worker: Worker) -> None:
        await worker.start()
        try:
            for cell in left:
                results.append(await worker.run(cell))
        finally:
            await worker.stop()

    await asyncio.gather(*(work(worker) for worker in pool))
    return results, max(worker.heap_growth() for worker in pool)


def run(
    cells: Iterable[Cell], broker_port: int, workers: int = 24, ca: Path | None = None
) -> tuple[list[Result], int]:
    """Run all cells; return their results, and the most bytes that a process's heap has grown.

    ca: the DER file of the authority to verify a TLS broker with; without one it is plain MQTT
    """
    return asyncio.run(_run(list(cells), broker_port, workers, ca))


def measure(client: str, broker_port: int, ca: Path | None = None) -> Connection:
    """Return an undisturbed conversation: how many bytes it sends each way, where packets begin."""
    for _ in range(5):  # a busy machine may disturb one
        (result,), _ = run([Cell(client)], broker_port, ca=ca)
        if result.outcome == "unharmed":
            break
    assert not result.problems and result.outcome == "unharmed", result
    return result.first


def table(results: list[Result]) -> str:
    """Return one row a packet and direction: per fault, the number of cells and the worst time."""
    kinds = list(dict.fromkeys(result.cell.fault.kind for result in results))
    rows: dict[str, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        rows[result.phase][result.cell.fault.kind].append(result)
    width = max(map(len, rows)) + 1
    lines = [f"{'':{width}}" + "".join(f"{kind:>13}" for kind in kinds)]
    for phase in sorted(rows):
        line = f"{phase:{width}}"
        for kind in kinds:
            cells = rows[phase][kind]
            bad = sum(bool(cell.problems) for cell in cells)
            worst = max((cell.milliseconds for cell in cells), default=0)
            text = f"{len(cells)}: {worst / 1000:.1f} s" if cells else "-"
            line += f"{text + (f' {bad} BAD' if bad else ''):>13}"
        lines.append(line)
    return "\n".join(lines)


def summary(results: list[Result], growth: int) -> str:
    outcomes = defaultdict(int)
    for result in results:
        outcomes[result.outcome] += 1
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    worst = max(results, key=lambda result: result.milliseconds)
    bad = sum(bool(result.problems) for result in results)
    return (
        f"{len(results)} cells: {counted}; worst {worst.milliseconds / 1000:.1f} s "
        f"({worst.cell}, {worst.phase}); heap grew by {max(0, growth)} bytes; {bad} bad"
    )
