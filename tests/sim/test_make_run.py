"""`make run`, as a person types it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ci.boards import Board
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.simulator

PLAYER = Path("boards") / "sim" / "host" / "remote_light.py"


def make_run(root: Path, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-s", "run", *arguments],
        cwd=root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def board_processes(marker: str) -> set[int]:
    """Return the simulated boards on this machine whose environment holds `marker`."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_board = "/build/sim-" in os.readlink(folder / "exe")
            if is_board and marker.encode() in (folder / "environ").read_bytes():
                found.add(int(folder.name))
        except OSError:
            pass  # it has ended, or belongs to somebody else
    return found


def test_scenario_happens_with_built_in_broker(root: Path) -> None:
    result = make_run(root, "SECONDS=15")
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    on = next(i for i, line in enumerate(lines) if line == "board: lights: on #ffffff 100%")
    off = next(i for i, line in enumerate(lines) if line == "board: lights: off")
    assert on < off
    assert any(re.fullmatch(r"leds: all #(?!000000)\w{6}", line) for line in lines)
    assert "\x1b" not in result.stdout, "plain lines where there is no terminal"
    assert int(re.findall(r"pings answered: (\d+)", result.stdout)[-1]) >= 1


def test_each_board_plays_with_broker_of_ones_own(
    root: Path, mosquitto: Mosquitto, board: Board
) -> None:
    result = make_run(
        root, f"BOARD={board.name}", f"BROKER=127.0.0.1:{mosquitto.port}", "SECONDS=10"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"broker: 127.0.0.1:{mosquitto.port}" in result.stdout
    assert board.name in mosquitto.log.read_text()


def test_too_short_run_says_what_is_missing(root: Path) -> None:
    result = make_run(root, "SECONDS=0.1")
    assert result.returncode != 0
    assert "error: the LEDs never went on" in result.stderr


def test_unreachable_broker_is_one_sentence(root: Path) -> None:
    start = time.monotonic()
    result = make_run(root, "BROKER=127.0.0.1:1", "SECONDS=15")
    assert result.returncode != 0
    assert "error: no broker answers at 127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr
    assert time.monotonic() - start < 15


def test_what_person_types_is_published(root: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(PLAYER), "--seconds", "9"],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as player:
        assert player.stdin
        time.sleep(6)
        player.stdin.write("#ff8000\n255,128,1\nmpython/light 40%\n")
        player.stdin.write('{"state": "ON", "brightness": 204}\nnonsense\n')
        player.stdin.flush()
        output = player.communicate(timeout=30)[0]
    assert "board: lights: on #ff8000 100%" in output
    assert "board: lights: on #ff8001 100%" in output
    assert "board: lights: on #ff8001 40%" in output
    assert "board: lights: on #ff8001 80%" in output, "JSON with spaces is no topic"
    assert output.count("type on, off, #ff8000") == 2, "the second answers nonsense"


@pytest.mark.parametrize("moment", ["starting", "loading", "running"])
def test_ctrl_c_leaves_no_process_behind(root: Path, moment: str) -> None:
    marker = f"LEFT_BEHIND_TEST={os.getpid()}-{moment}"
    name, value = marker.split("=")
    with subprocess.Popen(
        [sys.executable, str(PLAYER)],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, name: value},
    ) as player:
        time.sleep({"starting": 0.3, "loading": 1.0}.get(moment, 0))
        deadline = time.monotonic() + 20
        while moment == "running" and not board_processes(marker):
            assert time.monotonic() < deadline, "no simulated board within 20 s"
            time.sleep(0.05)
        player.send_signal(signal.SIGINT)
        _, errors = player.communicate(timeout=20)
    assert b"Traceback" not in errors
    deadline = time.monotonic() + 2
    while board_processes(marker):
        assert time.monotonic() < deadline, "a board outlives its player"
        time.sleep(0.05)
