"""The smoke run, against a stand-in for the emulator that boots the simulated board."""

import os
import sys
from pathlib import Path

import pytest

from ci import smoke
from ci.image.built import read_build
from ci.image.filesystem import read_files
from ci.image.flash_image import read_flash_image
from ci.image.images import FILES, make_images
from ci.problem import Problem
from tests.images.fake_build import VERSION, make_build

pytestmark = pytest.mark.serial


@pytest.fixture
def qemu(micropython, some_board, monkeypatch, tmp_path):
    """A program that takes the emulator's arguments."""
    monkeypatch.setenv("FAKE_QEMU_BOARD", str(micropython))
    monkeypatch.setenv("FAKE_QEMU_PRODUCT", some_board.product)
    monkeypatch.setenv("FAKE_QEMU_WIFI", "Open Wifi")
    path = tmp_path / "qemu-system-xtensa"
    path.write_text(
        f'#!/bin/sh\nexec {sys.executable} {Path(__file__).parent}/fake_qemu.py "$@"\n'
    )
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def some_update(some_board, tmp_path):
    build = read_build(some_board, make_build(some_board, tmp_path / "build"))
    return make_images(some_board, build, VERSION, FILES, tmp_path / "dist")[0]


def test_whole_job(qemu, some_board, some_update, capsys):
    smoke.main([some_board.name, "--qemu", qemu, "--file", str(some_update)])
    said = capsys.readouterr().out
    assert "FAILED" not in said
    for line in (
        "ok           boots",
        "ok           says that config.json is missing",
        "ok           banner names the board",
        "ok           import umqtt.robust",
        "ok           topicmatch.NATIVE",
        "ok           lights follow 'on'",
        "ok           lights follow 'off'",
        "not checked  buttons, LEDs, Bluetooth",
    ):
        assert line in said


def test_without_wifi_it_says_what_is_left(qemu, some_board, some_update, capsys, monkeypatch):
    monkeypatch.setenv("FAKE_QEMU_WIFI", "")
    smoke.main([some_board.name, "--qemu", qemu, "--file", str(some_update)])
    said = capsys.readouterr().out
    assert "not checked  the way to the broker: this emulator has no Wi-Fi" in said
    assert "ok           boots" in said


def test_board_that_says_another_name_fails(qemu, some_board, some_update, capsys, monkeypatch):
    monkeypatch.setenv("FAKE_QEMU_WIFI", "")
    monkeypatch.setenv("FAKE_QEMU_PRODUCT", "Generic ESP32 module")
    with pytest.raises(Problem, match="1 checks of .* failed"):
        smoke.main([some_board.name, "--qemu", qemu, "--file", str(some_update)])
    assert "FAILED       banner names the board" in capsys.readouterr().out


def test_missing_emulator(some_board, some_update):
    with pytest.raises(Problem, match="cannot be run .* give QEMU="):
        smoke.main([some_board.name, "--qemu", "/nowhere/qemu", "--file", str(some_update)])


def test_emulator_that_does_not_start(some_board, some_update, tmp_path):
    broken = tmp_path / "qemu"
    broken.write_text("#!/bin/sh\necho no such machine >&2\nexit 1\n")
    os.chmod(broken, 0o755)
    with pytest.raises(Problem, match="did not start; it said: no such machine"):
        smoke.main([some_board.name, "--qemu", str(broken), "--file", str(some_update)])


def test_flash_has_no_config(board, update, tmp_path):
    """What is booted is an erased board that got the image, with only what the emulator needs."""
    image = read_flash_image(update, board.chip)
    path = tmp_path / "flash.bin"
    path.write_bytes(smoke.flash_for(image))
    flash = read_flash_image(path, board.chip)
    assert len(flash.data) == flash.layout.flash_size
    assert list(read_files(flash.filesystem())) == ["boot.py"]
