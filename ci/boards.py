"""The boards: exactly the folders under boards/ that hold a board.json.

python -m ci.boards                  one name a line
python -m ci.boards --matrix         boards=[...], a JSON list, for a CI matrix
python -m ci.boards --check NAME     nothing if there is such a board, else a sentence
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ci.problem import Problem, run

ROOT = Path(__file__).resolve().parents[1]
BOARDS = ROOT / "boards"


@dataclass(frozen=True)
class Board:
    """One board, as its board.json describes it."""

    name: str
    folder: Path
    product: str
    vendor: str
    chip: str
    flash_offset: int  # where an -update.bin is written; the build checks it against the chip's
    usb_ids: frozenset[tuple[int, int]]  # vendor and product of its USB-serial adapters
    driver: str  # of those adapters, for people
    other_chips: dict[str, str]  # chips of boards taken for this one, and what to tell then


def board_names(boards: Path = BOARDS) -> list[str]:
    """Return the names of all boards, sorted."""
    return sorted(path.parent.name for path in boards.glob("*/board.json"))


def load_board(name: str, boards: Path = BOARDS) -> Board:
    """Return the board called `name`. Raises Problem if there is none, or its file is wrong."""
    names = board_names(boards)
    if name not in names:
        asked = f"there is no board {name!r}" if name else "no board given"
        raise Problem(f"{asked}: add BOARD=<name>, one of {', '.join(names)}")
    path = boards / name / "board.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        ids = [facts_id.split(":") for facts_id in facts["usb_ids"]]
        return Board(
            name,
            path.parent,
            facts["product"],
            facts["vendor"],
            facts["mcu"],
            int(facts["deploy_options"]["flash_offset"], 0),
            frozenset((int(vendor, 16), int(product, 16)) for vendor, product in ids),
            facts["driver"],
            facts["other_chips"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Problem(f"{path} is not a board description: {error!r}") from error


def main(arguments: list[str]) -> None:
    match arguments:
        case []:
            print("\n".join(board_names()))
        case ["--matrix"]:
            print(f"boards={json.dumps(board_names())}")
        case ["--check", name]:
            load_board(name)
        case _:
            raise Problem(f"unknown arguments {arguments}: see the top of ci/boards.py")


if __name__ == "__main__":
    run(main)
