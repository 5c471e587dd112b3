"""Lets CPython import what is written for the firmware."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]


@contextlib.contextmanager
def firmware_modules() -> Iterator[None]:
    """Within it `umqtt.protocol` can be imported."""
    added = [str(FOLDER / "shim"), str(ROOT / "modules")]
    sys.path[:0] = added
    try:
        yield
    finally:
        for folder in added:
            sys.path.remove(folder)
