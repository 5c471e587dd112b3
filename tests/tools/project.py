"""A copy of the project to damage and to build, beside what the real one has fetched."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ci.boards import ROOT


@dataclass(frozen=True)
class Result:
    status: int
    said: str  # on both outputs


@dataclass(frozen=True)
class Project:
    root: Path

    @property
    def build(self) -> Path:
        return self.root / "build"

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace `old` in one of the files; an empty one stands for its end."""
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")

    def command(self, name: str, script: str) -> None:
        """Put a stand-in for a command first in PATH."""
        path = self.root / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash\n{script}")
        path.chmod(0o755)

    def call(self, *command: str, **environment: str) -> Result:
        """Run a command in the project's folder, as in a clean shell."""
        kept = {
            name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ
        }
        path = f"{self.root}/bin:{os.environ['PATH']}"
        result = subprocess.run(
            command,
            cwd=self.root,
            env={**kept, "PATH": path, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        return Result(result.returncode, result.stdout)


def micropython_source() -> Path:
    """Return the folder of the source that the simulated boards are built from."""
    return Path((ROOT / "build" / "built-from").read_text().splitlines()[0])


def copy_project(root: Path) -> Project:
    """Copy the working tree to `root`, with an empty repository around it.

    build/ has the real one's Python and MicroPython, but the stamps of what was installed are the
    copy's own.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.split("\0"):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    real, build = ROOT / "build", root / "build"
    (build / "venv").mkdir(parents=True)
    for path in (real / "venv").iterdir():
        if path.suffix == ".installed":
            shutil.copy(path, build / "venv")
        else:
            (build / "venv" / path.name).symlink_to(path)
    (build / "micropython").symlink_to(micropython_source())
    (build / "mpy-cross").symlink_to(real / "mpy-cross")
    return Project(root)
