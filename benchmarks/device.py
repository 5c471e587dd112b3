"""What the running device costs: heap, time from power-on to the subscription, and its discovery.

The heap is measured in the simulator built for 32 bits, where objects have a board's size. Its fake
hardware is Python, and C on the chip: what that takes of the heap is measured, too, and taken off.

The time begins with the second in which button A asks for safe mode. On the chip come the search
for the strongest access point, 2.4 s, and joining.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from air import Air
from benchmarks import callgrind
from benchmarks.goals import Goal
from simulated_board import ROOT, SimulatedBoard
from tests.mosquitto import Mosquitto
from tests.classroom import ACCESS_POINT, Person, settings
from tests.setup.phone import Phone

HEAP = "96k"
PROGRAM = ROOT / "build" / "sim32-mpython" / "micropython"
FAKE_HARDWARE = """
import gc
gc.collect()
before = gc.mem_alloc()
import esp32, machine, network
gc.collect()
print("fake hardware:", gc.mem_alloc() - before)
"""
# A step of set-up may take 50 ms: 12 million cycles of the chip, of which an instruction takes 1.5 to 2.
STEP = 6.7  # million instructions
# setup_step.py's, each with its name in the table.
WORK = {
    "form": "a form of 800 bytes",
    "whole": "a configuration of 4 KB",
    "hostile": "hostile bodies of 4 KB",
    "display": "drawing how to join",
}
SUBSCRIBE = 0x82
BOOTS = 5


def boot(broker: Mosquitto, folder: Path, executable: Path | None = None) -> SimulatedBoard:
    """Return a board, not yet started, with a configuration for `broker`."""
    flash = folder / "flash"
    flash.mkdir(exist_ok=True)
    (flash / "config.json").write_text(json.dumps(settings(broker)))
    return SimulatedBoard(
        flash=flash,
        access_points=(ACCESS_POINT,),
        # On 64 bits, where only the time is measured, each object takes twice as much.
        environment={"SIM_HEAP": HEAP} if executable else {},
        executable=executable,
    )


def fake_hardware(folder: Path) -> float:
    """Return the KB of heap that the simulator's fake hardware takes."""
    script = folder / "fake_hardware.py"
    script.write_text(FAKE_HARDWARE)
    with SimulatedBoard(arguments=(str(script),), executable=PROGRAM) as board:
        return int(board.wait_line("fake hardware:").split()[-1]) / 1024


def heap_used(broker: Mosquitto, folder: Path) -> float:
    """Return the KB of heap that a board at rest uses after its loop has handled a few messages.

    The least of three figures: at the first the start is not over, and 1 KB more is in use.
    """
    person = Person(broker, "light/#")
    figures = []
    try:
        with boot(broker, folder, PROGRAM) as board:
            board.wait_line("mqtt: subscribed")
            for payload in ("on", "#ff8000", "off"):
                person.publish("light", payload)
            for _ in range(3):
                person.publish("light", "stats")
                figures.append(json.loads(person.receive("light/status/stats"))["heap_used"])
            return min(figures) / 1024
    finally:
        person.close()


def set_up_heap(folder: Path) -> tuple[float, float, float, float]:
    """Return KB of heap: what is there before set-up, and what set-up takes when it is open, at
    most, and at the prompt after Ctrl-C."""
    script = ROOT / "benchmarks" / "scripts" / "setup.py"
    with SimulatedBoard(arguments=(str(script),), executable=PROGRAM) as board:
        line = board.wait_line("set-up:", 120)
    before, opened, at_most, after = (int(word) / 1024 for word in line.split()[1:])
    return before, opened, at_most, after


def discovery() -> tuple[float, float, float, float]:
    """Return what Home Assistant's message takes: its bytes, KB of heap at most while it is made,
    bytes of heap that are kept afterwards, and the ms in which it is made here."""
    script = ROOT / "benchmarks" / "scripts" / "discovery.py"
    with SimulatedBoard(arguments=(str(script),), executable=PROGRAM) as board:
        line = board.wait_line("discovery:", 120)
    size, at_most, kept, fastest = (int(word) for word in line.split()[1:])
    return size, at_most / 1024, kept, fastest / 1000


def step_cost(work: str) -> float:
    """Return the million instructions that set-up's longest piece of some work takes, but for the radio's
    and the flash memory's. Counted on 64 bits, in the program that the tests boot."""
    script = ROOT / "benchmarks" / "scripts" / "setup_step.py"
    program = ROOT / "build" / "sim-mpython" / "micropython"
    return max(callgrind.count_pieces(program, script, work)) / 1e6


def form_time(broker: Mosquitto) -> float:
    """Return the seconds from the form of set-up to the broker, with a search as long as the chip's."""
    search = {"command": "scan_time", "ms": 2400}
    with SimulatedBoard(access_points=(ACCESS_POINT,), commands=(search,)) as board:
        phone = Phone(board)
        phone.join()
        begin = time.monotonic()
        phone.propose(settings(broker))
        phone.wait_state("done")
        board.wait_line("mqtt: subscribed")
        return time.monotonic() - begin


def subscribe_time(events: list[dict[str, Any]]) -> int | None:
    """Return when SUBSCRIBE was sent, in us since power-on, if it has been."""
    air = Air()
    for event in list(events):
        for direction, packet in air.packets(event):
            if direction == "out" and packet[0] == SUBSCRIBE:
                return event["t"]
    return None


def boot_time(broker: Mosquitto, folder: Path) -> float:
    """Return the ms from power-on to the SUBSCRIBE packet, without joining the network."""
    powered_off = boot(broker, folder)
    powered_off.commands = ({"command": "capture", "value": True},)
    with powered_off as board:
        sent = board.wait("SUBSCRIBE", lambda: subscribe_time(board.events))
        times = {event.get("status"): event["t"] for event in board.events if "status" in event}
        joining = times[1010] - times[1001]
        return (sent - joining) / 1000


def main() -> list[Goal]:
    """Measure; needs the simulators for 64 and 32 bits."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Mosquitto(folder) as broker:
            heap = heap_used(broker, folder) - fake_hardware(folder)
            before, opened, at_most, after = set_up_heap(folder)
            told, telling, told_kept, telling_time = discovery()
            from_form = form_time(broker)
            fastest = min(boot_time(broker, folder) for _ in range(BOOTS))
    return [
        # 24 KB until updates over the air were listened for.
        Goal(f"device: heap used, of {HEAP}, 32 bits", heap, 26, "KB"),
        Goal("set-up: heap used while it is open, 32 bits", opened, 16, "KB"),
        # Set-up runs in the place of the device, after a reset.
        Goal(
            "set-up: heap over the device's at rest, with five clients and a whole form",
            before + at_most - heap,
            16,
            "KB",
        ),
        # A reset ends set-up, and leaves nothing. Names that MicroPython has interned are not freed.
        Goal("set-up: heap kept at the prompt after Ctrl-C", after, 1.5, "KB"),
        Goal("Home Assistant's message: size", told, 6144, "bytes"),
        Goal("Home Assistant's message: heap in use while it is made, 32 bits", telling, 6, "KB"),
        Goal(
            "Home Assistant's message: heap kept when it is sent, 32 bits", told_kept, 0, "bytes"
        ),
        Goal("Home Assistant's message: time to make it, here", telling_time, 20, "ms"),
        *(
            Goal(f"set-up: longest step of {name}", step_cost(work), STEP, "M instructions")
            for work, name in WORK.items()
        ),
        Goal("set-up: form to the broker", from_form, 30, "s"),
        Goal("device: power-on to SUBSCRIBE, without search and joining", fastest, 1300, "ms"),
    ]
