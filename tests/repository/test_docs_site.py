"""docs/conf.py: the site that `make docs` makes leads to every page."""

from __future__ import annotations

import ast
from pathlib import Path


def contents(root: Path) -> list[str]:
    """Return the pages in the site's table of contents."""
    for node in ast.parse((root / "docs" / "conf.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONTENTS":
            return [page for pages in ast.literal_eval(node.value).values() for page in pages]
    raise AssertionError("docs/conf.py has no CONTENTS")


def test_every_page_is_in_contents_once(root: Path) -> None:
    pages = {p.relative_to(root).with_suffix("").as_posix() for p in (root / "docs").rglob("*.md")}
    listed = contents(root)
    assert len(listed) == len(set(listed))
    assert pages <= set(listed)
    assert all((root / f"{page}.md").is_file() for page in listed)
