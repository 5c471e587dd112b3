"""What the pages tell people to type: make targets and their variables are there, JSON is JSON.

What the commands do is tried by `make test-targets`, the programs by tests/device/test_programs_page.py.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "ci" / "hello.txt", *(ROOT / "docs").rglob("*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
# Some are read by the scripts that the Makefile calls.
OF_SCRIPTS = {"MICROPYTHON_DIR", "DOCKER", "FULL"}
VARIABLES = set(re.findall(r"\$\((?:if )?\$?\(?([A-Z_]+)", MAKEFILE)) | OF_SCRIPTS
VARIABLES |= set(re.findall(r"\b([A-Z_]+)=", MAKEFILE))

COMMAND = re.compile(r"(?:^|`|^ +)make ([a-z-]+)((?: [A-Z_]+=[^\s`]*)*)", re.MULTILINE)
JSON = re.compile(r"^ *```json\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_of_page_are_in_makefile(page: Path) -> None:
    for target, arguments in COMMAND.findall(page.read_text()):
        assert target in TARGETS, f"make {target}"
        for variable in re.findall(r"([A-Z_]+)=", arguments):
            assert variable in VARIABLES, f"make {target}{arguments}"


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_json_of_page_is_json(page: Path) -> None:
    """A block is one value, one in each line, or sections of config.json."""
    for block in JSON.findall(page.read_text()):
        lines = [line for line in block.splitlines() if line]
        assert is_json(block) or is_json(f"{{{block}}}") or all(map(is_json, lines)), block


def test_commands_are_found() -> None:
    found = [target for page in PAGES for target, _ in COMMAND.findall(page.read_text())]
    assert len(set(found)) > 20
