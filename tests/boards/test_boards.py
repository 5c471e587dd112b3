"""Board folders: complete, and in agreement with each other and with MicroPython's rules."""

import csv
import json
import re

import pytest

from ci.boards import ROOT, board_names, load_board
from ci.image.built import read_sdkconfig
from ci.image.partitions import parse_size, read_csv
from ci.problem import Problem

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
EDGE_PINS = {f"P{number}" for number in [*range(12), 13, 14, 15, 16, 19, 20]}
# tools/autobuild/build-downloads.py of MicroPython v1.28.0 knows these, among others.
FEATURES = {"BLE", "Display", "External Flash", "IMU", "Microphone", "RGB LED", "WiFi"}


def defines(board):
    text = (board.folder / "mpconfigboard.h").read_text(encoding="utf-8")
    return dict(re.findall(r"^#define (\w+) +(.+)$", text, re.MULTILINE))


def pins(board):
    with open(board.folder / "pins.csv", newline="") as file:
        return [row for row in csv.reader(file) if row and not row[0].startswith("#")]


def data_lines(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith(("#", "//"))]


def test_there_are_two_boards():
    assert board_names() == ["bpi-bit", "mpython"]


def test_a_board_is_its_files(board):
    assert FILES <= {path.name for path in board.folder.iterdir()}
    assert sum(len(data_lines(board.folder / name)) for name in FILES) <= 90


def test_board_json(board):
    facts = json.loads((board.folder / "board.json").read_text(encoding="utf-8"))
    for key in ("deploy", "deploy_options", "docs", "features", "mcu", "product", "url", "vendor"):
        assert key in facts
    assert set(facts["features"]) <= FEATURES
    for path in facts["deploy"]:
        text = (board.folder / path).read_text(encoding="utf-8")
        text.format(**facts, id=board.name)  # as MicroPython's download page fills it in
    assert (ROOT / facts["docs"]).is_file()


def test_names_agree(board):
    header = defines(board)
    settings = read_sdkconfig(board.folder / "sdkconfig.board")
    assert header["MICROPY_HW_BOARD_NAME"] == f'"{board.product}"'
    assert header["MICROPY_PY_NETWORK_HOSTNAME_DEFAULT"] == f'"{board.name}"'
    assert settings["LWIP_LOCAL_HOSTNAME"] == board.name


def test_every_edge_pin_has_its_name(board):
    names = [name for name, _ in pins(board)]
    assert EDGE_PINS <= set(names) | ({"P12"} if board.name == "mpython" else set())
    assert len(names) == len(set(names))
    for name, gpio in pins(board):
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*", name)
        assert re.fullmatch(r"GPIO([0-9]|1[0-9]|2[0-35-7]|3[2-9])", gpio)  # the ESP32's own


def test_pins_and_header_agree(board):
    gpio = {name: int(pin.removeprefix("GPIO")) for name, pin in pins(board)}
    header = defines(board)
    assert header["MICROPY_HW_I2C0_SCL"] == f"({gpio['P19']})" == f"({gpio['I2C_SCL']})"
    assert header["MICROPY_HW_I2C0_SDA"] == f"({gpio['P20']})" == f"({gpio['I2C_SDA']})"


def test_table(board):
    settings = read_sdkconfig(board.folder / "sdkconfig.board")
    (size,) = [name for name in settings if name.startswith("ESPTOOLPY_FLASHSIZE_")]
    flash_size = parse_size(size.removeprefix("ESPTOOLPY_FLASHSIZE_"))
    layout = read_csv(board.folder / "partitions.csv", 0x8000, flash_size)
    names = [partition.name for partition in layout.partitions]
    assert names == ["nvs", "otadata", "phy_init", "ota_0", "ota_1"]
    first, second = layout.applications
    assert first.size == second.size
    assert layout.filesystem.name == "vfs" and layout.filesystem.size >= 900_000


def test_manifest_gives_no_module_twice(board):
    """umqtt is our own; freezing micropython-lib's as well stops the build."""
    for path in (board.folder / "manifest.py", ROOT / "boards" / "manifest.py"):
        assert "umqtt." not in path.read_text(encoding="utf-8")


def test_an_unknown_board_names_the_others():
    with pytest.raises(Problem, match="there is no board 'handpy': .* bpi-bit, mpython"):
        load_board("handpy")
    with pytest.raises(Problem, match="no board given: .* bpi-bit, mpython"):
        load_board("")


def test_a_broken_board_json_is_named(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "board.json").write_text("{")
    with pytest.raises(Problem, match="board.json is not a board description"):
        load_board("b", tmp_path)
