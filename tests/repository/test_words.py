"""ci/lint/words.py: which words are found where, and that the tree has none of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ci.lint import words

PAGE = """# A page

| anew | is not | read here |

## Words

| say | for | never |
|---|---|---|
| DNS lookup, lookup | a name's address | look-up |
| forever | | for ever |
| `MAX_*` | limits | `MOST_*` |
| heap | | |
"""


def find(name: str, text: str) -> list[str]:
    return words.find_words(Path(name), text, words.read_words(PAGE))


def test_table_gives_what_to_say() -> None:
    assert list(words.read_words(PAGE).values()) == ["DNS lookup, lookup", "forever", "`MAX_*`"]


@pytest.mark.parametrize(
    "name, text, line",
    [
        ("a.py", "x = 1\n# A name look-up.\n", 2),
        ("a.py", 'def f():\n    """Wait.\n\n    Blocks for ever.\n    """\n', 4),
        ("a.py", "x = 1\n\nMOST_BYTES = 3\n", 3),
        ("a.c", "int x;\n/* It waits\n   for\n   ever. */\n", 3),
        ("a.c", "int x; // Look-up\n", 1),
        ("a.sh", "#!/bin/sh\necho x # for ever\n", 2),
        ("Makefile", "# for ever\n", 1),
        ("a.md", "# A\n\n```\nfor ever\n```\n\nThe `look-up` waits for ever.\n", 7),
    ],
)
def test_word_in_prose_or_name_is_found(name: str, text: str, line: int) -> None:
    (said,) = find(name, text)
    assert said.startswith(f"{name}:{line}: say ")


@pytest.mark.parametrize(
    "name, text",
    [
        ("a.py", 'print("waits for ever: look-up")\n'),
        ("a.py", "almost_bytes = most_bytes = 3  # looked up\n"),
        ("a.c", 'const char *x = "look-up";\n'),
        ("a.sh", "echo for ever\n"),
        ("a.md", "Waits for everybody.\n"),
        ("a.txt", "for ever\n"),
    ],
)
def test_other_text_is_left_alone(name: str, text: str) -> None:
    assert find(name, text) == []


def test_own_page_is_read(root: Path) -> None:
    table = words.read_words((root / words.PAGE).read_text())
    assert len(table) > 10
    assert "forever" in table.values()


def test_test_names_are_short_and_without_articles(root: Path) -> None:
    names = []
    for path in (root / "tests").rglob("*.py"):
        names += re.findall(r"^ *(?:async )?def test_(\w+)\(", path.read_text(), re.MULTILINE)
    assert len(names) > 300
    articles = {"a", "an", "the"}
    assert not [name for name in names if len(name) > 50 or articles & set(name.split("_"))]
