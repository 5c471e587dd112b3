"""`make image CONFIG=class.json`: a factory image with a class's configuration in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ci.boards import Board, board_names, load_board
from ci.image.built import read_build
from ci.image.class_image import main, make_class_image
from ci.image.filesystem import read_files
from ci.image.flash_image import read_flash_image
from ci.image.images import FILES, make_images, write_checksums
from ci.problem import Problem
from ci.release.checks import check_complete, page_name
from tests.images.fake_build import VERSION, make_build

CONFIG = {"wifi": {"ssid": "class", "password": "canary-4711"}, "mqtt": {"server": "192.0.2.1"}}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "class.json"
    path.write_text(json.dumps(CONFIG))
    return path


def test_class_image_differs_in_configuration_only(
    board: Board, factory: Path, config: Path, tmp_path: Path
) -> None:
    path = make_class_image(board, factory, config, tmp_path / "dist")
    assert path.name == f"{board.name}-v{VERSION}-class-PRIVATE.bin"
    assert path.stat().st_mode & 0o077 == 0  # nobody else's to read
    made, original = read_flash_image(path, board.chip), read_flash_image(factory, board.chip)
    assert made.whole and len(made.data) == len(original.data)
    start = original.layout.filesystem.offset
    assert made.data[:start] == original.data[:start]
    files = read_files(original.filesystem())
    changed = read_files(made.filesystem())
    assert json.loads(changed.pop("config.json")) == CONFIG
    del files["config.json"]
    assert changed == files


def test_update_image_has_no_place_for_configuration(
    board: Board, update: Path, config: Path, tmp_path: Path
) -> None:
    with pytest.raises(Problem, match="give the -factory.bin"):
        make_class_image(board, update, config, tmp_path)


def test_wrong_configuration_makes_no_image(
    board: Board, factory: Path, config: Path, tmp_path: Path
) -> None:
    config.write_text(json.dumps({**CONFIG, "mode": "disco"}))
    with pytest.raises(Problem, match="mode: "):
        make_class_image(board, factory, config, tmp_path / "dist2")
    assert not (tmp_path / "dist2").exists()


def test_release_refuses_class_image(
    board: Board, images: Path, factory: Path, config: Path, tmp_path: Path
) -> None:
    for name in set(board_names()) - {board.name}:
        other = load_board(name)
        build = read_build(other, make_build(other, tmp_path / name))
        make_images(other, build, VERSION, FILES, images)
    (images / page_name(VERSION)).write_text("<!doctype html>")
    check_complete(images, VERSION)
    path = make_class_image(board, factory, config, images)
    write_checksums(images)
    assert "PRIVATE" not in (images / "SHA256SUMS").read_text()
    with pytest.raises(Problem, match=f"not of this release: remove {path.name}"):
        check_complete(images, VERSION)


def test_missing_factory_image_says_where_to_get_one(board: Board, config: Path) -> None:
    with pytest.raises(Problem, match="add FILE=, the path of a -factory.bin"):
        main([board.name, "--config", str(config)])
