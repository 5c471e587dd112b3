"""A school's own key, from `make ota-key` to a class that takes its images, and no others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ci.boards import ROOT, Board
from ci.image import signing
from ci.image.built import read_build
from ci.image.class_image import make_class_image
from ci.image.filesystem import read_files
from ci.image.flash_image import read_flash_image
from ci.image.images import FILES, make_images
from flash_chip import make_chip
from simulated_board import SimulatedBoard
from tests.classroom import ACCESS_POINT
from tests.images.fake_build import VERSION, make_application, make_build
from tests.mosquitto import Mosquitto

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

REFUSED = "this image is not signed by a key that the board knows; see update.key"


def call(home: Path, module: str, *arguments: str) -> tuple[int, str]:
    """Call what a make target calls, as somebody with this home; return status and output."""
    environment = {key: value for key, value in os.environ.items() if key != "OTA_KEY"}
    result = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**environment, "XDG_CONFIG_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    return result.returncode, result.stdout


def test_boards_take_images_of_their_school_alone(
    some_board: Board, mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    school, stranger, nobody = (tmp_path / name for name in ("school", "stranger", "nobody"))
    for home in (school, stranger):
        status, said = call(home, "ci.image.signing")
        assert status == 0, said
    monkeypatch.setenv("XDG_CONFIG_HOME", str(school))
    monkeypatch.delenv("OTA_KEY", raising=False)

    # make image, and make image CONFIG=class.json: what lies on each board then.
    build = read_build(some_board, make_build(some_board, tmp_path, application_size=60_000))
    dist = tmp_path / "dist"
    make_images(some_board, build, VERSION, FILES, dist, signing.load_key())
    config = tmp_path / "class.json"
    values = {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": {"server": mosquitto.host, "port": mosquitto.port},
        "update": {"key": "/update.pub"},
    }
    config.write_text(json.dumps(values))
    factory = dist / f"{some_board.name}-v{VERSION}-factory.bin"
    image = make_class_image(some_board, factory, config, tmp_path)
    flash = tmp_path / "flash"
    flash.mkdir()
    for name, content in read_files(read_flash_image(image, some_board.chip).filesystem()).items():
        (flash / name).write_bytes(content)
    assert (flash / "update.pub").read_bytes() == signing.public_pem(signing.load_key())

    chip = make_chip(some_board, tmp_path / "chip.bin", make_application(some_board, "1.2.0"))
    blank = chip.slot(1)
    ota = [some_board.name, "--broker", f"{mosquitto.host}:{mosquitto.port}", "--all"]
    app = dist / f"{some_board.name}-v{VERSION}-app.bin"
    with SimulatedBoard(
        some_board.name, flash=flash, flash_chip=chip.path, access_points=(ACCESS_POINT,)
    ) as board:
        board.wait_line("mqtt: subscribed", timeout=300)
        foreign = tmp_path / "foreign-app.bin"
        foreign.write_bytes(make_application(some_board, "1.3.0"))
        for home in (stranger, nobody):
            status, said = call(home, "ci.board.ota", *ota, "--file", str(foreign))
            assert status == 1 and f"refused: {REFUSED}" in said, said
        assert "is not signed" in said  # nobody has no key to sign with
        assert chip.slot(1) == blank
        status, said = call(school, "ci.board.ota", *ota, "--file", str(app))
        assert status == 0 and said.splitlines()[-1] == "1 kept", said
        board.wait_line(f"update: {VERSION} is kept")
