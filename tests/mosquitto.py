"""A real broker: Mosquitto, which a test can kill and start again."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self


def _make_ports() -> Iterator[int]:
    # Each of pytest's processes has ports of its own, and takes them in turn, from anywhere: one of a
    # Mosquitto that is away for a moment is not given to another test.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    count = (32768 - 20000) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    begin = random.randrange(count)
    while True:
        for number in range(count):
            yield 20000 + worker * count + (begin + number) % count


_ports = _make_ports()


def free_port(host: str) -> int:
    """Return a port that no connection out is given: Linux gives those from 32768 on."""
    while True:
        port = next(_ports)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return port


def wait_listening(
    process: subprocess.Popen[bytes], host: str, port: int, log: Path, limit: float = 60
) -> None:
    """Wait until a process listens there, for `limit` seconds at most. Fails with its log's end."""
    deadline = time.monotonic() + limit
    while True:
        try:
            socket.create_connection((host, port), 10).close()
            return
        except OSError:
            end = log.read_text(errors="replace")[-3000:]
            assert process.poll() is None, end
            assert time.monotonic() < deadline, f"nobody listens at port {port}:\n{end}"
            time.sleep(0.02)


class Mosquitto:
    """A Mosquitto on a free loopback port, which can be killed and started again.

    As a context manager it runs meanwhile.
    """

    def __init__(self, folder: Path, settings: str = "allow_anonymous true\n") -> None:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/sbin:/bin")
        assert program, "mosquitto is missing; type: sudo apt-get install mosquitto"
        self.program = program
        self.host = "127.0.0.1"
        self.port = free_port(self.host)
        self.config = folder / "mosquitto.conf"
        self.config.write_text(f"listener {self.port} 127.0.0.1\n{settings}")
        self.log = folder / "mosquitto.log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-v", "-c", str(self.config)], stdout=log, stderr=log
            )
        self.wait_listening(self.port)

    def wait_listening(self, port: int) -> None:
        """Wait until it listens on a port; a listener's turn comes after those before it."""
        assert self.process
        wait_listening(self.process, self.host, port, self.log)

    def stop(self, kill: bool = False) -> None:
        if self.process is not None:
            if kill:
                self.process.kill()
            else:
                self.process.terminate()
            self.process.wait(60)
            self.process = None
