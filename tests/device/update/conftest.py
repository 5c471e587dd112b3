"""What the tests of updates share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ci.boards import Board
from flash_chip import FlashChip, make_chip
from simulated_board import SimulatedBoard
from tests.classroom import settings
from tests.device.update import vectors
from tests.device.update.sender import Sender
from tests.images.fake_build import make_application
from tests.mosquitto import Mosquitto


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    """The path of the public key that commands are signed with by default."""
    path = tmp_path / "update.pub"
    path.write_bytes(vectors.public_pem(vectors.make_key(2048)))
    return str(path)


@pytest.fixture
def chip(some_board: Board, tmp_path: Path) -> FlashChip:
    """A chip that runs 1.2.0."""
    return make_chip(some_board, tmp_path / "chip.bin", make_application(some_board, "1.2.0"))


@pytest.fixture
def make_sender(mosquitto: Mosquitto) -> Iterator[Callable[[bytes], Sender]]:
    senders: list[Sender] = []

    def make(image: bytes) -> Sender:
        senders.append(Sender(mosquitto, image))
        return senders[-1]

    yield make
    for sender in senders:
        sender.close()


@pytest.fixture
def start(
    boot: Callable[..., SimulatedBoard], mosquitto: Mosquitto, chip: FlashChip
) -> Callable[..., SimulatedBoard]:
    """Boot the board of `chip`, which knows the tests' key; `changes` are of its configuration."""

    def start_board(files: dict[str, str] = {}, **changes: Any) -> SimulatedBoard:
        config = settings(mosquitto)
        config["topics"]["update"] = "t"
        config["update"] = {"key": "/update.pub", "trial": 60}
        for section, values in changes.items():
            config[section] |= values
        key = vectors.public_pem(vectors.make_key(2048)).decode()
        return boot(config=config, files={"update.pub": key} | files, flash_chip=chip.path)

    return start_board
