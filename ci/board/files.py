"""List the files on a board, with their sizes in bytes. The board then goes on as before.

python -m ci.board.files [--port PORT]
"""

from __future__ import annotations

import argparse

from ci.board.ports import find_port
from ci.board.repl import open_repl
from ci.problem import run


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="files", description="List the files on a board.")
    parser.add_argument("--port", default="")
    port = find_port(parser.parse_args(arguments).port)
    with open_repl(port) as repl:
        files = repl.files()
    for path, size in files:
        print(f"{'' if path.endswith('/') else size:>8}  {path}")
    if not files:
        print(f"{port}: there is no file on the board")


if __name__ == "__main__":
    run(main)
