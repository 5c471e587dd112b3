"""docs/names.md tells the truth: what is `here` or `different` exists, the rest does not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from simulated_board import program

pytestmark = pytest.mark.simulator

ROW = re.compile(r"\| `(\S+)` \| (here|different|not offered) \|")

SECTIONS = {
    "## mPython: `from mpython import *`": ("mpython", "from mpython import *\n"),
    "`from microbit import *`:": ("bpi-bit", "from microbit import *\n"),
    "Modules:": ("bpi-bit", ""),
}

# Prints the names it is given that do not exist; with a dot in it, those of a module.
PROBE = """
import sys
for name in sys.argv[1:]:
    try:
        module, _, attribute = name.rpartition(".")
        if module:
            getattr(__import__(module), attribute)
        elif "*" in BEGIN:
            globals()[name]
        else:
            __import__(name)
    except (AttributeError, ImportError, KeyError):
        print(name)
"""


def rows(root: Path, section: str) -> dict[str, str]:
    text = (root / "docs" / "names.md").read_text(encoding="utf-8")
    table = text.split(section, 1)[1].split("| name |", 1)[1].split("\n\n", 1)[0]
    found = ROW.findall(table)
    assert len(found) == table.count("\n|") - 1, "a row that is not `name` | word | note"
    return dict(found)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_tables_are_true(root: Path, section: str, tmp_path: Path) -> None:
    board, begin = SECTIONS[section]
    names = rows(root, section)
    script = tmp_path / "probe.py"
    script.write_text(f"{begin}BEGIN = {begin!r}\n{PROBE}")
    result = subprocess.run(
        [str(program(board)), str(script), *names],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    missing = {name for name, word in names.items() if word == "not offered"}
    assert set(result.stdout.split()) == missing
    assert result.stderr == ""


@pytest.mark.parametrize("board, module", [("mpython", "mpython"), ("bpi-bit", "microbit")])
def test_the_import_says_nothing_and_takes_little_memory(board: str, module: str) -> None:
    measure = (
        "import gc, rgb; rgb.leds(); gc.collect(); before = gc.mem_free()\n"
        f"from {module} import *\n"
        "gc.collect(); print(before - gc.mem_free())"
    )
    result = subprocess.run(
        [str(program(board)), "-c", measure],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=20,
    )
    # Objects are twice as large as on the chip.
    assert int(result.stdout) < 2 * 7000
