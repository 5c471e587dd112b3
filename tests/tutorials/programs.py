"""Takes the programs out of the tutorials' text, and makes them ready to run.

The text is somebody else's and is not kept here. What is changed in a program is what its reader
would change, credentials and addresses, and in BPI:bit's the capital letters that a translation
put in front of Python's words. Everything else runs as it was printed.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import tempfile
import textwrap
from pathlib import Path

from simulated_board import ROOT

MPYTHON = "mpython-mqtt.rst"
BPI_BIT = "bpi-bit-mqtt.rst"

FETCHED = ROOT / "build" / "tutorials"
CLONE_SECONDS = 30

# Where the two makers publish the texts.
SOURCES = {
    MPYTHON: (
        "https://github.com/labplus-cn/mpython-docs.git",
        "docs/en/tutorials/advance/iot/mqtt.rst",
    ),
    BPI_BIT: ("https://github.com/BPI-STEAM/Doc.git", "source/micropython/advanced/mqtt.rst"),
}


def _git(*arguments: str) -> bytes:
    return subprocess.run(
        ["git", *arguments],
        check=True,
        timeout=CLONE_SECONDS,
        capture_output=True,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
    ).stdout


@functools.cache
def _fetch(name: str) -> bool:
    """Fetch one text into build/tutorials, once; return whether it is there now."""
    repository, path = SOURCES[name]
    FETCHED.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=FETCHED) as clone:
            _git(*"clone -q --depth 1 --filter=blob:none --no-checkout".split(), repository, clone)
            (FETCHED / name).write_bytes(_git("-C", clone, "show", f"HEAD:{path}"))
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def find(name: str) -> Path:
    """Return the path of a tutorial's text: in $TUTORIALS, ../shared/tutorials, build/tutorials."""
    folders = [ROOT.parent / "shared" / "tutorials", FETCHED]
    if "TUTORIALS" in os.environ:
        folders.insert(0, Path(os.environ["TUTORIALS"]))
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    repository, path = SOURCES[name]
    assert _fetch(name), (
        f"the tutorial {name} is missing and could not be fetched; save {path} of {repository} as "
        f"build/tutorials/{name}, or name its folder in the environment variable TUTORIALS"
    )
    return FETCHED / name


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


def fill_in(program: str, values: dict[str, str]) -> str:
    """Replace each key of `values`, which must be in the program exactly once."""
    for old, new in values.items():
        assert program.count(old) == 1, f"{old!r} is in the program {program.count(old)} times"
        program = program.replace(old, new)
    return program


def undo_capitals(program: str) -> str:
    """Take back the capital letter that a translation gave to each line's first word."""
    return re.sub(r"^ *[A-Z]", lambda match: match[0].lower(), program, flags=re.MULTILINE)


def mpython_remote_light(host: str, port: int) -> str:
    """The mPython tutorial's last program, for a broker at host:port."""
    program = next(block for block in blocks(MPYTHON) if "Timer(1)" in block)
    return fill_in(program, {'"182.254.130.180"': f'"{host}"', "SERVER,1883,": f"SERVER,{port},"})


def mpython_steps(host: str, port: int, topic: str) -> str:
    """The mPython tutorial's first steps, which make one program when they are joined."""
    steps = [block for block in blocks(MPYTHON) if "Timer(1)" not in block]
    values = {
        '"182.254.130.180"': f'"{host}"',
        "SERVER,1883,": f"SERVER,{port},",
        "c.subscribe(topic)": f"c.subscribe({topic!r})",
    }
    return fill_in("".join(steps), values)


def bpi_bit_echo(host: str, port: int) -> str:
    """BPI:bit's program, for a broker at host:port."""
    (program,) = blocks(BPI_BIT)
    values = {'"mq.tongxinmao.com"': f'"{host}"', "server_ip, 18830)": f"server_ip, {port})"}
    return fill_in(undo_capitals(program), values)


def wildcard_filters() -> tuple[str, str]:
    """The two topic filters with which the mPython tutorial explains `#` and `+`."""
    text = find(MPYTHON).read_text(encoding="utf-8")
    (many,) = set(re.findall(r"symbol is used in (/\S+/#)", text))
    (one,) = set(re.findall(r"in (/\S+/\+/\S+) ,", text))
    return many, one
