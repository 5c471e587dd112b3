"""A new version of the firmware, and its offer to boards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ci.boards import ROOT, Board
from ci.image import signing
from tests.images.fake_build import make_application
from tests.mosquitto import Mosquitto

OLD, NEW = "1.2.0", "1.3.0"


def make_image(board: Board, folder: Path) -> Path:
    """Make the new version's image, its -app.json beside it."""
    image = folder / "new-app.bin"
    image.write_bytes(make_application(board, NEW))
    signed = signing.signed_manifest(image.read_bytes(), None, image.name)
    image.with_suffix(".json").write_text(json.dumps(signed))
    return image


def make_offer(broker: Mosquitto, board: Board, image: Path, files: str) -> None:
    offer = [sys.executable, "-m", "ci.board.ota", board.name, "--offer"]
    offer += ["--broker", f"{broker.host}:{broker.port}"]
    offer += ["--file", str(image), "--url", f"{files}/{image.name}"]
    subprocess.run(offer, cwd=ROOT, check=True, timeout=300)
