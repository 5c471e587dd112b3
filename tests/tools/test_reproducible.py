"""The same commit freezes to the same bytes, wherever and whenever it is cloned.

That is as far as it can be shown without ESP-IDF; boards/sdkconfig.flash has the settings for the
rest of an image.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ci.boards import ROOT, Board
from tests.tools.project import copy_project, micropython_source

# A file system that gives a folder's files in another order: sorted, and from the end.
OTHER_ORDER = """
import os
scandir = os.scandir
class Files(list):
    def __enter__(self): return self
    def __exit__(self, *error): pass
    def __iter__(self): return self
    def __next__(self): return self.pop() if self else next(iter(()))
    def close(self): pass
os.scandir = lambda path=".": Files(sorted(scandir(path), key=lambda entry: entry.name))
"""


@pytest.fixture
def micropython(tmp_path: Path) -> Path:
    """MicroPython's source as an image is built from it: patched where freezing is concerned."""
    copy = tmp_path / "micropython"
    copy.mkdir()
    for path in micropython_source().iterdir():
        if path.name != "tools":
            (copy / path.name).symlink_to(path)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(micropython_source() / "tools", copy / "tools", ignore=ignored)
    patch = ROOT / "ci" / "build" / "patches" / "manifest-sorted-files.patch"
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path)}
    subprocess.run(["git", "apply", patch], cwd=copy, env=environment, check=True)
    return copy


def freeze(root: Path, board: Board, micropython: Path, **environment: str) -> dict[str, bytes]:
    """Freeze what a simulated board has; return all that this wrote."""
    build = root / "build" / "frozen"
    (build / "genhdr").mkdir(parents=True)
    strings = "genhdr/qstrdefs.preprocessed.h"
    shutil.copy(ROOT / "build" / "sim" / strings, build / strings)
    # fmt: off
    command = [
        sys.executable, str(micropython / "tools" / "makemanifest.py"),
        "-o", str(build / "frozen_content.c"), "-b", str(build),
        "-v", f"MPY_DIR={micropython}", "-v", f"MPY_LIB_DIR={micropython}/lib/micropython-lib",
        "-v", f"PORT_DIR={micropython}/ports/unix",
        "-v", f"BOARD_DIR={root}/boards/{board.name}", str(root / "boards" / "sim" / "manifest.py"),
    ]
    # fmt: on
    subprocess.run(
        command,
        cwd=root,
        env={
            **os.environ,
            "SIM_BOARD": board.name,
            "MICROPY_MPYCROSS": str(ROOT / "build" / "mpy-cross" / "mpy-cross"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        },
        check=True,
        stdout=subprocess.PIPE,
    )
    written = [path for path in build.rglob("*") if path.is_file()]
    # A comment names the file that each part is from.
    return {
        str(path.relative_to(build)): re.sub(
            rb"// - original source file: .*", b"", path.read_bytes()
        )
        for path in written
    }


@pytest.mark.simulator
def test_two_clones_freeze_to_same_bytes(
    some_board: Board, micropython: Path, tmp_path: Path
) -> None:
    project = copy_project(tmp_path / "project")
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for arguments in (["add", "--all"], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *arguments], cwd=project.root, check=True)
    clone = tmp_path / "elsewhere" / "clone"
    subprocess.run(["git", "clone", "-q", project.root, clone], check=True)

    first = freeze(project.root, some_board, micropython)
    order = tmp_path / "order"
    order.mkdir()
    (order / "sitecustomize.py").write_text(OTHER_ORDER)
    second = freeze(clone, some_board, micropython, PYTHONPATH=str(order), TZ="Pacific/Kiritimati")
    assert "frozen_mpy/version.mpy" in first and "frozen_mpy/umqtt/robust.mpy" in first
    assert [name for name in first if first[name] != second.get(name)] == []
    assert sorted(first) == sorted(second)


@pytest.mark.compiler
def test_two_clones_compile_to_same_object(tmp_path: Path) -> None:
    """With debug information, of which the image has a checksum, and by the whole path, as cmake does."""
    script = (ROOT / "ci" / "build" / "compile.sh").read_text()
    (flags,) = re.findall(r'CFLAGS_EXTRA="(.+)"', script)
    objects = []
    for root in (tmp_path / "one", tmp_path / "another" / "place"):
        shutil.copytree(ROOT / "firmware" / "topicmatch", root / "firmware")
        (root / "build").mkdir()
        mapped = flags.replace("$CI_ROOT", str(root)).split()
        source = str(root / "firmware" / "topicmatch.c")
        command = ["gcc", "-std=c99", "-Os", "-ggdb", *mapped, "-c", source, "-o", "one.o"]
        subprocess.run(command, cwd=root / "build", check=True)
        objects.append((root / "build" / "one.o").read_bytes())
    assert objects[0] == objects[1]
