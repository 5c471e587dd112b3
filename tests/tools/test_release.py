"""What may be released, and what a release consists of."""

import subprocess

import pytest

from ci.boards import board_names, load_board
from ci.image.built import read_build
from ci.image.images import FILES, make_images
from ci.problem import Problem
from ci.release.checks import (
    check_complete,
    check_release,
    collect,
    note_tested,
    page_name,
    release_notes,
    unsigned,
)
from tests.images.fake_build import VERSION, make_build

CHANGELOG = """\
# Changelog

## [Unreleased]

- not yet

## [1.2.3] - 2026-11-20

### Changed

- `config.json` has a new key.

## [1.2.2]

- old
"""


@pytest.fixture
def project(tmp_path):
    """A small repository of version 1.2.3, tagged and tested."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (root / "CHANGELOG.md").write_text(CHANGELOG)
    (root / ".gitignore").write_text("/build/\n")
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "x")
    git(root, "tag", "v1.2.3")
    note_tested(root)
    return root


@pytest.fixture
def dist(tmp_path):
    """dist/ with the page and the images of all boards."""
    for name in board_names():
        board = load_board(name)
        build = read_build(board, make_build(board, tmp_path / name))
        make_images(board, build, VERSION, FILES, tmp_path / "dist")
    (tmp_path / "dist" / page_name(VERSION)).write_text("<!doctype html>")
    return tmp_path / "dist"


def git(folder, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_tested_tag_is_released(project):
    assert check_release(project) == "1.2.3"


def test_dirty_tree_is_not(project):
    (project / "CHANGELOG.md").write_text(CHANGELOG + "- more\n")
    with pytest.raises(Problem, match="files were changed"):
        check_release(project)


def test_untested_commit_is_not(project):
    git(project, "commit", "--allow-empty", "-m", "y")
    git(project, "tag", "-f", "v1.2.3")
    with pytest.raises(Problem, match="has not been tested"):
        check_release(project)


def test_tests_of_changed_tree_do_not_count(project):
    (project / "build" / "tested").unlink()
    (project / "CHANGELOG.md").write_text(CHANGELOG + "- more\n")
    note_tested(project)
    assert not (project / "build" / "tested").exists()


def test_untagged_commit_is_not(project):
    git(project, "tag", "-d", "v1.2.3")
    with pytest.raises(Problem, match="is not tagged v1.2.3"):
        check_release(project)


def test_version_without_notes_is_not(project):
    (project / "pyproject.toml").write_text('[project]\nversion = "1.2.4"\n')
    git(project, "commit", "-am", "y")
    git(project, "tag", "v1.2.4")
    note_tested(project)
    with pytest.raises(Problem, match="says nothing under a heading"):
        check_release(project)


def test_notes_are_section():
    assert release_notes(CHANGELOG, "1.2.3") == ("### Changed\n\n- `config.json` has a new key.\n")
    assert release_notes(CHANGELOG, "1.2.2") == "- old\n"
    with pytest.raises(Problem):
        release_notes(CHANGELOG, "1.2")


@pytest.mark.parametrize(
    "repository, address",
    [
        ("School/boards", "https://school.github.io/boards/#tab=install"),
        ("school/school.github.io", "https://school.github.io/#tab=install"),
    ],
)
def test_notes_begin_with_installer(dist, monkeypatch, repository, address):
    monkeypatch.setenv("GITHUB_REPOSITORY", repository)
    page = dist / ".." / "page.html"
    page.write_text("<!doctype html>")
    notes = collect(dist, VERSION, CHANGELOG, page)
    assert notes.read_text().startswith(f"[Install it in the browser]({address})")


def test_complete_dist(dist, monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    page = dist / ".." / "page.html"
    page.write_text("<!doctype html><title>Boards</title>")
    notes = collect(dist, VERSION, CHANGELOG, page)
    assert (dist / page_name(VERSION)).read_text() == page.read_text()
    assert page_name(VERSION) in (dist / "SHA256SUMS").read_text()
    assert notes.read_text().startswith("### Changed")
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=dist, check=True)
    collect(dist, VERSION, CHANGELOG, page)  # again, over its own files
    assert notes.name not in (dist / "SHA256SUMS").read_text()  # it is no file of the release


def test_release_without_key_is_whole_and_unsigned(dist):
    check_complete(dist, VERSION)
    assert unsigned(dist) == sorted(f"{name}-v{VERSION}-app.json" for name in board_names())


def test_missing_page_says_how_to_make_it(dist):
    with pytest.raises(Problem, match="make page"):
        collect(dist, VERSION, CHANGELOG, dist / "nothing.html")
    (dist / page_name(VERSION)).unlink()
    with pytest.raises(Problem, match=f"lacks {page_name(VERSION)}"):
        check_complete(dist, VERSION)


def test_missing_file_stops_it(dist):
    missing = f"{board_names()[0]}-v{VERSION}-app.bin"
    (dist / missing).unlink()
    with pytest.raises(Problem, match=f"lacks {missing}"):
        check_complete(dist, VERSION)
    with pytest.raises(Problem, match="lacks"):
        check_complete(dist / "nothing", VERSION)


def test_stray_file_stops_it(dist):
    (dist / "mpython-v0.0.1-update.bin").write_bytes(b"")
    with pytest.raises(Problem, match="remove mpython-v0.0.1-update.bin"):
        check_complete(dist, VERSION)


def test_damaged_image_stops_it(dist):
    path = dist / f"mpython-v{VERSION}-factory.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Problem, match="cut off"):
        check_complete(dist, VERSION)
