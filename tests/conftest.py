"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulated_board import ROOT, SimulatedBoard, program


@pytest.fixture(scope="session")
def micropython() -> Path:
    """The simulated mPython board's program."""
    return program("mpython")


@pytest.fixture
def run_script(micropython: Path, tmp_path: Path) -> Callable[..., str]:
    """Run a script in the simulated firmware; return its output, fail with it unless it ends in ok."""

    def run(script: Path, *arguments: str, timeout: float = 60) -> str:
        result = subprocess.run(
            [str(micropython), str(script), *arguments],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            text=True,
            errors="replace",
        )
        passed = result.returncode == 0 and result.stdout.rstrip().endswith("ok")
        assert passed, f"{script.name} ended with status {result.returncode}:\n{result.stdout}"
        return result.stdout

    return run


class Mosquitto:
    """A Mosquitto on a free loopback port, which can be killed and started again."""

    def __init__(self, folder: Path, settings: str = "allow_anonymous true\n") -> None:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/sbin:/bin")
        assert program, "mosquitto is missing; type: sudo apt-get install mosquitto"
        self.program = program
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.host = "127.0.0.1"
        self.config = folder / "mosquitto.conf"
        self.config.write_text(f"listener {self.port} 127.0.0.1\n{settings}")
        self.log = folder / "mosquitto.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-v", "-c", str(self.config)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection((self.host, self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, "mosquitto did not listen within 10 s"
                time.sleep(0.02)

    def stop(self, kill: bool = False) -> None:
        if self.process is not None:
            if kill:
                self.process.kill()
            else:
                self.process.terminate()
            self.process.wait(10)
            self.process = None


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A running Mosquitto that lets everybody in."""
    broker = Mosquitto(tmp_path)
    broker.start()
    yield broker
    broker.stop()


def passwords(folder: Path) -> list[str]:
    """Return the passwords in the config.json of a simulated board's flash."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        values = json.loads((folder / "config.json").read_text())
        found = [values.get(section, {}).get("password") for section in ("wifi", "mqtt")]
        return [secret for secret in found if isinstance(secret, str) and len(secret) > 5]
    return []


@pytest.fixture(autouse=True)
def no_board_tells_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test does to a board: it does not print a password of its configuration."""
    leave = SimulatedBoard.__exit__

    def leave_and_search(board: SimulatedBoard, *exception: object) -> None:
        secrets = passwords(board.flash)
        leave(board, *exception)
        printed = "\n".join(board.lines)
        assert not [secret for secret in secrets if secret in printed], board.tail()

    monkeypatch.setattr(SimulatedBoard, "__exit__", leave_and_search)


REPORTS = ROOT / "build" / "reports"


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):  # not in each of pytest-xdist's processes
        shutil.rmtree(REPORTS, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The soak takes longer than anything else; begun first, it runs beside all the others.
    items.sort(key=lambda item: "test_soak_for" not in item.name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for path in sorted(REPORTS.glob("*.txt")):
        terminalreporter.section(path.stem)
        terminalreporter.write(path.read_text())


@pytest.fixture(scope="session")
def report() -> Callable[[str, str], None]:
    """Keep a text in build/reports/<name>.txt, and print it when all tests have run."""

    def keep(name: str, text: str) -> None:
        REPORTS.mkdir(parents=True, exist_ok=True)
        (REPORTS / f"{name}.txt").write_text(text + "\n")

    return keep


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the project."""
    return ROOT
