"""Instructions that a program takes, as valgrind's callgrind counts them."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path


def _run(command: tuple[str | Path, ...], *options: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    result = subprocess.run(
        ["valgrind", "--tool=callgrind", *options, *command], capture_output=True, env=environment
    )
    errors = result.stderr.decode()
    assert result.returncode == 0, (command, errors[-3000:])
    return errors


def count(*command: str | Path) -> int:
    """Return how many a run of the program takes, from its start to its end, which must be a good one."""
    found = re.search(r"Collected : (\d+)", _run(command, "--callgrind-out-file=/dev/null"))
    assert found, command
    return int(found[1])


def count_pieces(*command: str | Path) -> list[int]:
    """Return how many each piece of a run takes: what stands between two calls of libc's unsetenv, which
    are the program's marks, one before and one after each piece."""
    with tempfile.TemporaryDirectory() as folder:
        _run(command, "--dump-before=unsetenv", f"--callgrind-out-file={folder}/part")
        parts = sorted(Path(folder).glob("part.*"), key=lambda part: int(part.suffix[1:]))
        assert parts and len(parts) % 2 == 0, (command, parts)
        # Each ends at a mark, the first and every second one at one before a piece.
        return [_read_total(part) for part in parts[1::2]]


def _read_total(part: Path) -> int:
    found = re.search(r"^(?:totals|summary): (\d+)$", part.read_text(), re.MULTILINE)
    assert found, part
    return int(found[1])
