"""Try every make target in a fresh clone, in its shortest form, with nothing built or fetched before.

    python -m tests.targets             all of them, as `make test-targets` does
    python -m tests.targets bench put   some of them

A target without an entry here is an error, so that a new one is tried, too. What needs a compiler for
the chip, a board at a port or an emulator is tried without it: then it must say so in a sentence. The
targets for a board at a port are tried with the simulated one that `make run PTY=1` puts there.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pty
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ci.boards import ROOT
from ci.problem import Problem, run

_DISK = "build/run/mpython"


@dataclass(frozen=True)
class Try:
    """One call of make in the clone: its arguments, and what must be seen of it."""

    arguments: str
    says: str = ""  # a regular expression
    fails: bool = False
    board: bool = False  # at a serial port, which PORT= names
    terminal: str = ""  # is given one; this is typed once it has said what it should


# In this order: what is built by one target must not be what another one lacks.
TRIES: dict[str, tuple[Try, ...]] = {
    "help": (Try("help", "make bench"),),
    "hello": (Try("", "make run"),),
    "boards": (Try("boards", "mpython"), Try("boards JSON=1", r"\[.*bpi-bit")),
    "version": (Try("version", r"\d+\.\d+"),),
    "docs-config": (Try("docs-config", "docs/config.md"),),
    "flash": (
        Try("flash FILE=README.md", "error: README.md", fails=True),
        Try("flash", "error: ", fails=True),
    ),
    "erase": (Try("erase PORT=/dev/null", "error: ", fails=True),),
    "bench": (
        Try("bench BENCH=typo", "there is no benchmark 'typo'", fails=True),
        Try("bench BENCH=device", "device: heap used"),
    ),
    "run": (Try("run SECONDS=30", "it worked"), Try("run BOARD=bpi-bit SECONDS=30", "it worked")),
    "put": (Try(f"put FILE={_DISK}/lesson.py AS=/lesson.py", "", board=True),),
    "files": (Try("files", "config.json", board=True),),
    "config": (
        Try("config SHOW=1", r'"password": "\*+"', board=True),
        Try(f"config FILE={_DISK}/config.json", "mqtt: connected", board=True),
    ),
    "monitor": (
        Try("monitor PORT=/dev/null", "cannot be opened", fails=True),
        Try("monitor", "Connected to MicroPython", board=True, terminal="\x1d"),
    ),
    "fuzz": (Try("fuzz SECONDS=10"), Try("fuzz FUZZ=update SECONDS=10")),
    "faults": (Try("faults PYTEST_ADDOPTS='-k within_message'", "passed|100%"),),
    "soak": (Try("soak HOURS=0.005", "latency, worst"),),
    "swarm": (Try("swarm BOARDS=3", "boards"),),
    "test": (Try("test TESTS=tests/config/test_config.py", "100%"),),
    "test-mcu": (Try("test-mcu", "100%"),),
    "lint": (Try("lint"),),
    "format": (Try("format"),),
    "docs": (Try("docs"),),
    "page": (Try("page"),),
    "check": (Try("check BOARD=mpython"),),
    "build": (
        Try("build BOARD=mpython", r"error: .*(ESP-IDF|images are built from)", fails=True),
    ),
    "font": (Try("font", "the same as before"),),
    "ota-key": (Try("ota-key KEY=build/key.pem"),),
    "ota": (Try("ota", "error: .*BROKER=host", fails=True),),
    "offer": (Try("offer NONE=1", "error: .*BROKER=host", fails=True),),
    "image": (Try("image", "error: .*make build", fails=True),),
    "smoke": (Try("smoke", "error: ", fails=True),),
    "release-check": (Try("release-check", "error: ", fails=True),),
    "release": (Try("release", "error: ", fails=True),),
    "release-collect": (Try("release-collect", "error: ", fails=True),),
    "installer": (Try("installer", "error: ", fails=True),),
    "clean": (Try("clean"),),
}

# Long, and tried by what CI runs in a clone of its own; and this program.
ELSEWHERE = {
    "test-brokers",
    "test-browser",
    "test-ha",
    "test-class",
    "test-tutorials",
    "test-workflows",
    "test-targets",
}


def targets(root: Path) -> set[str]:
    """Return the targets that `make help` lists."""
    return set(re.findall(r"^([a-z-]+):.*##", (root / "Makefile").read_text(), re.MULTILINE))


@contextlib.contextmanager
def board_at_port(clone: Path) -> Iterator[str]:
    """Put a simulated board on a serial port; give the port's name once the board is online."""
    command = ["make", "-s", "run", "PTY=1"]
    with subprocess.Popen(
        command, cwd=clone, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as player:
        try:
            port = ""
            assert player.stdout
            for line in player.stdout:
                port = line.split()[-1] if line.startswith("serial port: ") else port
                if line.startswith("board: mqtt: subscribed"):
                    break
            (clone / _DISK / "lesson.py").write_text("print('hello')\n")
            yield port
        finally:
            player.communicate("quit\n")


def call(each: Try, clone: Path, port: str) -> tuple[int, str]:
    """Call make; return its status and what it said."""
    command = f"make {each.arguments}" + (f" PORT={port}" if port else "")
    if not each.terminal:
        result = subprocess.run(
            command,
            shell=True,
            cwd=clone,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return result.returncode, result.stdout
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(clone)
        os.execvp("bash", ["bash", "-c", command])
    said = ""
    typed = False
    with contextlib.suppress(OSError):  # the other side has closed
        while data := os.read(terminal, 4096):
            said += data.decode(errors="replace")
            if not typed and re.search(each.says, said):
                typed = True
                os.write(terminal, each.terminal.encode())
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), said


def find_fault(each: Try, status: int, said: str) -> str:
    """Return what is wrong with the outcome; empty if nothing is."""
    if (status != 0) != each.fails:
        return f"ended with status {status}"
    if "Traceback" in said:
        return "ended with a traceback"
    if not re.search(each.says, said):
        return f"did not say {each.says!r}"
    return ""


def try_one(name: str, clone: Path, progress: Callable[[str], None]) -> list[str]:
    """Try a target in each of its ways; return what is wrong."""
    faults = []
    for each in TRIES[name]:
        began = time.monotonic()
        with board_at_port(clone) if each.board else contextlib.nullcontext("") as port:
            status, said = call(each, clone, port)
        fault = find_fault(each, status, said)
        progress(f"{time.monotonic() - began:6.0f} s  make {each.arguments}  {fault or 'ok'}")
        if fault:
            faults.append(f"make {each.arguments}: {fault}")
            progress("\n".join(f"          {line}" for line in said.splitlines()[-12:]))
    return faults


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="targets", description="Try make's targets in a clone.")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--clone", type=Path, help="one that is there already, to try again in")
    options = parser.parse_args(arguments)
    untold = targets(ROOT) ^ (TRIES.keys() | ELSEWHERE)
    if untold:
        raise Problem(f"tests/targets.py and the Makefile differ in: {', '.join(sorted(untold))}")
    if unknown := set(options.names) - TRIES.keys():
        raise Problem(f"no such target here: {', '.join(sorted(unknown))}")
    folder = options.clone or Path(tempfile.mkdtemp(prefix="targets-"))
    try:
        if not options.clone:
            subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
        faults = []
        for name in options.names or TRIES:
            faults += try_one(name, folder, lambda line: print(line, flush=True))
    finally:
        if not options.clone:
            shutil.rmtree(folder, ignore_errors=True)
    if faults:
        raise Problem("\n".join(faults))


if __name__ == "__main__":
    run(main)
