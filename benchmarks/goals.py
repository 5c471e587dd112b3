"""What is measured, against what it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """A figure and the most it may be, or with `at_least` the least."""

    name: str
    value: float
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        line = f"{self.name}: {self.value:.4g} {self.unit}".rstrip()
        line += f" (goal {sign} {self.limit:g})"
        if self.met:
            return f"{line} met"
        if self.limit == 0:
            return f"{line} MISSED"
        return f"{line} MISSED by {abs(self.value / self.limit - 1):.0%}"


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in Markdown, so that it can be pasted."""
    cells = [list(header)] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    print(f"\n{title}\n")
    for number, row in enumerate(cells):
        first, *rest = [cell.ljust(width) for cell, width in zip(row[:1], widths)] + [
            cell.rjust(width) for cell, width in zip(row[1:], widths[1:])
        ]
        print("| " + " | ".join([first, *rest]) + " |")
        if number == 0:
            print("|-" + "-|-".join("-" * width for width in widths) + "-|")
    print(flush=True)
