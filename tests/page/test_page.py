"""The page as a file."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

MOST = 150 * 1024  # bytes, packed as a web server sends it


@pytest.fixture
def file(root: Path) -> Path:
    return root / "build" / "page" / "index.html"


def test_page_is_small(file: Path) -> None:
    assert len(gzip.compress(file.read_bytes(), 9)) <= MOST


def test_page_names_no_other_file(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    head = text[: text.index("<script")]
    assert not re.search(r"<(script|img|iframe)[^>]* src=|<link[^>]* href=\"(?!data:)", text)
    assert "<body" not in head


def test_page_opens_from_disk(file: Path, visitor) -> None:
    page = visitor.open(file.as_uri())
    assert page.title() == "Boards"
