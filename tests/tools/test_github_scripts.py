"""The scripts that talk to GitHub, with a stand-in for its gh command."""

import json
import os
import shutil
import subprocess

import pytest

from ci.boards import ROOT
from ci.image.built import read_build
from ci.image.sizes import sizes
from tests.images.fake_build import make_build

# Writes down how it was called; answers with the files in $GH_ANSWERS.
GH = """\
#!/bin/sh
echo "$@" >> "$GH_ANSWERS/calls"
case "$*" in
*isDraft*)
    if [ -f "$GH_ANSWERS/draft" ]; then cat "$GH_ANSWERS/draft"; exit; fi
    cat "$GH_ANSWERS/refusal" >&2
    exit 1
    ;;
*assets*) cat "$GH_ANSWERS/assets" ;;
"run list"*) cat "$GH_ANSWERS/run" ;;
"run download"*) mkdir -p "${*##* }" && cp "$GH_ANSWERS/sizes.json" "${*##* }" ;;
"release download"*) mkdir -p "${*##* }" && cp "$GH_ANSWERS/SHA256SUMS" "${*##* }" ;;
esac
"""


@pytest.fixture
def project(tmp_path):
    """A folder with the project's scripts, an empty dist/ and a gh command."""
    root = tmp_path / "project"
    unwanted = shutil.ignore_patterns("host", "__pycache__")
    for name in ("ci", "boards"):
        shutil.copytree(ROOT / name, root / name, ignore=unwanted)
    (root / "dist").mkdir()
    (root / "bin").mkdir()
    (root / "bin" / "gh").write_text(GH)
    (root / "bin" / "gh").chmod(0o755)
    (root / "bin" / "refusal").write_text("release not found\n")
    return root


def call(project, script, *arguments):
    """Run a script; return its status, what it said, and the calls of gh."""
    environment = {
        **os.environ,
        "PATH": f"{project}/bin:{os.environ['PATH']}",
        "GH_ANSWERS": str(project / "bin"),
    }
    result = subprocess.run(
        [project / "ci" / "release" / script, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    log = project / "bin" / "calls"
    return result.returncode, result.stdout, log.read_text().splitlines() if log.exists() else []


def fill_dist(project):
    for name in ("release-notes.md", "SHA256SUMS", "a.bin", "b.bin"):
        (project / "dist" / name).write_text(name)


def test_draft_is_made_with_all_files(project):
    fill_dist(project)
    (project / "bin" / "assets").write_text("3\n")
    status, said, calls = call(project, "draft.sh", "v1.2.3")
    assert status == 0, said
    (created,) = [line for line in calls if line.startswith("release create")]
    assert "--draft --verify-tag" in created
    assert all(name in created for name in ("SHA256SUMS", "a.bin", "b.bin", "--notes-file"))
    assert not any("draft=false" in line for line in calls)


def test_draft_is_published(project):
    status, said, calls = call(project, "publish.sh", "v1.2.3")
    assert status == 0, said
    assert calls == ["release edit v1.2.3 --draft=false"]


def test_server_that_fails_gets_no_second_draft(project):
    """`gh release create --draft` makes one, whatever there is by that tag."""
    fill_dist(project)
    (project / "bin" / "refusal").write_text("HTTP 502: Server Error\n")
    status, said, calls = call(project, "draft.sh", "v1.2.3")
    assert status == 1 and "HTTP 502: Server Error; run this again" in said
    assert not any("create" in line for line in calls)


def test_release_that_lacks_file_stays_draft(project):
    fill_dist(project)
    (project / "bin" / "assets").write_text("2\n")
    status, said, calls = call(project, "draft.sh", "v1.2.3")
    assert status == 1 and "has 2 of 3 files" in said
    assert not any("draft=false" in line for line in calls)


@pytest.mark.parametrize("same", [True, False])
def test_published_release_is_not_replaced(project, same):
    """The step may be run again after a later one failed, but not with other files."""
    fill_dist(project)
    (project / "bin" / "draft").write_text("false\n")
    (project / "bin" / "SHA256SUMS").write_text("SHA256SUMS" if same else "of other files")
    status, said, calls = call(project, "draft.sh", "v1.2.3")
    assert status == (0 if same else 1)
    assert ("with these files" if same else "with other files") in said
    assert not any("create" in line or "delete" in line or "edit" in line for line in calls)


def test_draft_left_half_way_is_replaced(project):
    fill_dist(project)
    (project / "bin" / "draft").write_text("true\n")
    (project / "bin" / "assets").write_text("3\n")
    status, _, calls = call(project, "draft.sh", "v1.2.3")
    assert status == 0 and "release delete v1.2.3 --yes" in calls


def test_incomplete_dist_is_not_published(project):
    status, said, calls = call(project, "draft.sh", "v1.2.3")
    assert status == 1 and "make release-collect" in said and not calls


def test_sizes_are_compared_with_main(project, some_board):
    folder = make_build(some_board, project / "build" / some_board.name)
    before = sizes(read_build(some_board, folder))
    (project / "bin" / "sizes.json").write_text(json.dumps(before))
    (project / "bin" / "run").write_text("4711\n")
    os.symlink(ROOT / "build" / "venv", project / "build" / "venv")
    status, said, calls = call(project, "compare_sizes.sh", some_board.name)
    assert status == 0, said
    size = before["application"]
    assert f"| application | {size} | {size} | +0 |" in said
    assert "--branch main --event push" in calls[0]  # not of a fork's branch of that name
    assert calls[1].startswith(f"run download 4711 --name sizes-{some_board.name}")


@pytest.mark.parametrize("answers", [True, False])
def test_without_build_of_main_it_says_so(project, some_board, answers):
    if answers:  # else `gh run list` fails
        (project / "bin" / "run").write_text("")
    status, said, _ = call(project, "compare_sizes.sh", some_board.name)
    assert status == 0 and "No build of main" in said


def test_sizes_that_are_gone_fail_no_build(project, some_board):
    """After 90 days, or of a board that main does not have."""
    (project / "bin" / "run").write_text("4711\n")
    status, said, _ = call(project, "compare_sizes.sh", some_board.name)
    assert status == 0, said
    assert f"has no sizes of {some_board.name} to compare with" in said
