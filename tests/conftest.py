"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import simulated_board
from ci.boards import Board, board_names, load_board
from simulated_board import DEFAULT_BOARD, ROOT, SimulatedBoard, program
from tests.classroom import ACCESS_POINT, Person, settings
from tests.microcontroller import Microcontroller
from tests.mosquitto import Mosquitto
from tests.run import REPORTS, TRYING
from tests.tls import Certificates

os.environ["ESPTOOL_CFGFILE"] = str(ROOT / "tests" / "tools" / "esptool.cfg")  # read at its import

if TYPE_CHECKING:  # Playwright is there for `make test-browser` alone
    from playwright.sync_api import Browser, Playwright

    from tests.browser import Visitor


@pytest.fixture(scope="session")
def micropython() -> Path:
    """A simulated board's program."""
    return program(DEFAULT_BOARD)


@pytest.fixture(scope="session")
def some_board() -> Board:
    """A board, where it does not matter which."""
    return load_board(DEFAULT_BOARD)


@pytest.fixture(params=board_names())
def board(request: pytest.FixtureRequest) -> Board:
    """Each board in turn."""
    return load_board(request.param)


@pytest.fixture
def run_script(
    micropython: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., str]:
    """Run a script in the simulated firmware; return its output, fail with it unless it ends in ok."""

    def run(script: Path, *arguments: str, timeout: float = 600) -> str:
        # Its folder comes before the frozen modules: a script clock.py would import itself.
        program = tmp_path_factory.mktemp("program") / "program.py"
        shutil.copy(script, program)
        result = subprocess.run(
            [str(micropython), str(program), *arguments],
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


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A running Mosquitto that lets everybody in."""
    with Mosquitto(tmp_path) as broker:
        yield broker


@pytest.fixture
def faults_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A Mosquitto that does not log: thousands of conversations are held with it."""
    broker = Mosquitto(tmp_path, "allow_anonymous true\nlog_type error\nmax_inflight_messages 0\n")
    broker.start()
    yield broker
    broker.stop(kill=True)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def person(mosquitto: Mosquitto) -> Iterator[Person]:
    client = Person(mosquitto, "light/#")
    yield client
    client.close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers; a process can have it once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    from tests.browser import start_chromium

    with start_chromium(playwright) as browser:
        yield browser


@pytest.fixture
def visitor(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A person with a browser."""
    from tests.browser import Visitor

    person = Visitor(chromium, request.node.name)
    yield person
    person.leave()


@pytest.fixture
def boot(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Callable[..., SimulatedBoard]]:
    """Boot a simulated board; `config` replaces the configuration, None leaves none."""
    with ExitStack() as stack:

        def start(
            board: str = DEFAULT_BOARD,
            config: Any = ...,
            files: dict[str, str] = {},
            **options: Any,
        ) -> SimulatedBoard:
            flash = tmp_path / "flash"
            flash.mkdir(exist_ok=True)
            if config is ...:
                config = settings(mosquitto)
            if config is not None:
                text = config if isinstance(config, str) else json.dumps(config)
                (flash / "config.json").write_text(text)
            for name, content in files.items():
                (flash / name).write_text(content)
            options.setdefault("access_points", (ACCESS_POINT,))
            return stack.enter_context(SimulatedBoard(board, flash=flash, **options))

        yield start


def passwords(folder: Path) -> list[str]:
    """Return the passwords in the config.json of a simulated board's flash."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        values = json.loads((folder / "config.json").read_text())
        wifi = values.get("wifi", {})
        sections = [values.get("mqtt", {}), *(wifi if isinstance(wifi, list) else [wifi])]
        found = [section.get("password") for section in sections]
        return [secret for secret in found if isinstance(secret, str) and len(secret) > 5]
    return []


@pytest.fixture(autouse=True)
def no_board_tells_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test does to a board: it does not print a password of its configuration."""
    leave = SimulatedBoard.__exit__

    def leave_and_search(board: SimulatedBoard, *exception: object) -> None:
        # A tool on a serial port may read the file itself.
        secrets = [] if board.serial else passwords(board.flash)
        leave(board, *exception)
        printed = "\n".join(board.lines)
        assert not [secret for secret in secrets if secret in printed], board.tail()

    monkeypatch.setattr(SimulatedBoard, "__exit__", leave_and_search)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of `script` is run for each file in the folder scripts/ beside it."""
    if "script" in metafunc.fixturenames:
        scripts = sorted((metafunc.definition.path.parent / "scripts").glob("*.py"))
        assert scripts, f"{metafunc.definition.path} has no scripts"
        metafunc.parametrize("script", scripts, ids=[path.stem for path in scripts])


def pytest_sessionstart(session: pytest.Session) -> None:
    is_worker = hasattr(session.config, "workerinput")  # one of pytest-xdist's processes
    is_all = not session.config.option.collectonly and TRYING not in os.environ
    if not is_worker and is_all:
        shutil.rmtree(REPORTS, ignore_errors=True)


# The marker (see pyproject.toml) that comes with a fixture.
NEEDS = {"micropython": "simulator", "boot": "simulator", "mosquitto": "mosquitto"}
NEEDS |= {"faults_broker": "mosquitto", "make_broker": "mosquitto", "compare": "compiler"}
NEEDS |= {"visitor": "browser"}


def pytest_itemcollected(item: pytest.Item) -> None:
    for fixture in getattr(item, "fixturenames", ()):
        if fixture in NEEDS:
            item.add_marker(NEEDS[fixture])


@pytest.fixture(autouse=True)
def needs_are_marked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test starts nothing that its markers do not name."""
    starts = {
        "simulator": (simulated_board, "program"),
        "mosquitto": (Mosquitto, "start"),
        "qemu": (Microcontroller, "__init__"),
    }
    for marker, (owner, name) in starts.items():
        if request.node.get_closest_marker(marker) is None:

            def refuse(*_: object, marker: str = marker) -> None:
                raise AssertionError(f"mark this test or its file: pytest.mark.{marker}")

            monkeypatch.setattr(owner, name, refuse)


X86_64 = "x86_64"  # platform.machine()'s name, and the marker of what runs nowhere else

# `make test` has no Playwright, which these import.
_OF_PLAYWRIGHT = ["page", "setup/test_browser.py", "setup/test_improv_clients.py"]
collect_ignore = [] if importlib.util.find_spec("playwright") else _OF_PLAYWRIGHT

# Left out unless -m names them: `make test` does not bring what they need.
ON_DEMAND = ("brokers", "browser", "home_assistant", "makers")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # By no `-m` in addopts: a person's own, in TESTS=, would replace that one.
    left_out = [marker for marker in ON_DEMAND if marker not in config.option.markexpr]
    if platform.machine() != X86_64:
        left_out.append(X86_64)
    dropped = [item for item in items if any(map(item.get_closest_marker, left_out))]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]
    # The soak takes longer than anything else; begun first, it runs beside all the others.
    items.sort(key=lambda item: "test_soak_for" not in item.name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if platform.machine() != X86_64:
        terminalreporter.write_line(
            "Not run: the C matcher compiled for 32 bits, and the fuzzer of the MQTT session; "
            f"gcc-multilib and atheris are for {X86_64}, this is {platform.machine()}."
        )
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
