"""docs/zh: each page in Chinese has the structure of its original, and the same code and links."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.name for path in (ROOT / "docs" / "zh").glob("*.md"))

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HAN = re.compile(r"[\u4e00-\u9fff]")


def original(name: str) -> Path:
    """Return the page that docs/zh/`name` is a translation of."""
    return ROOT / "README.md" if name == "README.md" else ROOT / "docs" / name


def outline(text: str) -> list[str]:
    """Return what a page is made of, in order: headings, list items, table rows, code blocks."""
    shape = []
    for block in re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL):
        if block.startswith("```"):
            shape.append("code")
            continue
        for line in block.splitlines():
            if match := re.match(r"(#+) |(\s*(?:-|\d+\.)) |(\|)", line):
                cells = f" {line.count('|')}" if match[3] else ""
                shape.append((match[1] or match[2] or match[3]).strip() + cells)
    return shape


def links(path: Path) -> list[str]:
    """Return where a page's links lead, places of the tree from its root."""
    return [
        (
            target
            if "://" in target or target.startswith("#")
            else os.path.relpath((path.parent / target).resolve(), ROOT)
        )
        for target in LINK.findall(FENCE.sub("", path.read_text()))
    ]


def as_original(target: str) -> str:
    """Return a link with the pages that are translated too counted as their originals."""
    name, hash_sign, heading = target.partition("#")
    if name.startswith("docs/zh/"):
        name = str(original(Path(name).name).relative_to(ROOT))
        heading = ""  # headings are translated, and so are their anchors
    return name + (hash_sign + heading if heading else "")


def test_outline_is_found() -> None:
    text = "# A\n\n- b\n  - c\n\n| d | e |\n|---|---|\n\n```python\n# no heading\n```\n1. f\n"
    assert outline(text) == ["#", "-", "-", "| 3", "| 3", "code", "1."]


@pytest.mark.parametrize("name", PAGES)
def test_translation_has_shape_of_original(name: str) -> None:
    translation = (ROOT / "docs" / "zh" / name).read_text()
    assert outline(translation) == outline(original(name).read_text())


@pytest.mark.parametrize("name", PAGES)
def test_translation_has_code_of_original(name: str) -> None:
    translation = (ROOT / "docs" / "zh" / name).read_text()
    assert FENCE.findall(translation) == FENCE.findall(original(name).read_text())


@pytest.mark.parametrize("name", PAGES)
def test_translation_leads_where_original_leads(name: str) -> None:
    path = ROOT / "docs" / "zh" / name
    there, here = (
        [as_original(target).partition("#")[0] for target in links(page)]
        for page in (path, original(name))
    )
    assert there == here


@pytest.mark.parametrize("name", PAGES)
def test_translation_is_chinese(name: str) -> None:
    text = FENCE.sub("", (ROOT / "docs" / "zh" / name).read_text())
    assert len(HAN.findall(text)) > 0.15 * len(text)
