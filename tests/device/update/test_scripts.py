"""Plays updates in the simulated firmware, around it stand-ins for all that is slow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from tests.device.update import vectors
from tests.device.update.stand_ins import BLOCK, make_command, make_image, program

IMAGE = make_image()
OLDER = make_image(version="1.1.9")
LARGE = make_image(blocks=24, build=b"large")


def commands() -> dict[str, bytes]:
    good = make_command(IMAGE)
    older = {"version": "1.1.9"}
    return {
        "good": good,
        "second": make_command(IMAGE, id="0000beef"),
        "again": make_command(IMAGE, again=True),
        "large": make_command(LARGE),
        "unsigned": make_command(IMAGE, signature=b""),
        "another key": make_command(IMAGE, key=vectors.make_key(2048, 1)),
        "changed": good.replace(b'"1.3.0', b'"1.3.1').replace(rb"\"1.3.0", rb"\"1.3.1"),
        "no JSON": good[:-2],
        "no UTF-8": good[:-2] + b"\xff" + good[-2:],
        "no size": make_command(IMAGE, {"size": None}),
        "no id": make_command(IMAGE, id=None),
        "format 2": make_command(IMAGE, {"format": 2}),
        "version is a word": make_command(IMAGE, {"version": "newest"}),
        "another board": make_command(IMAGE, {"board": "bpi-bit"}),
        "older": make_command(OLDER, older),
        "older by the command": make_command(OLDER, older, older=True),
        "older is signed": make_command(OLDER, older | {"older": True}),
    }


def constants(key_file: str) -> dict[str, object]:
    images = {name: OLDER for name in commands() if "older" in name}
    return {
        "KEY_FILE": key_file,
        "COMMANDS": commands(),
        "IMAGE": IMAGE,
        "IMAGES": images,
        "LARGE": LARGE,
        "SHA256": hashlib.sha256(IMAGE).hexdigest(),
        "SHA256S": {name: hashlib.sha256(image).hexdigest() for name, image in images.items()},
    }


def test_script(
    script: Path, run_script: Callable[..., str], tmp_path: Path, key_file: str
) -> None:
    whole = tmp_path / script.name
    whole.write_text(program(script.read_text(), **constants(key_file)))
    run_script(whole, timeout=300)
