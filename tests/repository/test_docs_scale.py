"""What docs/scale.md says of 1,000 and 100,000 boards "as measured" is what it says of 200, multiplied."""

from __future__ import annotations

from pathlib import Path

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (Path(__file__).resolve().parents[2] / "docs" / "scale.md")
    .read_text()
    .splitlines()
    if line.startswith("|")
]


def number(text: str) -> float:
    return float(text.replace(",", ""))


def measured(begin: str, columns: int) -> list[list[str]]:
    return [row for row in ROWS if row[0].startswith(begin) and len(row) == columns]


def on_paper(begin: str) -> list[str]:
    (row,) = measured(begin, 4)
    return row[2:]


def in_words(values: list[float], factor: int) -> str:
    return ", ".join(f"{value * factor:,.0f}" for value in values)


def test_connections_on_paper_are_as_measured() -> None:
    (row,) = measured("the broker is killed", 6)
    values = [number(cell) for cell in row[3:5]]
    assert on_paper("connections a second") == [in_words(values, 5), in_words(values, 500)]


def test_birth_messages_on_paper_are_as_measured() -> None:
    (row,) = measured("the broker is killed", 5)
    values = [number(cell) for cell in row[2:4]]
    expected = [in_words(values, 5), in_words(values, 500)]
    assert on_paper("birth messages a second after") == expected
    (row,) = measured("Home Assistant starts", 5)
    assert on_paper("birth messages a second when")[0] == in_words([number(row[3])], 5)
