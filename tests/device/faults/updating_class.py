"""A class of simulated boards with slots, and `make ota` for them."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ci.boards import ROOT, Board
from ci.image import signing
from flash_chip import make_chip
from simulated_board import SimulatedBoard
from tests.classroom import ACCESS_POINT
from tests.images.fake_build import make_application
from tests.long_form import FULL
from tests.mosquitto import Mosquitto

SIZE = 1_600_000 if FULL else 60_000
ENVIRONMENT = {"SIM_ERASE_MS": "63"} if FULL else {}

OLD, NEW = "1.2.0", "1.3.0"


class Class:
    """Boards that are online, each with files of its own, and the image they are to take."""

    def __init__(self, board: Board, broker: Mosquitto, folder: Path, stack: ExitStack) -> None:
        self.kind = board
        self.broker = broker
        self.folder = folder
        self.stack = stack
        self.boards: list[SimulatedBoard] = []
        self.key = signing.make_key(folder / "key.pem")

    def image(self, version: str = NEW, bad: str = "", name: str = "new") -> Path:
        path = self.folder / f"{name}-app.bin"
        path.write_bytes(make_application(self.kind, version, SIZE, bad=bad))
        signed = signing.signed_manifest(path.read_bytes(), self.key, path.name)
        path.with_suffix(".json").write_text(json.dumps(signed))
        return path

    def start(self, count: int, port: int = 0, **environment: str) -> None:
        """Start boards board1, board2, ...; `port` is the way to the broker, if not its own."""
        old = make_application(self.kind, OLD, SIZE)
        for number in range(1, count + 1):
            flash = self.folder / f"flash-{number}"
            flash.mkdir()
            config: dict[str, Any] = {
                "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
                "mqtt": {
                    "server": self.broker.host,
                    "port": port or self.broker.port,
                    "keepalive": 5,
                },
                "update": {"key": "/update.pub"},
                "name": f"board{number}",
            }
            (flash / "config.json").write_text(json.dumps(config, indent=3))
            (flash / "update.pub").write_bytes(signing.public_pem(self.key))
            (flash / "handlers.py").write_text("import device\n# mine\n")
            (flash / "notes.txt").write_bytes(bytes(range(256)))
            chip = make_chip(self.kind, self.folder / f"chip-{number}.bin", old)
            # A slot that has been used: each of its sectors must be erased.
            chip.install(b"\x5a" * SIZE, slot=1)
            self.boards.append(
                self.stack.enter_context(
                    SimulatedBoard(
                        self.kind.name,
                        flash=flash,
                        flash_chip=chip.path,
                        access_points=(ACCESS_POINT,),
                        environment={"SIM_ID": str(number), **ENVIRONMENT, **environment},
                    )
                )
            )
        for board in self.boards:
            board.wait_line("mqtt: subscribed board", timeout=600)

    def files(self) -> list[dict[str, bytes]]:
        """Return what lies on each board's disk."""
        return [
            {path.name: path.read_bytes() for path in board.flash.iterdir()}
            for board in self.boards
        ]

    def command(self, *arguments: str) -> list[str]:
        where = f"{self.broker.host}:{self.broker.port}"
        command = [sys.executable, "-m", "ci.board.ota", self.kind.name, "--broker", where]
        return [*command, *arguments]

    def call(self, *arguments: str) -> tuple[int, list[str]]:
        """Call `make ota`; return its status and lines."""
        result = subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1800,
        )
        return result.returncode, result.stdout.splitlines()

    def versions(self) -> list[str]:
        """Return the version that each board has started last."""
        return [
            [line.split()[2] for line in board.lines if line.startswith("boot: ")][-1]
            for board in self.boards
        ]
