"""What is checked of a board where its chip's compiler is not at hand."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ci.boards import ROOT, board_names, load_board
from ci.build.check_board import check_pins, check_table, compile_frozen, merged_sdkconfig
from ci.problem import Problem
from tests.images.fake_build import make_build

# What the folder of a board must not get along without.
OWN_MODULES = {"main.py", "device/config.py", "board.py", "version.py", "umqtt/robust.py"}


@pytest.fixture(scope="session")
def source() -> Path:
    """MicroPython's source, the one that the simulator was built from."""
    command = [". ci/build/functions.sh; ci_find_micropython"]
    result = subprocess.run(
        ["bash", "-c", *command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return Path(result.stdout.strip())


@pytest.fixture
def copy(board, tmp_path):
    """A copy of the project's boards and frozen files, to damage; returns the copied board."""
    for name in ("boards", "modules", "firmware", "ci"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("host"))
    for name in ("manifest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return load_board(board.name, tmp_path / "boards")


def test_every_module_compiles_for_the_chip(board, source):
    frozen = compile_frozen(board, source)
    assert OWN_MODULES <= set(frozen.sizes)
    assert "_boot.py" in frozen.sizes and "asyncio/core.py" in frozen.sizes
    assert all(size > 0 for size in frozen.sizes.values())
    # Debian's source has no micropython-lib: then it is said what was not looked at.
    library = (source / "lib" / "micropython-lib" / "micropython").is_dir()
    assert ("neopixel" in frozen.missing) is not library
    assert ("neopixel.py" in frozen.sizes) is library


def test_pins_table_and_settings(board, source):
    check_pins(board, source)
    settings = merged_sdkconfig(board, source)
    assert settings["ESPTOOLPY_FLASHMODE_DIO"] == settings["ESPTOOLPY_FLASHFREQ_40M"] == "y"
    assert settings["PARTITION_TABLE_CUSTOM_FILENAME"] == "${MICROPY_BOARD_DIR}/partitions.csv"
    assert settings["BOOTLOADER_APP_ROLLBACK_ENABLE"] == "y"
    features = json.loads((board.folder / "board.json").read_text())["features"]
    assert ("BT_ENABLED" in settings) is ("BLE" in features)
    layout = check_table(board, settings)
    page = (ROOT / "docs" / "boards" / f"{board.name}.md").read_text(encoding="utf-8")
    assert f"{layout.flash_size >> 20} MB of flash" in page


def test_a_syntax_error_is_named(copy, source):
    (copy.folder / "modules" / "board.py").write_text("def\n")
    with pytest.raises(Problem, match="board.py cannot be frozen: .*SyntaxError"):
        compile_frozen(copy, source)


def test_a_module_frozen_twice_is_named(copy, source):
    (copy.folder / "modules" / "wifi.py").write_text("")
    with pytest.raises(Problem, match="wifi.py is frozen twice"):
        compile_frozen(copy, source)


def test_a_wrong_manifest_is_named(copy, source):
    (copy.folder / "manifest.py").write_text('freeze("nowhere")\n')
    with pytest.raises(Problem, match="the manifest of .* is wrong"):
        compile_frozen(copy, source)


def test_a_wrong_pin_is_named(copy, source):
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
def test_a_wrong_table_is_named(copy, source, row, words):
    with open(copy.folder / "partitions.csv", "a") as file:
        file.write(row + "\n")
    with pytest.raises(Problem, match=words):
        check_table(copy, merged_sdkconfig(copy, source))


def test_a_fragment_that_is_not_there(copy, source):
    cmake = copy.folder / "mpconfigboard.cmake"
    cmake.write_text(cmake.read_text().replace("sdkconfig.240mhz", "sdkconfig.300mhz"))
    with pytest.raises(Problem, match="names boards/sdkconfig.300mhz, which is not there"):
        merged_sdkconfig(copy, source)


def build(board, **environment):
    """Run ci/build/build.sh where neither Docker nor ESP-IDF is; return its status and output."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("IDF_PATH", "DOCKER")
    }
    result = subprocess.run(
        [ROOT / "ci" / "build" / "build.sh", board],
        env={**kept, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return result.returncode, result.stdout


def test_without_a_compiler_all_else_is_done(board):
    status, said = build(board.name)
    last = said.strip().splitlines()[-1]
    assert status == 1
    assert "modules frozen for ESP32" in said
    assert "DOCKER=1" in last and "ESP-IDF v5.5.1" in last
    assert last.startswith("error: ")


def test_an_unknown_board_is_named():
    status, said = build("handpy")
    assert status == 1
    assert "there is no board 'handpy'" in said and all(name in said for name in board_names())


@pytest.mark.parametrize("version, works", [("5.2", False), ("6.0", False), ("5.3", True)])
def test_only_an_esp_idf_that_fits_is_used(some_board, tmp_path, version, works):
    (tmp_path / "tools" / "cmake").mkdir(parents=True)
    major, minor = version.split(".")
    (tmp_path / "tools" / "cmake" / "version.cmake").write_text(
        f"set(IDF_VERSION_MAJOR {major})\nset(IDF_VERSION_MINOR {minor})\n"
    )
    status, said = build(some_board.name, IDF_PATH=str(tmp_path))
    assert status == 1
    wrong = f"ESP-IDF v{version} does not build MicroPython"
    assert (wrong in said) is not works
    if works:
        assert "'idf.py' is missing" in said


def test_a_path_without_esp_idf(some_board, tmp_path):
    status, said = build(some_board.name, IDF_PATH=str(tmp_path))
    assert status == 1
    assert "holds no ESP-IDF" in said


@pytest.fixture
def pinned_source(source, tmp_path):
    """MicroPython's source made to look like the pinned release, with the libraries it needs."""
    tree = tmp_path / "micropython"
    for folder in (tree, tree / "py", tree / "lib"):
        folder.mkdir()
        for path in (source / folder.relative_to(tree)).iterdir():
            if path.name not in ("py", "lib", "mpconfig.h", "berkeley-db-1.xx", "micropython-lib"):
                (folder / path.name).symlink_to(path)
    (tree / "py" / "mpconfig.h").write_text(
        "#define MICROPY_VERSION_MAJOR 1\n#define MICROPY_VERSION_MINOR 28\n"
        "#define MICROPY_VERSION_MICRO 0\n"
    )
    for library in ("berkeley-db-1.xx", "micropython-lib"):
        (tree / "lib" / library).mkdir()
        (tree / "lib" / library / "LICENSE").write_text("")
    return tree


def test_docker_builds_in_the_pinned_container(copy, pinned_source, tmp_path):
    """The container is given the three commands; what it leaves is checked and shown."""
    outputs = make_build(copy, tmp_path / "outputs")
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/call\ncp -r {outputs} {tmp_path}/build/{copy.name}\n'
    )
    docker.chmod(0o755)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "venv").symlink_to(ROOT / "build" / "venv")
    result = subprocess.run(
        [tmp_path / "ci" / "build" / "build.sh", copy.name],
        env={
            **os.environ,
            "PATH": f"{docker.parent}:{os.environ['PATH']}",
            "DOCKER": "1",
            "MICROPYTHON_DIR": str(pinned_source),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    call = (tmp_path / "call").read_text()
    assert "espressif/idf:v5.5.1 bash -c" in call
    assert f"BOARD_DIR='{copy.folder}' BUILD='{tmp_path}/build/{copy.name}'" in call
    assert (
        call.index("/mpy-cross'") < call.index("MICROPY_MPYCROSS=") < call.index("/ports/esp32'")
    )
    assert "application        0x10000" in result.stdout
    assert (
        "machine_timer.c" in result.stdout
    )  # looked at, and its fault told (ci/build/mend_timer.py)
    assert (tmp_path / "build" / copy.name / "sizes.json").is_file()


def test_images_are_not_built_from_another_micropython(some_board, pinned_source, tmp_path):
    header = pinned_source / "py" / "mpconfig.h"
    header.write_text(header.read_text().replace("MINOR 28", "MINOR 27"))
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 99\n")
    docker.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    status, said = build(
        some_board.name, DOCKER="1", PATH=path, MICROPYTHON_DIR=str(pinned_source)
    )
    assert status == 1
    assert "is MicroPython v1.27.0; images are built from v1.28.0" in said
