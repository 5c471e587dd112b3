"""A teacher's way with Home Assistant: the image lies there, is offered, and a click installs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ci.boards import ROOT, board_names, load_board
from ci.image import signing
from flash_chip import make_chip
from simulated_board import SimulatedBoard
from tests.home_assistant.server import HomeAssistant
from tests.home_assistant.test_home_assistant import attributes, board_id, find
from tests.images.fake_build import make_application
from tests.mosquitto import Mosquitto

pytestmark = [pytest.mark.home_assistant, pytest.mark.simulator, pytest.mark.mosquitto]

OLD, NEW = "1.2.0", "1.3.0"


def offer(broker: Mosquitto, board: str, *arguments: object) -> None:
    """Call `make offer`."""
    command = [sys.executable, "-m", "ci.board.ota", board, "--offer"]
    command += ["--broker", f"{broker.host}:{broker.port}", *map(str, arguments)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=300)


@pytest.mark.parametrize("number, name", list(enumerate(board_names(), 12)))
def test_install_runs_offered_version(
    home_assistant: HomeAssistant,
    broker: Mosquitto,
    switch_on: Callable[..., SimulatedBoard],
    knows_devices: bool,
    tmp_path: Path,
    number: int,
    name: str,
) -> None:
    kind = load_board(name)
    key = signing.make_key(tmp_path / "key.pem")
    image = home_assistant.public / f"{name}-v{NEW}-app.bin"
    image.write_bytes(make_application(kind, NEW))
    signed = signing.signed_manifest(image.read_bytes(), key, image.name)
    image.with_suffix(".json").write_text(json.dumps(signed))
    chip = make_chip(kind, tmp_path / "chip.bin", make_application(kind, OLD))
    board = switch_on(
        name,
        number,
        files={"update.pub": signing.public_pem(key).decode()},
        flash_chip=chip.path,
        update={"key": "/update.pub"},
    )
    entity = find(home_assistant, number)["update"]

    def wait(state: str, installed: str, latest: str) -> None:
        wanted = {"state": state, "installed_version": installed, "latest_version": latest}
        home_assistant.wait(
            f"{wanted} of {entity}",
            lambda: wanted.items() <= attributes(home_assistant, entity).items(),
        )

    wait("off", OLD, OLD)
    home_assistant.watch_trigger(
        {"platform": "state", "entity_id": entity, "attribute": "in_progress", "to": True}
    )
    offer(broker, name, "--file", image, "--url", f"{home_assistant.url}/local/{image.name}")
    try:
        wait("on", OLD, NEW)
        home_assistant.call("update.install", entity)
        wait("off", NEW, NEW)
        board.wait_line(f"update: {NEW} is kept")
    finally:
        offer(broker, name, "--none")
    if knows_devices:  # as do those that know how far an update is
        home_assistant.wait(
            "progress",
            lambda: [each for each in home_assistant.triggered if each.get("entity_id") == entity],
        )
    home_assistant.wait(
        "new version of the device",
        lambda: home_assistant.device(board_id(number))["sw_version"] == NEW,
    )
    # A state with a key that it does not know would be refused, with a warning.
    assert not home_assistant.complaints("homeassistant.components.mqtt.update")
