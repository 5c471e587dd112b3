"""A board's sizes, saved by its build and compared with another build's.

python -m ci.image.sizes mpython                          writes build/mpython/sizes.json
python -m ci.image.sizes mpython --compare other.json     prints a Markdown table of the difference
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ci.boards import load_board
from ci.image.built import Build, build_folder, read_build
from ci.problem import Problem, run

FILE = "sizes.json"


def sizes(build: Build) -> dict[str, int]:
    """Return the bytes of each part, and what is free in the application's slot."""
    found = {part.name: part.size for part in build.parts}
    found["free for the application"] = build.application.room - build.application.size
    return found


def comparison(board: str, before: dict[str, int], after: dict[str, int]) -> str:
    """Return a Markdown table of what has changed."""
    lines = [f"| {board} | before | after | change |", "|---|---:|---:|---:|"]
    for name, size in after.items():
        if name in before:
            lines.append(f"| {name} | {before[name]} | {size} | {size - before[name]:+} |")
        else:
            lines.append(f"| {name} | | {size} | |")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="sizes", description="Save or compare a board's sizes.")
    parser.add_argument("board")
    parser.add_argument("--compare", type=Path)
    options = parser.parse_args(arguments)
    board = load_board(options.board)
    folder = build_folder(board.name)
    after = sizes(read_build(board, folder))
    if options.compare is None:
        (folder / FILE).write_text(json.dumps(after) + "\n", encoding="utf-8")
        return
    try:
        before = json.loads(options.compare.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Problem(f"{options.compare} holds no sizes: {error}") from error
    print(comparison(board.name, before, after))


if __name__ == "__main__":
    run(main)
