"""An emulated Cortex-M3 with MicroPython, driven through its raw REPL."""

from __future__ import annotations

import os
import select
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIRMWARE = ROOT / "build" / "mcu" / "firmware.elf"

PATIENCE = 120.0  # s; bounds a hang

_TOPICS = 16
_CTRL_A = b"\x01"  # raw REPL
_CTRL_D = b"\x04"  # run what was sent


def with_workload(script: str, size: int) -> str:
    """Put the filters and some topics of benchmarks/workloads/ before a script, as WORKLOAD."""
    path = ROOT / "benchmarks" / "workloads" / f"{size}.txt"
    filters, *topics = path.read_bytes().split(b"\n\n")
    parts = [filters] + [b"\n".join(part.split(b"\n")[:_TOPICS]) for part in topics]
    data = b"\n\n".join(parts)
    return f"WORKLOAD = {data!r}\n{script}"


class Microcontroller:
    """One emulated board, to be used in a `with` statement.

    With `counting`, its clock advances by one nanosecond for each instruction, so that its timers
    count instructions, repeatably.
    """

    def __init__(self, counting: bool = False) -> None:
        assert FIRMWARE.exists(), f"{FIRMWARE} is missing; type: make test-mcu"
        # fmt: off
        command = [
            "qemu-system-arm", "-machine", "mps2-an385", "-nographic", "-monitor", "null",
            "-semihosting", "-serial", "stdio", "-kernel", str(FIRMWARE),
        ]
        # fmt: on
        if counting:
            command += ["-icount", "shift=0"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.received = b""

    def __enter__(self) -> Microcontroller:
        self._read_until(b">>> ")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def _read_until(self, end: bytes, timeout: float = PATIENCE) -> bytes:
        deadline = time.monotonic() + timeout
        assert self.process.stdout is not None
        while end not in self.received:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            assert ready, f"no {end!r} within {timeout} s, only {self.received[-500:]!r}"
            data = os.read(self.process.stdout.fileno(), 4096)
            assert data, f"the emulator ended after {self.received[-500:]!r}"
            self.received += data
        found, _, self.received = self.received.partition(end)
        return found

    def run(self, script: str, timeout: float = 900) -> str:
        """Run a script after a soft reset and return what it printed; fail if it raised."""
        assert self.process.stdin is not None
        self.process.stdin.write(_CTRL_A)
        self._read_until(b"raw REPL; CTRL-B to exit\r\n>")
        self.process.stdin.write(_CTRL_D)  # nothing to run: soft reset
        self._read_until(b"raw REPL; CTRL-B to exit\r\n>")
        self.process.stdin.write(script.encode() + _CTRL_D)
        self._read_until(b"OK")
        output = self._read_until(_CTRL_D, timeout).decode()
        error = self._read_until(_CTRL_D).decode()
        self._read_until(b">")
        assert not error, f"{output}{error}"
        return output
