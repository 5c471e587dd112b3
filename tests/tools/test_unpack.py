"""Unpacking a source tarball, with a Python that has filters and one of bookworm's age."""

from __future__ import annotations

import runpy
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("has_filters", (True, False))
def test_tarball_is_unpacked_without_top_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_filters: bool
) -> None:
    source = tmp_path / "source" / "top" / "lib"
    source.mkdir(parents=True)
    (source / "file.c").write_text("int x;\n")
    with tarfile.open(tmp_path / "source.tar.xz", "w:xz") as archive:
        archive.add(source.parent, "top")
    if not has_filters:  # as before Python 3.11.4
        extractall = tarfile.TarFile.extractall
        monkeypatch.setattr(
            tarfile.TarFile,
            "extractall",
            lambda archive, path, members: extractall(archive, path, members),
        )
        for name in ("data_filter", "TarInfo.replace"):
            monkeypatch.delattr(f"tarfile.{name}", raising=False)
    monkeypatch.setattr(sys, "argv", ["unpack.py", str(archive.name), str(tmp_path / "to")])
    runpy.run_path(str(ROOT / "ci" / "build" / "unpack.py"), run_name="__main__")
    assert (tmp_path / "to" / "lib" / "file.c").read_text() == "int x;\n"
