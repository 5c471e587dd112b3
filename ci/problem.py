"""How the tools stop: one sentence that says what is wrong and what to do, and no traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable


class Problem(Exception):
    """Something a person can put right; its text is the sentence they read."""


def run(main: Callable[[list[str]], None]) -> None:
    """Call `main` with the command line's arguments; turn a Problem into exit status 1."""
    try:
        main(sys.argv[1:])
    except Problem as problem:
        sys.exit(f"error: {problem}")
    except (KeyboardInterrupt, EOFError):  # Ctrl-C, or Ctrl-D at a question
        sys.exit("stopped")
