"""Finding the makers' texts, and taking the programs out of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tutorials import texts

TEXT = """Title
=====

First, the clock::

    import time

.. image:: clock.png

.. code:: python

   Import wifi
   If wifi.ready():
\xa0\xa0\xa0\xa0\xa0\xa0\xa0Print("Yes, Sir")

.. Note:: not a program

The end.
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUTORIALS", str(tmp_path))
    return tmp_path


def test_blocks_are_programs_without_indentation(folder: Path) -> None:
    (folder / texts.MPYTHON).write_text(TEXT, encoding="utf-8")
    assert texts.blocks(texts.MPYTHON) == [
        "import time\n",
        'Import wifi\nIf wifi.ready():\n    Print("Yes, Sir")\n',
    ]


def test_capitals_are_undone_at_line_starts_only() -> None:
    program = 'Import wifi\nIf wifi.ready():\n    Print("Yes, Sir")\n'
    undone = 'import wifi\nif wifi.ready():\n    print("Yes, Sir")\n'
    assert texts.undo_capitals(program) == undone


def test_missing_texts_end_with_one_sentence(folder: Path, root: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tests.tutorials.texts"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": "boards/sim/host:."},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"error: there is no {texts.MPYTHON} in {folder}; save ")
    assert "type: make test-tutorials TUTORIALS=" in result.stderr


def test_fetch_that_fails_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {texts.BPI_BIT: (str(tmp_path / "nowhere"), "1a2b3c4d", "mqtt.rst")}
    monkeypatch.delenv("TUTORIALS", raising=False)
    monkeypatch.setattr(texts, "ROOT", tmp_path / "clone")
    monkeypatch.setattr(texts, "FETCHED", tmp_path / "build")
    monkeypatch.setattr(texts, "SOURCES", source)
    monkeypatch.setattr(texts, "PAUSE", 0)
    with pytest.raises(SystemExit, match=r"cannot be fetched \(.+\); save mqtt.rst of "):
        texts.main()


def test_fetch_that_fails_once_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fetch(name: str) -> None:
        calls.append(name)
        if calls == [texts.BPI_BIT]:
            raise subprocess.CalledProcessError(128, "git", stderr=b"refused")

    source = {texts.BPI_BIT: ("nowhere", "1a2b3c4d", "mqtt.rst")}
    monkeypatch.delenv("TUTORIALS", raising=False)
    for name, value in (("ROOT", tmp_path), ("FETCHED", tmp_path), ("PAUSE", 0)):
        monkeypatch.setattr(texts, name, value)
    monkeypatch.setattr(texts, "SOURCES", source)
    monkeypatch.setattr(texts, "_fetch", fetch)
    texts.main()
    assert calls == [texts.BPI_BIT] * 2


def test_commit_that_is_pinned_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what its maker has written since."""
    maker = tmp_path / "maker"
    maker.mkdir()
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    commits = []
    for text in ("the text", "another"):
        (maker / "mqtt.rst").write_text(text)
        for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", text]):
            subprocess.run(["git", "-C", str(maker), *command], check=True)
        command = ["git", "-C", str(maker), "rev-parse", "HEAD"]
        commits.append(subprocess.run(command, capture_output=True, text=True).stdout.strip())
    monkeypatch.delenv("TUTORIALS", raising=False)
    monkeypatch.setattr(texts, "ROOT", tmp_path / "clone")
    monkeypatch.setattr(texts, "FETCHED", tmp_path / "build")
    monkeypatch.setattr(
        texts, "SOURCES", {texts.BPI_BIT: (maker.as_uri(), commits[0], "mqtt.rst")}
    )
    texts.main()
    assert texts.find(texts.BPI_BIT).read_text() == "the text"


def test_named_folder_is_found(folder: Path) -> None:
    (folder / texts.BPI_BIT).write_text("")
    assert texts.find(texts.BPI_BIT) == folder / texts.BPI_BIT
