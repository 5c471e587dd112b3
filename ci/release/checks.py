"""Release what is in the working tree: all boards' images, checked and complete, with their notes.

python -m ci.release.checks --tested     note that the tests have passed for this commit
python -m ci.release.checks --check      refuse what must not be released
python -m ci.release.checks --collect    check that dist/ is complete, and write the notes to it
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
from pathlib import Path

from ci.boards import ROOT, board_names, load_board
from ci.image.flash_image import read_flash_image
from ci.image.images import DIST, write_checksums
from ci.image.signing import read_manifest
from ci.problem import Problem, run
from ci.build.version import project_version, read_source, write_if_changed

TESTED = ROOT / "build" / "tested"
PAGE = ROOT / "build" / "page" / "index.html"
NOTES = "release-notes.md"
KINDS = ("update.bin", "factory.bin", "app.bin", "update.json", "factory.json", "flash.txt")
KINDS += ("app.json",)
_HEADING = re.compile(r"^## +\[?v?([^\]\s]+)\]?.*$", re.MULTILINE)


def release_notes(changelog: str, version: str) -> str:
    """Return the changelog's section about `version`. Raises Problem if it has none or it is empty."""
    headings = list(_HEADING.finditer(changelog))
    for heading, following in zip(headings, [*headings[1:], None]):
        if heading.group(1) == version:
            section = changelog[heading.end() : following.start() if following else None].strip()
            if section:
                return section + "\n"
    raise Problem(f"CHANGELOG.md says nothing under a heading '## [{version}]': write it first")


def installer_link(repository: str) -> str:
    """Return the notes' first line: where the page of OWNER/NAME is, which installs the release."""
    owner, name = repository.split("/")
    site = f"{owner.lower()}.github.io"
    folder = "" if name.lower() == site else f"{name}/"
    return (
        f"[Install it in the browser](https://{site}/{folder}#tab=install), in Chrome or Edge.\n\n"
    )


def note_tested(root: Path = ROOT) -> None:
    """Remember that the tests passed; not for a tree with changes, which is nobody's commit."""
    source = read_source(root)
    if source.commit and not source.dirty:
        write_if_changed(root / TESTED.relative_to(ROOT), source.commit + "\n")


def check_release(root: Path = ROOT) -> str:
    """Return the version to release. Raises Problem if the tree is not one to release from."""
    source = read_source(root)
    version = project_version(root)
    if source.dirty:
        raise Problem("files were changed since the last commit: commit or undo them first")
    if f"v{version}" not in source.tags:
        raise Problem(
            f"this commit is not tagged v{version}, the version in pyproject.toml: type "
            f"`git tag v{version}` if it is the one to release"
        )
    tested = root / TESTED.relative_to(ROOT)
    if not tested.is_file() or tested.read_text(encoding="utf-8").strip() != source.commit:
        raise Problem(f"commit {source.commit} has not been tested: run `make test` first")
    changelog = root / "CHANGELOG.md"
    release_notes(changelog.read_text(encoding="utf-8") if changelog.is_file() else "", version)
    return version


def page_name(version: str) -> str:
    """Return the name of the page as a file of a release: a teacher keeps it, and opens it from disk."""
    return f"page-v{version}.html"


def check_complete(dist: Path, version: str) -> None:
    """Raise Problem unless `dist` holds the page, every board's files, and no others; images are checked."""
    expected = {f"{name}-v{version}-{kind}" for name in board_names() for kind in KINDS}
    expected.add(page_name(version))
    present = {path.name for path in dist.iterdir()} if dist.is_dir() else set()
    present -= {"SHA256SUMS", NOTES}
    if missing := sorted(expected - present):
        raise Problem(f"{dist} lacks {', '.join(missing)}: build every board again")
    if others := sorted(present - expected):
        raise Problem(f"{dist} holds what is not of this release: remove {', '.join(others)}")
    for name in board_names():
        for kind in ("update", "factory"):
            path = dist / f"{name}-v{version}-{kind}.bin"
            read_flash_image(path, load_board(name).chip)
        application = dist / f"{name}-v{version}-app.bin"
        read_manifest(application.with_suffix(".json"), application.read_bytes())


def unsigned(dist: Path) -> list[str]:
    """Return the names of the -app.json in a complete `dist` that carry no signature."""
    paths = sorted(dist.glob("*-app.json"))
    return [path.name for path in paths if "signature" not in json.loads(path.read_text())]


def collect(dist: Path, version: str, changelog: str, page: Path = PAGE) -> Path:
    """Complete `dist` with the page, the notes and the checksums; return the notes' path."""
    if not page.is_file():
        raise Problem(f"{page} is missing; run 'make page' first")
    dist.mkdir(exist_ok=True)
    shutil.copy(page, dist / page_name(version))
    check_complete(dist, version)
    notes = dist / NOTES
    notes.unlink(missing_ok=True)
    write_checksums(dist)  # of the files that people get: the notes are the release page's text
    repository = os.environ.get("GITHUB_REPOSITORY")  # where GitHub runs this
    link = installer_link(repository) if repository else ""
    notes.write_text(link + release_notes(changelog, version), encoding="utf-8")
    return notes


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="release", description="Release the working tree.")
    step = parser.add_mutually_exclusive_group(required=True)
    step.add_argument("--tested", action="store_true")
    step.add_argument("--check", action="store_true")
    step.add_argument("--collect", action="store_true")
    options = parser.parse_args(arguments)
    if options.tested:
        note_tested()
    elif options.check:
        print(f"version {check_release()} can be released")
    else:
        version = project_version()
        changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        notes = collect(DIST, version, changelog)
        print(f"dist/ is complete for version {version}; the notes are in {notes.name}")
        if names := unsigned(DIST):
            print(
                f"{', '.join(names)}: not signed, so boards will not take this release over the "
                "air; docs/releasing.md tells how to set the key"
            )


if __name__ == "__main__":
    run(main)
