"""What the pages show beside tests of their own: each example runs as it stands.

Only addresses are replaced; the clients of Mosquitto are told their port by their options files.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulated_board import SimulatedBoard
from tests.classroom import Person, wait_subscribed
from tests.mosquitto import Mosquitto
from tests.umqtt.client_program import ClientProgram

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

Shell = Callable[[str], subprocess.Popen[str]]

BOARD = "a4cf12345678"
DISCOVERY = f"homeassistant/device/{BOARD}/config"


def shown(root: Path, page: str, language: str = "python") -> list[str]:
    """Return the code blocks of a page."""
    text = (root / "docs" / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def shell(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """Run a command of a page, with `<id>` filled in."""
    for name in ("mosquitto_pub", "mosquitto_sub"):
        (tmp_path / name).write_text(f"-h {mosquitto.host}\n-p {mosquitto.port}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with ExitStack() as stack:

        def start(command: str) -> subprocess.Popen[str]:
            arguments = shlex.split(command.replace("<id>", BOARD))
            process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
            stack.callback(process.communicate)
            stack.callback(process.kill)
            return process

        yield start


@pytest.fixture
def person(mosquitto: Mosquitto) -> Iterator[Person]:
    client = Person(mosquitto)
    yield client
    client.close()


def test_forgotten_board_is_gone(
    root: Path, shell: Shell, mosquitto: Mosquitto, person: Person
) -> None:
    page = (root / "docs" / "home-assistant.md").read_text()
    watch, forget = (
        "mosquitto_sub -t 'homeassistant/#' -v",
        "mosquitto_pub -r -n -t homeassistant/device/<id>/config",
    )
    assert f"`{watch}`" in page and f"`{forget}`" in page
    person.publish(DISCOVERY, "{}", retain=True)
    watching = shell(watch)
    assert watching.stdout and watching.stdout.readline() == f"{DISCOVERY} {{}}\n"
    assert shell(forget).wait(60) == 0
    later = Person(mosquitto, "homeassistant/#")
    try:
        later.publish("homeassistant/end", "")
        assert later.messages.get(timeout=60).topic == "homeassistant/end"
    finally:
        later.close()


def test_updates_can_be_read_along(root: Path, shell: Shell, person: Person) -> None:
    command = "mosquitto_sub -t '+/+/update/#' -v"
    assert f"`{command}`" in (root / "docs" / "update.md").read_text()
    topic = f"mpython/{BOARD}/update/state"
    person.publish(topic, "{}", retain=True)
    reading = shell(command)
    assert reading.stdout and reading.stdout.readline() == f"{topic} {{}}\n"


@pytest.fixture
def run(
    micropython: Path, mosquitto: Mosquitto, tmp_path: Path
) -> Iterator[Callable[[str], ClientProgram]]:
    """Run a program of a page with the test's broker for the page's."""
    with ExitStack() as stack:

        def start(program: str) -> ClientProgram:
            address = f'"{mosquitto.host}", {mosquitto.port}'
            program = program.replace('"192.168.1.10"', address)
            running = ClientProgram(micropython, tmp_path, program, mosquitto.port)
            stack.callback(running.stop)
            return running

        yield start


def test_waiting_client_prints_message(
    root: Path, run: Callable[[str], ClientProgram], person: Person
) -> None:
    waiting, _, _ = shown(root, "umqtt.md")
    person.publish("class/7/lamp", "on", retain=True)
    run(waiting).wait_for("b'class/7/lamp' b'on'")


def test_stepping_client_says_its_connection(
    root: Path, run: Callable[[str], ClientProgram], mosquitto: Mosquitto
) -> None:
    _, stepping, _ = shown(root, "umqtt.md")
    # How soon it tries again is drawn.
    stepping = stepping.replace('lost (%s), retry in %d s" % (reason, retry)', 'lost"')
    around = """\
client = make(kind=robust.MQTTClient)
class lights:
    step = staticmethod(lambda: None)
"""
    running = run(around + stepping)
    running.wait_for("mqtt: connected 0")
    mosquitto.stop()
    running.wait_for("mqtt: lost")


def test_tasks_publish(
    root: Path, run: Callable[[str], ClientProgram], mosquitto: Mosquitto
) -> None:
    _, _, tasks = shown(root, "umqtt.md")
    around = "import asyncio\nfrom umqtt.aio import MQTTClient\nlamp = print\n"
    listener = Person(mosquitto, "class/7/state")
    try:
        run(around + tasks + "asyncio.run(main())\n").finish()
        assert listener.receive("class/7/state") == b"on"
    finally:
        listener.close()


def test_program_that_changes_configuration_saves_it(
    root: Path, micropython: Path, boot: Callable[..., SimulatedBoard]
) -> None:
    (program,) = shown(root, "config.md")
    board = boot(files={"main.py": f"{program}print('mode:', config.read()[0]['mode'])\n"})
    board.wait_line("mode: echo")


def test_readme_adds_handler(
    root: Path, boot: Callable[..., SimulatedBoard], mosquitto: Mosquitto
) -> None:
    page = (root / "README.md").read_text()
    board = boot(files={"handlers.py": page.partition("```python\n")[2].partition("```")[0]})
    wait_subscribed(board)
    listener = Person(mosquitto, "class/seen")
    try:
        listener.publish("class/7/lamp", "on")
        assert listener.receive("class/seen") == b"on"
    finally:
        listener.close()
