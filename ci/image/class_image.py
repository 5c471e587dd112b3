"""Make a class's private image: a factory image whose config.json is filled in, and its key there.

    python -m ci.image.class_image mpython --config class.json [--file mpython-v0.2.0-factory.bin]

Flashing it and setting it up are one step, for thirty boards. It holds the class's passwords, so it
is named -PRIVATE, stands in no checksums, and no release takes it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ci.board.configure import checked, files_for, read_configuration
from ci.boards import ROOT, Board, load_board
from ci.build.version import current_version
from ci.image.filesystem import make_filesystem, read_files
from ci.image.flash_image import read_flash_image
from ci.image.images import DIST, PRIVATE
from ci.problem import Problem, run

_FACTORY = "-factory.bin"


def make_class_image(board: Board, factory: Path, config: Path, folder: Path) -> Path:
    """Write the class's image to `folder` and return its path.

    `factory` is the board's factory image, built here or downloaded. Raises Problem if it is
    another kind of image, or if the board would not take the configuration.
    """
    values = checked(read_configuration(str(config)), str(config))
    image = read_flash_image(factory, board.chip)
    if not image.whole:
        raise Problem(f"{factory.name} has no place for files: give the -factory.bin of a release")
    files = read_files(image.filesystem())
    files |= {path.removeprefix("/"): data for path, data in files_for(values).items()}
    region = image.layout.filesystem
    start = image.data[: region.offset - image.offset]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{factory.name.removesuffix(_FACTORY)}-class{PRIVATE}.bin"
    path.touch(0o600)  # before there is anything in it: others on this computer may not read it
    path.chmod(0o600)
    path.write_bytes(start + make_filesystem(region.size, files))
    read_flash_image(path, board.chip)
    return path


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="class_image", description="Make a class's image.")
    parser.add_argument("board")
    parser.add_argument("--config", required=True)
    parser.add_argument("--file", default="")
    options = parser.parse_args(arguments)
    board = load_board(options.board)
    factory = DIST / f"{board.name}-v{current_version()}{_FACTORY}"
    if options.file:
        factory = Path(options.file)
    elif not factory.is_file():
        raise Problem(
            f"dist/ has no {factory.name}: add FILE=, the path of a -factory.bin that you have "
            f"downloaded, or run `make build BOARD={board.name}` first"
        )
    path = make_class_image(board, factory, Path(options.config), DIST)
    shown = path.relative_to(ROOT)
    print(f"{shown} holds your passwords: give it to nobody. Erase each board and flash it with")
    print(f"  make flash BOARD={board.name} FACTORY=1 FILE={shown}")


if __name__ == "__main__":
    run(main)
