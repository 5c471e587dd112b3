"""docs/architecture.md: each "file: function" that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PLACE = re.compile(r"`([\w./-]+): ([\w.-]+)`")


def python_names(text: str) -> set[str]:
    """Return the functions and classes of a module, methods as Class.method."""
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{n.name}" for n in node.body if isinstance(n, ast.FunctionDef)}
    return names


def defined_names(path: Path) -> set[str]:
    """Return what a file of Python, C, shell or make defines."""
    text = path.read_text()
    if path.suffix == ".py":
        return python_names(text)
    if path.suffix == ".sh":
        return set(re.findall(r"^(\w+)\(\) \{", text, re.MULTILINE))
    if path.suffix == ".c":
        return set(re.findall(r"^(?!return)\w[\w *]*?(\w+)\([^;]*?\) \{", text, re.MULTILINE))
    assert path.name == "Makefile", f"what does {path} define?"
    return set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))


@pytest.mark.parametrize(
    "name, text, names",
    [
        ("a.py", "def f():\n    pass\nclass C:\n    def m(self): ...\n", {"f", "C", "C.m"}),
        ("a.sh", "f() {\n    g\n}\n", {"f"}),
        ("a.c", "static int f(int a,\n  int b) {\n    return g(a);\n}\nint h(void);\n", {"f"}),
        ("Makefile", "build: lint ## x\n\tf\n", {"build"}),
    ],
)
def test_definitions_are_found(tmp_path: Path, name: str, text: str, names: set[str]) -> None:
    (tmp_path / name).write_text(text)
    assert defined_names(tmp_path / name) == names


def test_every_named_place_exists(root: Path) -> None:
    places = PLACE.findall((root / "docs" / "architecture.md").read_text())
    assert len(places) > 25
    missing = [
        f"{name}: {function}"
        for name, function in places
        if not (root / name).is_file() or function not in defined_names(root / name)
    ]
    assert not missing


def test_walks_are_ten_lines_each(root: Path) -> None:
    page = (root / "docs" / "architecture.md").read_text()
    walks = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    steps = [re.findall(r"^\d+\. .*\n(?! )", walk, re.MULTILINE) for walk in walks]
    assert [len(walk) for walk in steps if walk] == [10, 10, 10]
