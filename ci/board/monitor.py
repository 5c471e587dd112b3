"""Show what a board prints, and type to it: mpremote's terminal. Ctrl-] leaves it.

python -m ci.board.monitor [--port PORT]
"""

from __future__ import annotations

import argparse
import os
import sys

from serial import Serial

from ci.board.ports import cannot_open, find_port
from ci.problem import run


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="monitor", description="Open a board's terminal.")
    parser.add_argument("--port", default="")
    port = find_port(parser.parse_args(arguments).port)
    try:
        Serial(port, exclusive=True).close()
    except OSError as error:
        raise cannot_open(port) from error
    os.execv(sys.executable, [sys.executable, "-m", "mpremote", "connect", port, "repl"])


if __name__ == "__main__":
    run(main)
