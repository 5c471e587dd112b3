"""Put a release beside the page, whose tab "Install" writes it to boards: build/installer.

python -m ci.release.installer

What is there is served as it is: the page, dist/, ESP Web Tools, and firmware.json, which tells the
page what lies beside it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ci.boards import ROOT, Board, board_names, load_board
from ci.build.version import project_version
from ci.image.images import DIST
from ci.problem import Problem, run
from ci.release.checks import check_complete, page_name

SITE = ROOT / "build" / "installer"
ESP_WEB_TOOLS = ROOT / "build" / "web" / "node_modules" / "esp-web-tools" / "dist" / "web"


def firmware(boards: list[Board], version: str) -> dict[str, Any]:
    """Return what the page has to know of a release's files."""
    return {
        "version": version,
        "boards": [
            {
                "name": board.name,
                "product": board.product,
                "driver": board.driver,
                "stem": f"{board.name}-v{version}",
            }
            for board in boards
        ],
    }


def make_site(dist: Path, version: str, site: Path) -> None:
    """Fill `site` from a complete `dist`. Raises Problem if it is not complete."""
    check_complete(dist, version)
    if not ESP_WEB_TOOLS.exists():
        raise Problem(f"{ESP_WEB_TOOLS} is missing; run 'make page' first")
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(dist, site)
    shutil.copy(dist / page_name(version), site / "index.html")
    shutil.copytree(ESP_WEB_TOOLS, site / "esp-web-tools")
    boards = [load_board(name) for name in board_names()]
    text = json.dumps(firmware(boards, version), ensure_ascii=False, indent=2)
    (site / "firmware.json").write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> None:
    if arguments:
        raise Problem(f"unknown arguments: {arguments}")
    make_site(DIST, project_version(), SITE)
    print(f"{SITE.relative_to(ROOT)} is ready to be served")


if __name__ == "__main__":
    run(main)
