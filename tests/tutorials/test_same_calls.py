"""Our own programs make the same calls in the same order as the makers'."""

from __future__ import annotations

import ast

import pytest

from tests.tutorials import texts
from tests.tutorials.programs import SCRIPTS

PROGRAMS = {
    "mpython_remote_light": texts.mpython_remote_light,
    "mpython_first_steps": texts.mpython_first_steps,
    "bpi_bit_echo": texts.bpi_bit_echo,
}


def imports_and_calls(program: str) -> list[str]:
    """Return a program's imports and calls in the order of its lines.

    A call is told by the function's or method's name, the number of its arguments and the names
    of its keywords: what arguments are called and contain is each program's own.
    """
    found: list[tuple[int, int, str]] = []
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append((node.lineno, node.col_offset, ast.unparse(node)))
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            keywords = "".join(f" {keyword.arg}=" for keyword in node.keywords)
            line, column = node.func.end_lineno, node.func.end_col_offset
            found.append((line, column, f"{name} {len(node.args)}{keywords}"))
    return [text for _, _, text in sorted(found)]


def test_imports_and_calls_are_told_apart() -> None:
    program = "import a\nc = a.f(1, k=g())\nc.h().i(lambda: c.j(2, 3))\n"
    assert imports_and_calls(program) == ["import a", "f 1 k=", "g 0", "h 0", "i 1", "j 2"]


@pytest.mark.makers
@pytest.mark.parametrize("name", PROGRAMS)
def test_own_program_makes_same_calls(name: str) -> None:
    own = imports_and_calls((SCRIPTS / f"{name}.py").read_text())
    assert len(own) > 8
    assert own == imports_and_calls(PROGRAMS[name]())
