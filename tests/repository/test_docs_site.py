"""docs/conf.py: the site that `make docs` makes leads to every page."""

from __future__ import annotations

import ast
from pathlib import Path


def contents(root: Path) -> list[str]:
    """Return the entries of the site's table of contents: pages, or patterns for many."""
    for node in ast.parse((root / "docs" / "conf.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONTENTS":
            return [page for pages in ast.literal_eval(node.value).values() for page in pages]
    raise AssertionError("docs/conf.py has no CONTENTS")


def test_every_page_is_in_contents_once(root: Path) -> None:
    listed = []
    for entry in contents(root):
        pages = list(root.glob(f"{entry}.md"))
        assert pages, f"there is no page {entry}"
        listed += pages
    assert len(listed) == len(set(listed))
    assert set((root / "docs").rglob("*.md")) <= set(listed)
