"""Board folders: complete, and in agreement with each other and with MicroPython's rules."""

import json

import pytest

from ci.boards import ROOT, board_names, load_board
from ci.image.built import read_sdkconfig
from ci.image.partitions import parse_size, read_csv
from ci.problem import Problem
from simulated_board import DEFAULT_BOARD

FILES = {
    "board.json",
    "board.md",
    "manifest.py",
    "mpconfigboard.cmake",
    "mpconfigboard.h",
    "partitions.csv",
    "pins.csv",
    "sdkconfig.board",
}
# tools/autobuild/build-downloads.py of MicroPython v1.28.0 knows these, among others.
FEATURES = {"BLE", "Display", "External Flash", "IMU", "Microphone", "RGB LED", "WiFi"}


def data_lines(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith(("#", "//"))]


def test_make_and_simulator_have_same_default() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"\nBOARD ?= {DEFAULT_BOARD}\n" in makefile


def test_board_has_its_files(board):
    assert FILES <= {path.name for path in board.folder.iterdir()}
    assert sum(len(data_lines(board.folder / name)) for name in FILES) <= 90


def test_board_json_is_complete(board):
    facts = json.loads((board.folder / "board.json").read_text(encoding="utf-8"))
    for key in ("deploy", "deploy_options", "docs", "features", "mcu", "product", "url", "vendor"):
        assert key in facts
    assert set(facts["features"]) <= FEATURES
    for path in facts["deploy"]:
        text = (board.folder / path).read_text(encoding="utf-8")
        text.format(**facts, id=board.name)  # as MicroPython's download page fills it in
    assert (ROOT / facts["docs"]).is_file()


def test_partition_table_has_two_equal_slots(board):
    settings = read_sdkconfig(board.folder / "sdkconfig.board")
    (size,) = [name for name in settings if name.startswith("ESPTOOLPY_FLASHSIZE_")]
    flash_size = parse_size(size.removeprefix("ESPTOOLPY_FLASHSIZE_"))
    layout = read_csv(board.folder / "partitions.csv", 0x8000, flash_size)
    names = [partition.name for partition in layout.partitions]
    own = [path.stem for path in board.folder.glob("*.bin")]
    assert names == ["nvs", "otadata", "phy_init", *own, "ota_0", "ota_1"]
    first, second = layout.applications
    assert first.size == second.size
    assert layout.filesystem.name == "vfs" and layout.filesystem.size >= 900_000


def test_manifest_leaves_umqtt_out(board):
    """umqtt is our own; freezing micropython-lib's as well stops the build."""
    for path in (board.folder / "manifest.py", ROOT / "boards" / "manifest.py"):
        assert "umqtt." not in path.read_text(encoding="utf-8")


def test_unknown_board_names_others():
    with pytest.raises(
        Problem, match="there is no board 'handpy': .*, one of " + ", ".join(board_names())
    ):
        load_board("handpy")
    with pytest.raises(Problem, match="no board given: .*, one of " + ", ".join(board_names())):
        load_board("")


def test_broken_board_json_is_named(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "board.json").write_text("{")
    with pytest.raises(Problem, match="board.json is not a board description"):
        load_board("b", tmp_path)
