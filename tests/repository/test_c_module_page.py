"""docs/c-module.md: the module that it makes compiles, and passes `make check`."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from ci.build.c_modules import check
from ci.problem import Problem

FENCE = re.compile(r"^   ```(\w+)\n(.*?)^   ```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def blocks(root: Path) -> list[str]:
    """The page's files, and the line that names the module."""
    page = (root / "docs" / "c-module.md").read_text()
    return [textwrap.dedent(text) for language, text in FENCE.findall(page)]


def test_module_of_page_passes_make_check(root: Path, blocks: list[str], tmp_path: Path) -> None:
    source, make, cmake, line = blocks
    firmware = tmp_path / "firmware"
    shutil.copytree(root / "firmware", firmware)
    module = firmware / "hello"
    module.mkdir()
    (module / "modhello.c").write_text(source)
    (module / "micropython.mk").write_text(make)
    (module / "micropython.cmake").write_text(cmake)
    with pytest.raises(Problem, match="does not include hello"):
        check(firmware)
    with (firmware / "micropython.cmake").open("a") as common:
        common.write(line)
    check(firmware)
    for text in (make, cmake):
        assert "modhello.c" in text


@pytest.mark.simulator
@pytest.mark.compiler
def test_module_of_page_compiles(root: Path, blocks: list[str], tmp_path: Path) -> None:
    """With the names of the simulator that is built: `hello` is no name there yet."""
    source = tmp_path / "modhello.c"
    source.write_text(blocks[0])
    built = root / "build"
    micropython = Path((built / "built-from").read_text().split("\n")[0])
    folders = (built / "sim", micropython, micropython / "ports" / "unix", root / "boards" / "sim")
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]
    command += ["-fsyntax-only", "-DMP_QSTR_hello=MP_QSTR_sum", *(f"-I{each}" for each in folders)]
    result = subprocess.run([*command, source], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
