"""Copy a file to a board, or to every board plugged in, and restart it.

    python -m ci.board.put --file lamp.py [--as /handlers.py] [--port PORT]

The file replaces the board's at once, and only if it has arrived whole.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ci.board.device_config import config_module
from ci.board.ports import find_ports
from ci.board.repl import Repl, open_repl
from ci.problem import Problem, run


def _read(file: str) -> bytes:
    if not file:
        raise Problem(
            "which file? Type make put FILE=lamp.py, or add AS=/handlers.py to rename it"
        )
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Problem(f"{file} cannot be read: {error.strerror}") from error


def _target(repl: Repl, asked: str, file: str) -> str:
    """Return the path on the board: what was asked for, or in that folder, or the file's name."""
    path = "/" + asked.strip("/")
    if path == "/" or asked.endswith("/") or repl.is_folder(path):
        path = path.rstrip("/") + "/" + Path(file).name
    if path == config_module().PATH:
        raise Problem(f"make config FILE={file} writes {path}: it checks it first")
    return path


def put(port: str, file: str, data: bytes, asked: str) -> None:
    """Copy `data`, the content of `file`, to one board and restart it. Raises Problem."""
    with open_repl(port) as repl:
        path = _target(repl, asked, file)
        repl.make_folders(path)
        repl.replace_file(path, data)
        repl.restart()
    print(f"{port}: {file} is {path} there, {len(data)} bytes; the board restarts.", flush=True)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="put", description="Copy a file to a board.")
    parser.add_argument("--port", default="")
    parser.add_argument("--file", default="")
    parser.add_argument("--as", dest="path", default="", help="its path on the board")
    options = parser.parse_args(arguments)
    data = _read(options.file)
    for port in find_ports(options.port):
        put(port, options.file, data, options.path)


if __name__ == "__main__":
    run(main)
