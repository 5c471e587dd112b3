"""The firmware's version, and the frozen module `version` that tells it on the board.

The version stands in pyproject.toml. A build from the commit tagged v<version>, unchanged, is
called by it alone; any other adds the commit: 1.2.0-g1a2b3c4d, and -dirty if files were changed
since, or were added where all that lies in a folder is built. Only the standard library: the board's manifest runs this file with whatever Python builds
MicroPython.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Not tomllib: ESP-IDF's older containers have Python 3.10.
_PROJECT_VERSION = re.compile(
    r'^\[project\](?:\n(?!\[).*)*\nversion = "(\d+\.\d+\.\d+)"', re.MULTILINE
)
_MICROPYTHON_NUMBER = re.compile(r"#define MICROPY_VERSION_(?:MAJOR|MINOR|MICRO)\s+(\d+)")
_BUILT = ("boards", "firmware", "modules")  # what lies here is built, tracked or not
_MICROPYTHON_PREVIEW = re.compile(r"#define MICROPY_VERSION_PRERELEASE\s+1")


@dataclass(frozen=True)
class Source:
    """What git knows of a source tree. Empty strings where there is no git."""

    commit: str
    tags: tuple[str, ...]
    dirty: bool
    timestamp: int


def _git(tree: Path, *arguments: str) -> str | None:
    # A container builds as another user than the owner of the files; safe.directory allows that.
    command = ["git", "-C", str(tree), "-c", "safe.directory=*", *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def read_source(tree: Path) -> Source:
    """Return the state of the git repository whose top folder is `tree`."""
    top = _git(tree, "rev-parse", "--show-toplevel")
    commit = _git(tree, "rev-parse", "--short=8", "HEAD")
    if top is None or commit is None or Path(top).resolve() != tree.resolve():
        return Source("", (), False, 0)  # an unpacked archive, perhaps inside another repository
    tags = (_git(tree, "tag", "--points-at", "HEAD") or "").split()
    changed = _git(tree, "status", "--porcelain", "--untracked-files=no")
    added = _git(tree, "ls-files", "--others", "--exclude-standard", "--", *_BUILT)
    dirty = bool(changed or added)
    return Source(commit, tuple(tags), dirty, int(_git(tree, "log", "-1", "--format=%ct") or 0))


def project_version(root: Path = ROOT) -> str:
    """Return the version in the pyproject.toml of `root`. Raises ValueError if it has none."""
    path = root / "pyproject.toml"
    match = _PROJECT_VERSION.search(path.read_text(encoding="utf-8"))
    if match is None:
        raise ValueError(f'{path} has no version = "1.2.3" under [project]')
    return match.group(1)


def firmware_version(version: str, source: Source) -> str:
    """Return what a build of `version` from `source` is called."""
    if f"v{version}" in source.tags and not source.dirty:
        return version
    return version + (f"-g{source.commit}" if source.commit else "") + "-dirty" * source.dirty


def current_version(root: Path = ROOT) -> str:
    """Return the version of the project's working tree."""
    return firmware_version(project_version(root), read_source(root))


def micropython_version(tree: Path) -> str:
    """Return the version, as v1.2.3 or v1.2.3-preview, of the MicroPython source in `tree`."""
    text = (tree / "py" / "mpconfig.h").read_text(encoding="utf-8")
    numbers = _MICROPYTHON_NUMBER.findall(text)
    if len(numbers) != 3:
        raise ValueError(f"{tree}/py/mpconfig.h does not tell MicroPython's version")
    return "v" + ".".join(numbers) + "-preview" * bool(_MICROPYTHON_PREVIEW.search(text))


def _micropython_source(tree: Path) -> tuple[str, str]:
    """Return the commit of the MicroPython source in `tree`, and the names of our patches in it."""
    patched = tree / "patched"  # in the copy that ci/build/build.sh makes
    if patched.is_file():
        commit, *patches = patched.read_text(encoding="utf-8").split("\n")
        return commit, " ".join(patches).strip()
    return read_source(tree).commit, ""


def source_date(root: Path = ROOT) -> int:
    """Return the time that a build of the project says it is from: its commit's, not today's."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", read_source(root).timestamp))


def module_text(micropython: Path, root: Path = ROOT) -> str:
    """Return the source of the frozen module `version`."""
    commit, patches = _micropython_source(micropython)
    date = datetime.fromtimestamp(source_date(root), timezone.utc)
    values = {
        "VERSION": current_version(root),
        "DATE": date.strftime("%Y-%m-%d"),
        "COMMIT": read_source(root).commit,
        "MICROPYTHON": micropython_version(micropython),
        "MICROPYTHON_COMMIT": commit,
        "MICROPYTHON_PATCHES": patches,
    }
    lines = ["# Generated by ci/build/version.py."]
    lines += [f'{name} = "{value}"' for name, value in values.items()]
    return "\n".join(lines) + "\n"


def write_if_changed(path: Path, text: str) -> None:
    """Write `text`, leaving a file that already holds it untouched, so that nothing is rebuilt."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Print the firmware's version, or write it.")
    parser.add_argument("--epoch", action="store_true", help="print the source's date instead")
    parser.add_argument(
        "--micropython",
        type=Path,
        help="MicroPython's source, or a file in its tools/; print its version instead",
    )
    parser.add_argument("--output", type=Path, help="write the frozen module here, print nothing")
    options = parser.parse_args(arguments)
    if options.epoch:
        print(source_date())
    elif options.micropython is None:
        print(f"version={current_version()}")
    else:
        path = options.micropython.resolve()
        tree = path.parents[1] if path.is_file() else path
        if options.output is None:
            print(micropython_version(tree))
        else:
            write_if_changed(options.output, module_text(tree))


if __name__ == "__main__":
    main(sys.argv[1:])
