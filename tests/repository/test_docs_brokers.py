"""The table of docs/brokers.md says what the tests of the brokers expect, row for row."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.brokers.servers import KINDS
from tests.brokers.test_differences import ROWS

ROOT = Path(__file__).resolve().parents[2]
# Beside these, which their columns begin with.
COLUMNS = {"Mosquitto": ("mosquitto", "mosquitto-trixie")}


def read_table() -> tuple[list[str], dict[str, list[str]]]:
    """Return the brokers' columns, as they are headed, and the cells of each row."""
    text = (ROOT / "docs" / "brokers.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in lines]
    return head[1:], {cells[0]: cells[1:] for cells in rows}


def names_of(heading: str) -> tuple[str, ...]:
    word = heading.split()[0]
    return COLUMNS.get(word, (word.lower(),))


def test_each_broker_has_column() -> None:
    heads, _ = read_table()
    assert sorted(name for head in heads for name in names_of(head)) == sorted(
        kind.name for kind in KINDS
    )


def test_cells_are_what_tests_expect() -> None:
    heads, rows = read_table()
    assert list(rows) == list(ROWS)
    for row, cells in rows.items():
        usual, others = ROWS[row]
        for head, cell in zip(heads, cells, strict=True):
            for name in names_of(head):
                assert cell == others.get(name, usual), (row, name)


def test_pinned_versions_are_those_of_table() -> None:
    """Debian's own come as they are there."""
    heads, _ = read_table()
    lock = json.loads((ROOT / "tests" / "brokers" / "aedes" / "package-lock.json").read_text())
    amqtt = re.search(r'"amqtt==([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert f"amqtt {amqtt[1]}" in heads
    assert f"Aedes {lock['packages']['node_modules/aedes']['version']}" in heads
