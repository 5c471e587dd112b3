"""The simulator's C files call in one direction: boards/sim/sim_world.h has the order."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.simulator

# Each file may use those before it, and none behind it.
ORDER = ["sim_world", "sim_io", "sim_wlan", "sim_socket", "sim_serial", "sim_flash"]
ORDER += ["sim_main", "sim_module"]


def symbols(program: Path, *options: str) -> set[str]:
    """Return the names that nm prints for an object file, as its linker sees them."""
    result = subprocess.run(
        ["nm", "--format=posix", *options, program], capture_output=True, text=True, check=True
    )
    return {line.split()[0] for line in result.stdout.splitlines()}


def test_every_file_has_place_in_order(root: Path) -> None:
    assert sorted(ORDER) == sorted(path.stem for path in root.glob("boards/sim/*.c"))
    table = (root / "boards" / "sim" / "sim_world.h").read_text()
    assert re.findall(r"^//     (sim_\w+)", table, re.MULTILINE) == ORDER


@pytest.mark.parametrize("name", ORDER)
def test_calls_go_one_way(root: Path, name: str) -> None:
    folder = root / "build" / "sim" / str(root / "boards" / "sim").lstrip("/")
    used = symbols(folder / f"{name}.o", "--undefined-only")
    for later in ORDER[ORDER.index(name) + 1 :]:
        backwards = used & symbols(folder / f"{later}.o", "--defined-only", "--extern-only")
        assert not backwards, f"{name}.c uses {sorted(backwards)} of {later}.c"


@pytest.mark.parametrize("name", ORDER)
def test_includes_go_one_way(root: Path, name: str) -> None:
    for path in (root / "boards" / "sim").glob(f"{name}.[ch]"):
        for included in re.findall(r'#include "(sim_\w+)\.h"', path.read_text()):
            assert ORDER.index(included) <= ORDER.index(name), f"{path.name}: {included}.h"
