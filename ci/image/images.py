"""Make a board's images in dist/ from what its build left behind.

    python -m ci.image.images mpython

-update.bin   bootloader, table, application: written over an older version, it keeps the files
-factory.bin  the whole flash from 0x0, with a filesystem that holds a config.json to fill in
-app.bin      the application alone, for updates over the air
-app.json     its manifest, signed (ci/image/signing.py)
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ci.boards import ROOT, Board, load_board
from ci.image.built import Build, build_folder, read_build, size_table
from ci.board.device_config import config_module, to_bytes
from ci.image.esp_image import chip_title
from ci.image.filesystem import folder_files, make_filesystem
from ci.image.flash_image import read_flash_image
from ci.image.signing import PrivateKey, fingerprint, image_name, load_key, signed_manifest
from ci.problem import Problem, run
from ci.build.version import current_version

DIST = ROOT / "dist"
FILES = ROOT / "firmware" / "filesystem"  # what a factory image brings besides config.json
CHECKSUMS = "SHA256SUMS"
PRIVATE = "-PRIVATE"  # in the name of an image that holds somebody's passwords
BAUD = 460800
# Seconds until a board that has just been flashed answers: its filesystem is made, the buttons are
# looked at, networks searched for.
_START_TIME = 20


def join(parts: list[tuple[int, bytes]], start: int) -> bytes:
    """Return one file for flash address `start`, the gaps between the parts filled as if erased."""
    joined = bytearray()
    for offset, content in parts:
        joined += b"\xff" * (offset - start - len(joined)) + content
    return bytes(joined)


def web_manifest(board: Board, version: str, path: str, offset: int) -> str:
    """Return the manifest that ESP Web Tools installs a file by.

    It asks before it erases: without that key the installer wipes a flash whose firmware it does not
    know. Its name is what a board says of itself (modules/device/setup/improv.py): a board with
    the same is updated and keeps its files. Offsets are decimal numbers there.
    """
    build = {"chipFamily": chip_title(board.chip), "parts": [{"path": path, "offset": offset}]}
    manifest = {
        "name": f"MQTT firmware for {board.product}",
        "version": version,
        "new_install_prompt_erase": True,
        "new_install_improv_wait_time": _START_TIME,
        "builds": [build],
    }
    return json.dumps(manifest, indent=2) + "\n"


def flash_text(board: Board, build: Build, stem: str) -> str:
    """Return the text that tells which file is for whom, with the exact commands."""
    esptool = f"esptool --chip {board.chip} --port PORT"
    write = f"{esptool} --baud {BAUD} write-flash"
    megabytes = build.layout.flash_size // (1024 * 1024)
    update_offset = build.parts[0].offset
    return f"""\
{stem}: {board.product}, {chip_title(board.chip)}, {megabytes} MB of flash

{stem}-update.bin, over an older version. Your files and config.json stay.

    {write} {update_offset:#x} {stem}-update.bin

{stem}-factory.bin, on a board that ran something else, or to start afresh.
EVERYTHING on the board is erased, programs and settings too.

    {esptool} erase-flash
    {write} 0x0 {stem}-factory.bin

{stem}-app.bin is for updates over the air only; do not write it with esptool.

PORT is COM3 or similar on Windows, /dev/ttyUSB0 or /dev/ttyACM0 on Linux,
/dev/cu.usbserial-... or /dev/cu.wchusbserial... on a Mac. If writing stops
half-way, leave out --baud {BAUD}. `pip install esptool` installs esptool 5.
"""


def board_files(files: Path) -> dict[str, bytes]:
    """Return the files on a board fresh from the factory image.

    Its config.json is the template that the firmware itself writes where there is none: never one
    that lies among the files, with its builder's passwords.
    """
    return {**folder_files(files), "config.json": to_bytes(config_module().TEMPLATE)}


def write_checksums(folder: Path) -> None:
    """Write SHA256SUMS over what `folder` has to give away; `sha256sum -c` reads it."""
    lines = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != CHECKSUMS and PRIVATE not in path.name:
            lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def make_images(
    board: Board,
    build: Build,
    version: str,
    files: Path,
    dist: Path,
    key: PrivateKey | None = None,
) -> list[Path]:
    """Write all files of one board to `dist` and return their paths; `key` signs the manifest.

    Raises Problem, before anything is written, if the build carries another version.
    """
    source = build.application.path
    application = source.read_bytes()
    # What it tells people, and what it says of itself to boards and boot loaders.
    told = version.encode() in application
    if not told or image_name(application, str(source)) != (board.name, version):
        raise Problem(
            f"{source} was not built from version {version}: "
            f"run `make build BOARD={board.name}` again"
        )
    stem = f"{board.name}-v{version}"
    region = build.layout.filesystem
    parts = [(part.offset, part.path.read_bytes()) for part in build.parts]
    start = build.parts[0].offset
    filesystem = make_filesystem(region.size, board_files(files))
    contents = {
        f"{stem}-update.bin": join(parts, start),
        f"{stem}-factory.bin": join([*parts, (region.offset, filesystem)], 0),
        f"{stem}-app.bin": application,
        f"{stem}-app.json": (
            json.dumps(signed_manifest(application, key, str(source)), indent=2) + "\n"
        ).encode(),
        f"{stem}-update.json": web_manifest(board, version, f"{stem}-update.bin", start).encode(),
        f"{stem}-factory.json": web_manifest(board, version, f"{stem}-factory.bin", 0).encode(),
        f"{stem}-flash.txt": flash_text(board, build, stem).encode(),
    }
    dist.mkdir(parents=True, exist_ok=True)
    for old in dist.glob(f"{board.name}-v*"):
        old.unlink()  # a release must not pick up another version's files
    for name, content in contents.items():
        (dist / name).write_bytes(content)
    for name in (f"{stem}-update.bin", f"{stem}-factory.bin"):
        read_flash_image(dist / name, board.chip)
    write_checksums(dist)
    return [dist / name for name in contents]


def main(arguments: list[str]) -> None:
    board = load_board(arguments[0] if arguments else "")
    build = read_build(board, build_folder(board.name))
    key = load_key()
    paths = make_images(board, build, current_version(), FILES, DIST, key)
    print(size_table(build))
    for path in paths:
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size} bytes")
    if key is None:
        print(
            'not signed: over the air, boards take it only if their update.allow is "any"; '
            "`make ota-key` makes a key, then type `make image` again"
        )
    else:
        print(f"signed for updates over the air with the key {fingerprint(key)}")


if __name__ == "__main__":
    run(main)
