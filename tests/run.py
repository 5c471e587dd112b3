"""Run pytest, and try three times more, alone, what has failed.

    python -m tests.run [what pytest takes ...]

4,000 tests with real processes and real time share two cores with whatever else the machine does: a
pause of a second at the wrong moment fails one of them now and then. A defect fails again. So a run
counts as passed if everything that failed then passes three times of three; these tests are named
last, and in build/reports/. The status is pytest's own otherwise.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TRIES = 3
MAX_TESTS = 3  # what fails more of them is no pause
SECONDS = 240  # for all tries: `make test` takes ten minutes of the fifteen that it may
END_SECONDS = 30  # for a try's fixtures, once it was asked to end
REPORTS = Path(__file__).resolve().parents[1] / "build" / "reports"
TRYING = "TESTS_TRYING"  # in the environment of a try


class Failures:
    """A plugin of pytest: which tests have failed, and which markers were asked for."""

    def __init__(self) -> None:
        self.tests: list[str] = []
        self.markers = ""

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.markers = session.config.option.markexpr
        if session.shouldfail or session.shouldstop:  # -x: the others have not been run
            return
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        reports = [*reporter.stats.get("failed", []), *reporter.stats.get("error", [])]
        self.tests = sorted({to_try(report) for report in reports})


def to_try(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return what is to be run again: the test; its file, where a fixture failed after it.

    A fixture for several tests ends with the last one, and may fail for what an earlier one did.
    """
    return report.nodeid.partition("::")[0] if report.when == "teardown" else report.nodeid


def passes(test: str, markers: str, deadline: float) -> bool:
    """Try a test, or a file, until it fails or has passed all tries; at `deadline` it has failed."""
    command = [sys.executable, "-m", "pytest", "-n0", "-m", markers, test]
    for number in range(1, TRIES + 1):
        print(f"\n== Try {number} of {TRIES}, alone: {test}", flush=True)
        # Not of our process group: Ctrl-C reaches it once, by `end`; a second one cuts fixtures short.
        process = subprocess.Popen(command, env={**os.environ, TRYING: "1"}, process_group=0)
        try:
            if process.wait(max(deadline - time.monotonic(), 0)):
                return False
        except subprocess.TimeoutExpired:
            print(f"== The {SECONDS} s for all tries are over", flush=True)
            return False
        finally:
            end(process)
    return True


def end(process: subprocess.Popen[bytes]) -> None:
    """End a try if it goes on, in a way in which it ends the boards and brokers that it started."""
    try:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        process.kill()


def main(arguments: list[str]) -> int:
    # A job in the background of a script is started to ignore it, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    failures = Failures()
    status = int(pytest.main(arguments, plugins=[failures]))
    failed = failures.tests
    if status != pytest.ExitCode.TESTS_FAILED or not 0 < len(failed) <= MAX_TESTS:
        return status
    deadline = time.monotonic() + SECONDS
    try:
        if not all(passes(test, failures.markers, deadline) for test in failed):
            return status
    except KeyboardInterrupt:
        return int(pytest.ExitCode.INTERRUPTED)
    said = [f"failed, then passed {TRIES} times of {TRIES}, alone: {test}" for test in failed]
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "passed-later.txt").write_text("\n".join(said) + "\n")
    print("", *said, "What depends on a moment there is to be mended all the same.", sep="\n")
    if "GITHUB_ACTIONS" in os.environ:  # shows this on the page of the run, which is green
        for line in said:
            print(f"::warning title=Test passed only when tried again::{line}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
