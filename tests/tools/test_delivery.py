"""The installer page, sizes, and the workflows that deliver."""

import json
import re

import pytest

from ci.boards import ROOT, board_names, load_board
from ci.image.built import read_build
from ci.release.installer import page_text
from ci.image.sizes import comparison, sizes
from tests.images.fake_build import VERSION, make_build

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_page_names_every_manifest():
    boards = [load_board(name) for name in board_names()]
    page = page_text(boards, VERSION)
    named = re.findall(r'manifest="([^"]+)"', page)
    assert sorted(named) == sorted(
        f"{name}-v{VERSION}-{kind}.json"
        for name in board_names()
        for kind in ("update", "factory")
    )
    assert "//" not in page  # everything comes from the page's own origin
    assert "$" not in page


def test_sizes_are_compared(board, build_folder, tmp_path):
    before = sizes(read_build(board, build_folder))
    larger = make_build(board, tmp_path / "larger", application_size=1_250_000)
    after = sizes(read_build(board, larger))
    table = comparison(board.name, before, after)
    assert f"| bootloader | {before['bootloader']} | {after['bootloader']} | +0 |" in table
    change = after["application"] - before["application"]
    assert change > 9000
    assert f"| {change:+} |" in table
    assert f"| {-change:+} |" in table  # what is free
    assert json.loads(json.dumps(before)) == before


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_pinned_and_strict(path):
    text = path.read_text(encoding="utf-8")
    for line in text.splitlines():
        if "uses:" in line:
            assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    assert "continue-on-error" not in text
    assert text.count("upload-artifact@") == text.count("if-no-files-found: error")


def test_workflows_call_what_people_can_call():
    """Every step is a make target or a script of ours."""
    for path in WORKFLOWS:
        for command in re.findall(r"run: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert re.match(r"(make( --silent)? [a-z-]+|ci/release/\w+\.sh )", command), command


def test_workflows_name_no_board():
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        assert not any(name in text for name in board_names())
