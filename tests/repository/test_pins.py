"""pyproject.toml pins every package that the host's programs import: a new clone has no other."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.repository.test_tree import tracked_files

FOLDERS = ("ci/", "benchmarks/", "tests/", "boards/sim/host/")
OF_MICROPYTHON = {"manifestfile"}  # a file of its source


def host_programs(root: Path) -> Iterator[Path]:
    for path in tracked_files(root):
        place = path.relative_to(root)
        # Those in `scripts` run in the firmware.
        if place.suffix == ".py" and "scripts" not in place.parts:
            if place.as_posix().startswith(FOLDERS):
                yield path


def imported_names(text: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def pinned_packages(root: Path) -> set[str]:
    """Return what `make test-browser`, with it `make test`, and `make bench` install by name."""
    lines = []
    for group in ("browser", "bench"):
        command = [sys.executable, str(root / "ci" / "build" / "group.py"), group]
        lines += subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return {re.split("[=;]", line)[0] for line in lines}


def test_imported_names_are_found() -> None:
    text = "import a.b, c\ndef f():\n    from d.e import f\nfrom . import g\n"
    assert imported_names(text) == {"a", "c", "d"}


def test_every_imported_package_is_pinned(root: Path) -> None:
    paths = [path.relative_to(root).with_suffix("") for path in tracked_files(root)]
    ours = {part for path in paths for part in path.parts}
    packages = {
        name: {distribution.lower().replace("_", "-") for distribution in distributions}
        for name, distributions in importlib.metadata.packages_distributions().items()
    }
    pinned = pinned_packages(root)
    missing = [
        f"{path.relative_to(root)} imports {name}"
        for path in host_programs(root)
        for name in imported_names(path.read_text()) - ours - sys.stdlib_module_names
        # What is not installed here, as what only a browser's tests need, has its module's name.
        if name not in OF_MICROPYTHON and not pinned & packages.get(name, {name})
    ]
    assert not missing
