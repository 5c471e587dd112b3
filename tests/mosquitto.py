"""A real broker: Mosquitto, which a test can kill and start again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path


class Mosquitto:
    """A Mosquitto on a free loopback port, which can be killed and started again."""

    def __init__(self, folder: Path, settings: str = "allow_anonymous true\n") -> None:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/sbin:/bin")
        assert program, "mosquitto is missing; type: sudo apt-get install mosquitto"
        self.program = program
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.host = "127.0.0.1"
        self.config = folder / "mosquitto.conf"
        self.config.write_text(f"listener {self.port} 127.0.0.1\n{settings}")
        self.log = folder / "mosquitto.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-v", "-c", str(self.config)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection((self.host, self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, "mosquitto did not listen within 10 s"
                time.sleep(0.02)

    def stop(self, kill: bool = False) -> None:
        if self.process is not None:
            if kill:
                self.process.kill()
            else:
                self.process.terminate()
            self.process.wait(10)
            self.process = None
