"""Whether docs/names.md tells the truth: what is `here` or `different` exists, the rest does not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from simulated_board import ROOT, program

ROW = re.compile(r"\| `(\S+)` \| (here|different|not offered) \|")

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


def rows(section: str) -> dict[str, str]:
    text = (ROOT / "docs" / "names.md").read_text(encoding="utf-8")
    table = text.split(section, 1)[1].split("| name |", 1)[1].split("\n\n", 1)[0]
    found = ROW.findall(table)
    assert len(found) == table.count("\n|") - 1, "a row that is not `name` | word | note"
    return dict(found)


def check_names(board: str, section: str, begin: str, folder: Path) -> None:
    """Check a table of docs/names.md on a simulated board; `begin` is what the names need first."""
    names = rows(section)
    script = folder / "probe.py"
    script.write_text(f"{begin}BEGIN = {begin!r}\n{PROBE}")
    result = subprocess.run(
        [str(program(board)), str(script), *names],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    missing = {name for name, word in names.items() if word == "not offered"}
    assert set(result.stdout.split()) == missing
    assert result.stderr == ""


def check_import(board: str, module: str) -> None:
    """Check that the star import of `module` says nothing and takes at most 7.2 KB on the chip."""
    measure = (  # without `network`, which is C on the chip
        "import gc, network, rgb; rgb.leds(); gc.collect(); before = gc.mem_free()\n"
        f"from {module} import *\n"
        "gc.collect(); print(before - gc.mem_free())"
    )
    result = subprocess.run(
        [str(program(board)), "-c", measure],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    # Objects are twice as large as on the chip.
    assert int(result.stdout) < 2 * 7200
