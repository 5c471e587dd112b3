"""`make run`, as a person types it."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.boards import Board
from tests.mosquitto import Mosquitto
from tests.tls import Certificates

pytestmark = pytest.mark.simulator

PLAYER = Path("boards") / "sim" / "host" / "remote_light.py"
MAKE = ("make", "-s", "run")


@pytest.fixture(autouse=True)
def no_program_of_a_person(root: Path) -> None:
    """These tests play on the disks of `make run`, where a person may have left a program."""
    for name in ("main.py", "handlers.py"):
        for file in (root / "build" / "run").glob(f"*/{name}"):
            pytest.fail(f"{file} would run in place of what is tested; move it away")


def make_run(
    root: Path, *arguments: str, typed: str = "", timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MAKE, *arguments],
        cwd=root,
        input=typed,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


class Player:
    """The program behind `make run`, or by MAKE that itself, to be typed at while it plays."""

    def __init__(
        self,
        root: Path,
        *arguments: str,
        command: tuple[str, ...] = (sys.executable, str(PLAYER)),
        environment: dict[str, str] = {},
    ) -> None:
        self.output = ""
        self._process = subprocess.Popen(
            [*command, *arguments],
            cwd=root,
            start_new_session=True,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        self._process.communicate(timeout=120)

    def type(self, text: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def wait_for(self, wanted: str) -> str:
        """Return the next line that contains `wanted`; fails when the player has ended."""
        return self.wait_for_all(wanted)

    def wait_for_all(self, *wanted: str) -> str:
        """Wait for a line with each of these, in whatever order, and return the last one's line.

        The board's lines, its LEDs and what the client receives reach the player in threads of their own.
        """
        assert self._process.stdout
        missing = list(wanted)
        for line in self._process.stdout:
            self.output += line
            missing = [each for each in missing if each not in line]
            if not missing:
                return line
        raise AssertionError(f"no {missing} in:\n{self.output}")

    def quit(self) -> str:
        """Type quit; return the rest of the output, after a good end."""
        rest = self._process.communicate("quit\n", timeout=120)[0]
        assert self._process.returncode == 0, self.output + rest
        return rest


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
    result = make_run(root, "SECONDS=30")  # half of it on a PC that does nothing else
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    on = next(i for i, line in enumerate(lines) if line == "board: lights: on #ffffff 100%")
    off = next(i for i, line in enumerate(lines) if line == "board: lights: off")
    assert on < off
    assert any(re.fullmatch(r"leds: all #(?!000000)\w{6}", line) for line in lines)
    assert "\x1b" not in result.stdout, "plain lines where there is no terminal"
    pings = [int(number) for number in re.findall(r"pings answered: (\d+)", result.stdout)]
    assert pings[0] == 1 and pings[1] >= 1 and len(pings) == 2, "the first, and the sum"
    assert any(line.endswith("/status: online") for line in lines)
    states = [line for line in lines if "/state: " in line]
    assert '"ON"' in states[-2] and '"OFF"' in states[-1]
    assert lines[-1].startswith("it worked")


def wait_for_scenario(player: Player, pings: bool = True) -> None:
    """Wait until the light has gone on and off, and the broker has answered a ping."""
    seen = ["board: lights: on #ffffff 100%", "board: lights: off"]
    player.wait_for_all(*seen, *(["pings answered: 1"] if pings else []))


def test_each_board_plays_with_broker_of_ones_own(
    root: Path, mosquitto: Mosquitto, board: Board
) -> None:
    broker = f"127.0.0.1:{mosquitto.port}"
    with Player(root, f"BOARD={board.name}", f"BROKER={broker}", command=MAKE) as player:
        player.wait_for(f"broker: {broker}")
        wait_for_scenario(player)
        player.quit()
    assert board.name in mosquitto.log.read_text()


def test_text_is_drawn_on_matrix(root: Path) -> None:
    with Player(root, "--board", "bpi-bit") as player:
        player.wait_for("command <- off")
        player.wait_for("leds: all #000000")
        player.type("text I\n")
        player.wait_for("display <- I")
        player.wait_for("leds: #")  # not all in one colour
        player.quit()


def test_too_short_run_says_what_is_missing(root: Path) -> None:
    result = make_run(root, "SECONDS=0.1")
    assert result.returncode != 0
    assert "error: the LEDs never went on" in result.stderr
    assert "SECONDS=0.1 is too short; at least 7" in result.stderr


def test_unreachable_broker_is_one_sentence(root: Path) -> None:
    start = time.monotonic()
    result = make_run(root, "BROKER=127.0.0.1:1", "SECONDS=150")
    assert result.returncode != 0
    assert "error: no broker answers at 127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr
    assert time.monotonic() - start < 120  # it does not play for its seconds first


def test_what_person_types_is_published(root: Path) -> None:
    with Player(root) as player:
        player.wait_for("board: mqtt: subscribed")
        player.wait_for("board: lights: off")  # the scenario's
        # All at once: none of them is left behind in a buffer.
        player.type("#ff8000\n255,128,1\nmpython/02514d000001/command 40%\n")
        player.type('{"state": "ON", "brightness": 204}\nOFF\n#f\nturn on\nstats\n')
        answers = ["on #ff8000 100%", "on #ff8001 100%", "on #ff8001 40%", "on #ff8001 80%", "off"]
        player.wait_for_all(
            *(f"board: lights: {answer}" for answer in answers),
            "board: lights: b'#f' is not understood",
            "board: lights: b'turn on' is not understood",
            "status/stats: {",
        )
        places = [player.output.index(answer) for answer in answers[:-1]]
        assert places == sorted(places)
        player.type("help\n")
        player.wait_for("hold a, then reset: safe mode")
        player.type("text I\n")
        player.wait_for("a simulated mpython has no display")
        assert "pings answered" in player.quit()


def test_line_on_terminal_is_edited_and_comes_back(root: Path) -> None:
    """Typed with a wrong letter, left arrow and backspace; then fetched again by the up arrow."""
    master, slave = pty.openpty()
    player = subprocess.Popen(
        [sys.executable, str(PLAYER)],
        cwd=root,
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        said = b""

        def wait_for(wanted: bytes) -> None:
            nonlocal said
            while wanted not in said:
                said += os.read(master, 4096)
            said = said.partition(wanted)[2]

        wait_for(b"board: lights: off")  # the scenario's end
        os.write(master, b"#0102034\x1b[D\x1b[C\x7f\r")
        wait_for(b"client: mpython/02514d000001/command <- #010203\r\n")
        wait_for(b"board: lights: on #010203 100%")
        os.write(master, b"off\r")
        wait_for(b"board: lights: off")
        os.write(master, b"\x1b[A\x1b[A\r")
        wait_for(b"board: lights: on #010203 100%")
        os.write(master, b"quit\r")
        wait_for(b"pings answered")
        assert player.wait(timeout=120) == 0
        assert termios.tcgetattr(master)[3] & termios.ICANON, "the terminal is left as it was"
    finally:
        player.kill()
        player.wait()
        os.close(master)


def test_page_is_served_and_its_link_said(root: Path) -> None:
    with Player(root) as player:
        link = player.wait_for("page: ").split()[1]
        address, _, fragment = link.partition("#")
        assert re.fullmatch(r"broker=ws://127\.0\.0\.1:\d+", fragment)
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert answer.read() == (root / "build" / "page" / "index.html").read_bytes()
        player.wait_for("board: mqtt: subscribed")
        player.quit()


def test_safe_mode_is_tried_by_typing(root: Path) -> None:
    with Player(root) as player:
        player.wait_for("board: mqtt: subscribed")
        player.type("hold a\nreset\n")
        player.wait_for("board: boot: safe mode")
        player.type("release a\nreset\n")
        player.wait_for("board: mqtt: subscribed")


def test_outage_is_tried_by_typing(root: Path) -> None:
    with Player(root) as player:
        player.wait_for("board: mqtt: subscribed")
        player.type("wifi off\n")
        player.wait_for("board: mqtt: lost")
        player.type("wifi on\n")
        player.wait_for("board: mqtt: connected")


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Mosquitto]:
    """A Mosquitto that lets teacher in, with the password chalkdust, and nobody else."""
    passwords = tmp_path / "passwords"
    command = ["mosquitto_passwd", "-b", "-c", str(passwords), "teacher", "chalkdust"]
    subprocess.run(command, check=True)
    with Mosquitto(
        tmp_path, f"allow_anonymous false\npassword_file {passwords}\nuser root\n"
    ) as broker:
        yield broker


@pytest.mark.mosquitto
def test_login_is_used_and_password_asked_for(root: Path, locked: Mosquitto) -> None:
    broker = f"BROKER=127.0.0.1:{locked.port}"
    with Player(root, broker, "USER=teacher", command=MAKE) as player:
        player.type("chalkdust\n")
        wait_for_scenario(player)
        assert "chalkdust" not in player.output + player.quit()


@pytest.mark.mosquitto
def test_refused_board_leaves_player_listening(root: Path, locked: Mosquitto) -> None:
    with Player(root, "--broker", f"127.0.0.1:{locked.port}") as player:
        player.wait_for("client: the broker refuses this client, too")
        player.type("on\n")
        player.wait_for_all(
            "client: it is not connected to the broker",
            "board: mqtt: the broker does not let this user in",
            "the board does not follow mpython/02514d000001/command: its lines above say why",
        )
        player.type("help\n")
        player.wait_for("press a")
        player.quit()


@pytest.mark.mosquitto
@pytest.mark.parametrize("checked", [False, True])
def test_tls_broker_is_used(
    root: Path, tmp_path: Path, certificates: Certificates, checked: bool
) -> None:
    with Mosquitto(tmp_path, certificates.settings()) as broker:
        authority = str(certificates.ca) if checked else "1"
        address = f"BROKER=localhost:{broker.port}"
        with Player(root, address, f"TLS={authority}", command=MAKE) as player:
            wait_for_scenario(player, pings=False)  # which cannot be read then
            assert "pings answered: not to be seen under TLS" in player.quit()


@pytest.mark.mosquitto
def test_config_of_ones_own_is_used(root: Path, tmp_path: Path, mosquitto: Mosquitto) -> None:
    config = {
        "wifi": {"ssid": "at home", "password": "my secret"},
        "mqtt": {"server": mosquitto.host, "port": mosquitto.port},
        "topics": {"command": "{name}/desk"},
    }
    (tmp_path / "my.json").write_text(json.dumps(config))
    with Player(root, "--config", str(tmp_path / "my.json")) as player:
        player.wait_for("board: wifi: connected at home")
        player.wait_for("board: mqtt: subscribed mpython/desk")
        player.wait_for("client: mpython/desk <- on")
        player.wait_for("state: {")
        player.quit()
    assert "my secret" not in player.output


def test_config_with_mistakes_is_refused_in_words(root: Path, tmp_path: Path) -> None:
    (tmp_path / "my.json").write_text('{"wifi": {"ssid": ""}, "mqtt": {"server": "a"}}')
    for file, words in (("my.json", "wifi.ssid"), ("none.json", "cannot be read: No such file")):
        result = make_run(root, f"CONFIG={tmp_path / file}")
        assert result.returncode != 0
        assert words in result.stderr and "Traceback" not in result.stderr


def test_config_without_its_broker_names_keys(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "my.json"
    file.write_text('{"wifi": {"ssid": "a"}, "mqtt": {"server": "127.0.0.1", "port": 1}}')
    result = make_run(root, f"CONFIG={file}")
    assert result.returncode != 0
    assert "error: no broker answers at 127.0.0.1:1" in result.stderr
    assert f"check mqtt.server and mqtt.port in {file}" in result.stderr


@pytest.mark.mosquitto
def test_run_shorter_than_ping_says_how_long(
    root: Path, tmp_path: Path, mosquitto: Mosquitto
) -> None:
    mqtt = {"server": mosquitto.host, "port": mosquitto.port, "keepalive": 40}
    (tmp_path / "my.json").write_text(json.dumps({"wifi": {"ssid": "a"}, "mqtt": mqtt}))
    result = make_run(root, f"CONFIG={tmp_path / 'my.json'}", "SECONDS=8")
    assert result.returncode != 0
    assert "error: no ping was answered" in result.stderr
    assert "SECONDS=8 is too short; at least 25" in result.stderr


def test_serial_port_takes_mpremote(root: Path) -> None:
    with Player(root, "--pty") as player:
        port = player.wait_for("serial port: ").split()[-1]
        player.wait_for("board: mqtt: subscribed")
        listed = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", port, "ls"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert "config.json" in listed.stdout, listed


def test_second_run_has_disk_of_its_own(root: Path) -> None:
    with Player(root) as first, Player(root) as second:
        disks = {player.wait_for("disk: ").split()[-1] for player in (first, second)}
        assert len(disks) == 2
        second.wait_for("board: mqtt: subscribed")


def test_terminal_that_shows_ascii_alone_is_served(root: Path) -> None:
    with Player(root, environment={"PYTHONIOENCODING": "ascii"}) as player:
        player.wait_for("board: mqtt: subscribed")
        player.type("mpython/text caf\u00e9\n")
        player.wait_for("client: mpython/text <- caf")
        player.quit()


@pytest.mark.parametrize("moment", ["first", "starting", "loading", "running"])
def test_ctrl_c_leaves_neither_traceback_nor_process(root: Path, moment: str) -> None:
    """As `make run` starts it; pressed often, from the interpreter's beginning to its end"""
    marker = f"LEFT_BEHIND_TEST={os.getpid()}-{moment}"
    name, value = marker.split("=")
    with subprocess.Popen(
        ["bash", "-c", ". ci/build/functions.sh; ci_play"],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, name: value},
    ) as player:
        time.sleep({"first": 0.03, "starting": 0.3, "loading": 1.0}.get(moment, 0))
        deadline = time.monotonic() + 120
        while moment == "running" and not board_processes(marker):
            assert time.monotonic() < deadline, "no simulated board within 120 s"
            time.sleep(0.05)
        while player.poll() is None:
            assert time.monotonic() < deadline, "Ctrl-C does not end it"
            player.send_signal(signal.SIGINT)
            time.sleep(0.01)
        assert player.stderr
        assert player.stderr.read() == b""
    deadline = time.monotonic() + 60
    while board_processes(marker):
        assert time.monotonic() < deadline, "a board outlives its player"
        time.sleep(0.05)
