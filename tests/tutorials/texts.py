"""The two makers' tutorials: where their texts are, and the programs in them.

The texts are somebody else's and are not kept in this tree. `make test-tutorials` finds them in
the folder TUTORIALS, in ../shared/tutorials or in build/tutorials, or fetches them to the latter.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from simulated_board import ROOT

MPYTHON = "mpython-mqtt.rst"
BPI_BIT = "bpi-bit-mqtt.rst"

FETCHED = ROOT / "build" / "tutorials"
CLONE_SECONDS = 30
PAUSE = 3  # seconds before the second attempt, as in ci/build/fetch.sh

# Where the two makers publish the texts, and the commit that is read: what they write next must not
# fail a test here.
SOURCES = {
    MPYTHON: (
        "https://github.com/labplus-cn/mpython-docs.git",
        "553001ffe89bf994ff5aad47adae11cc498d19af",
        "docs/en/tutorials/advance/iot/mqtt.rst",
    ),
    BPI_BIT: (
        "https://github.com/BPI-STEAM/Doc.git",
        "51bd301c7574078bf298540ca1837f932f733eb4",
        "source/micropython/advanced/mqtt.rst",
    ),
}


def _git(*arguments: str) -> bytes:
    return subprocess.run(
        ["git", *arguments],
        check=True,
        timeout=CLONE_SECONDS,
        capture_output=True,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
    ).stdout


def _fetch(name: str) -> None:
    """Fetch a text to build/tutorials; blocks for at most 60 s. Raises SubprocessError."""
    repository, commit, path = SOURCES[name]
    folder = FETCHED / commit
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FETCHED) as clone:
        _git("init", "-q", clone)
        _git("-C", clone, "remote", "add", "origin", repository)
        _git("-C", clone, "fetch", "-q", "--depth=1", "--filter=blob:none", "origin", commit)
        (folder / name).write_bytes(_git("-C", clone, "show", f"{commit}:{path}"))


def _fetch_persistently(name: str) -> None:
    """Fetch a text, and once more if git failed: one refused connection is no reason to give up."""
    try:
        _fetch(name)
    except subprocess.CalledProcessError:
        time.sleep(PAUSE)
        _fetch(name)


def _folders(name: str) -> list[Path]:
    """Return where a text may be. A folder that a person names is the only one."""
    if os.environ.get("TUTORIALS"):
        return [Path(os.environ["TUTORIALS"])]
    return [ROOT.parent / "shared" / "tutorials", FETCHED / SOURCES[name][1]]


def find(name: str) -> Path:
    """Return the path of a tutorial's text. Raises FileNotFoundError."""
    folders = _folders(name)
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"there is no {name} in {' or '.join(map(str, folders))}")


def blocks(name: str) -> list[str]:
    """Return the tutorial's code blocks, in their order, without their indentation."""
    # BPI:bit's text is indented with no-break spaces, which a web page shows as spaces.
    text = find(name).read_text(encoding="utf-8").replace("\xa0", " ").expandtabs(4)
    lines = text.splitlines()
    found = []
    position = 0
    while position < len(lines):
        line = lines[position].strip()
        position += 1
        # A directive, or a paragraph that ends with two colons.
        if line != ".. code:: python" and (line.startswith("..") or not line.endswith("::")):
            continue
        block = []
        while position < len(lines) and (not lines[position].strip() or lines[position][0] == " "):
            block.append(lines[position])
            position += 1
        found.append(textwrap.dedent("\n".join(block)).strip("\n") + "\n")
    return found


def undo_capitals(program: str) -> str:
    """Take back the capital letter that a translation gave to each line's first word."""
    return re.sub(r"^ *[A-Z]", lambda match: match[0].lower(), program, flags=re.MULTILINE)


def mpython_first_steps() -> str:
    """Return the mPython tutorial's first steps, which make one program when they are joined."""
    return "".join(block for block in blocks(MPYTHON) if "Timer(1)" not in block)


def mpython_remote_light() -> str:
    """Return the mPython tutorial's last program."""
    return next(block for block in blocks(MPYTHON) if "Timer(1)" in block)


def mpython_wildcards() -> tuple[str, str]:
    """Return the topic filters with which the mPython tutorial explains `#` and `+`."""
    text = find(MPYTHON).read_text(encoding="utf-8")
    (many,) = set(re.findall(r"symbol is used in (/\S+/#)", text))
    (one,) = set(re.findall(r"in (/\S+/\+/\S+) ,", text))
    return many, one


def bpi_bit_echo() -> str:
    """Return BPI:bit's program, in Python's own spelling."""
    (program,) = blocks(BPI_BIT)
    return undo_capitals(program)


def main() -> None:
    """Make sure that both texts are there; end with one sentence if they cannot be had."""
    for name in SOURCES:
        try:
            find(name)
            continue
        except FileNotFoundError as error:
            missing = str(error)
        if not os.environ.get("TUTORIALS"):
            try:
                _fetch_persistently(name)
                continue
            except subprocess.TimeoutExpired:
                missing += f", and fetching it took longer than {CLONE_SECONDS} s"
            except subprocess.CalledProcessError as error:
                reason = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
                missing += f", and it cannot be fetched ({reason})"
        repository, commit, path = SOURCES[name]
        sys.exit(
            f"error: {missing}; save {path} of {repository}, commit {commit}, as {name} in a folder and type: "
            "make test-tutorials TUTORIALS=/that/folder"
        )


if __name__ == "__main__":
    main()
