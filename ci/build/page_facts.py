"""Print what the page has to know of the project, as JSON: `python -m ci.build.page_facts`."""

from __future__ import annotations

import json
from typing import Any

from ci.board.device_config import device_module
from ci.boards import ROOT, board_names, load_board
from ci.build.board_facts import facts
from ci.build.version import project_version
from ci.problem import run


def page_facts() -> dict[str, Any]:
    """Return the version, what each board's folder says of it, the schema of config.json, and the
    Chinese of what boards say."""
    boards = {}
    for name in board_names():
        board = load_board(name)
        leds = facts(board)
        boards[name] = {
            "product": board.product,
            "driver": board.driver,
            "usb": [list(pair) for pair in sorted(board.usb_ids)],
            "leds": leds.LED_COUNT,
            "columns": leds.LED_COLUMNS,
        }
    schema = json.loads((ROOT / "docs" / "config.schema.json").read_text(encoding="utf-8"))
    words = device_module("setup.chinese")
    chinese = {
        "sentences": words.SENTENCES,
        "problems": words.PROBLEMS,
        "parts": words.PARTS,
    }
    return {
        "version": project_version(),
        "boards": boards,
        "config": schema,
        "chinese": chinese,
    }


def main(_: list[str]) -> None:
    print(json.dumps(page_facts(), ensure_ascii=False, indent=4))


if __name__ == "__main__":
    run(main)
