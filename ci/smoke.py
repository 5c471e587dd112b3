"""Boot a board's image in an ESP32 emulator and see whether it does its job.

    python -m ci.smoke mpython --qemu /path/to/qemu-system-xtensa [--file FILE]

Checks the banner, the frozen modules, the C matcher and the message for a missing config.json; where
the emulator has a Wi-Fi and this machine a Mosquitto, also the way to the broker and back. Says what
it could not check.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from paho.mqtt import publish

from ci.boards import Board, load_board
from ci.board.device_config import to_bytes
from ci.image.filesystem import make_filesystem
from ci.board.flash import find_image
from ci.image.flash_image import FlashImage, read_flash_image
from ci.image.images import join
from ci.problem import Problem, run
from ci.board.repl import Repl, enter

BOOT_SECONDS = 60
NETWORK_SECONDS = 60
_START_TRIES = 600  # a minute; one that fails ends sooner
_START_PAUSE = 0.1

# The emulator does not complete LED output through RMT; the firmware's own pins are bit-banged.
_BOOT_PY = b"""\
try:
    import esp32
    esp32.RMT.bitstream_rmt(False)
except ImportError:
    pass
"""
_MODULES = ("board", "device", "rgb", "timers", "topicmatch", "umqtt.robust", "wifi")
_WIFI_MODEL = "esp32_wifi"
_WIFI_NET = "192.168.4.0/24"

_OPEN_NETWORKS = """
import network
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
print([ap[0].decode() for ap in wlan.scan() if ap[4] == 0])
"""
_GATEWAY = """
import network
print(network.WLAN(network.STA_IF).ifconfig()[2])
"""


@dataclass
class Report:
    """What was found, line by line."""

    failures: int = 0

    def check(self, what: str, passed: bool, seen: str = "") -> None:
        self.failures += not passed
        print(
            f"{'ok' if passed else 'FAILED':<12} {what}{f': {seen}' if seen else ''}", flush=True
        )

    def not_checked(self, what: str, why: str) -> None:
        print(f"{'not checked':<12} {what}: {why}", flush=True)


class Console:
    """The emulated serial port: what the board prints, then its prompt."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._transport = SerialTransport(url, timeout=BOOT_SECONDS)
        self.text = ""

    def wait_for(self, pattern: str, seconds: float) -> re.Match[str] | None:
        """Read until a whole line matches; return the match, or None after `seconds`."""
        end = time.monotonic() + seconds
        expression = re.compile(pattern, re.MULTILINE)
        while True:
            found = expression.search(self.text[: self.text.rfind("\n") + 1])
            if found is not None or time.monotonic() > end:
                return found
            try:
                waiting = self._transport.serial.in_waiting
                received = self._transport.serial.read(waiting) if waiting else b""
            except OSError:  # the emulator has ended
                return None
            self.text += received.decode("utf-8", "replace").replace("\r", "")
            if not received:
                time.sleep(0.02)

    def interrupt(self) -> None:
        """Type Ctrl-C."""
        with contextlib.suppress(OSError):  # the emulator has ended
            self._transport.serial.write(b"\x03")

    @contextlib.contextmanager
    def prompt(self) -> Iterator[Repl]:
        """Stop the firmware and give its prompt."""
        enter(self._url, self._transport)
        yield Repl(self._url, self._transport)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._transport.close()


def flash_for(image: FlashImage) -> bytes:
    """Return the flash of a board that was erased, then got `image`: no config.json yet."""
    region = image.layout.filesystem
    end = min(image.end, region.offset) - image.offset
    filesystem = make_filesystem(region.size, {"boot.py": _BOOT_PY})
    return join([(image.offset, image.data[:end]), (region.offset, filesystem)], 0)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def has_wifi(qemu: str) -> bool:
    """Tell whether the emulator has an ESP32's radio. Raises Problem if it cannot be run."""
    try:
        answer = subprocess.run(
            [qemu, "-machine", "esp32", "-nic", "model=help"],
            capture_output=True,
            text=True,
            timeout=BOOT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(
            f"{qemu} cannot be run ({error}): give QEMU=/path/to/qemu-system-xtensa, an emulator "
            "that knows -machine esp32"
        ) from error
    return _WIFI_MODEL in answer.stdout + answer.stderr


@contextlib.contextmanager
def emulator(qemu: str, flash: Path, wifi: bool) -> Iterator[Console]:
    """Run the emulator; it waits until its serial port is listened to."""
    port = free_port()
    command = [qemu, "-nographic", "-machine", "esp32", "-monitor", "none"]
    command += ["-drive", f"file={flash},if=mtd,format=raw"]
    # Emulated time stops and starts; the chip's watchdog does not forgive that.
    command += ["-global", "driver=timer.esp32.timg,property=wdt_disable,value=true"]
    command += ["-serial", f"tcp:127.0.0.1:{port},server=on,wait=on"]
    if wifi:
        command += ["-nic", f"user,model={_WIFI_MODEL},net={_WIFI_NET}"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        console = None
        try:
            for _ in range(_START_TRIES):
                with contextlib.suppress(TransportError):
                    console = Console(f"socket://127.0.0.1:{port}")
                    break
                if process.poll() is not None:
                    break
                time.sleep(_START_PAUSE)
            if console is None:
                log.seek(0)
                said = log.read().decode("utf-8", "replace").strip().splitlines() or ["nothing"]
                raise Problem(f"the emulator did not start; it said: {said[-1]}")
            yield console
        finally:
            if console is not None:
                console.close()
            process.terminate()
            process.wait()


@contextlib.contextmanager
def broker() -> Iterator[int | None]:
    """Run Mosquitto on a free loopback port and give it; None if it is not installed."""
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if mosquitto is None:
        yield None
        return
    port = free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        file.flush()
        process = subprocess.Popen(
            [mosquitto, "-c", file.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield port
        finally:
            process.terminate()
            process.wait()


def check_boot(board: Board, console: Console, report: Report) -> None:
    """Check what a board prints and holds that has no config.json yet."""
    boot = console.wait_for(rf"^boot: {re.escape(board.name)} (\S+)$", BOOT_SECONDS)
    report.check("boots", boot is not None, boot.group(1) if boot else console.text[-200:])
    missing = console.wait_for(r"^.*config\.json.*$", BOOT_SECONDS if boot else 0)
    report.check(
        "says that config.json is missing", bool(missing), missing.group() if missing else ""
    )
    # Without a configuration the board opens set-up; on an emulator without Wi-Fi that fails.
    console.wait_for(
        r"^(setup: join|boot: the program has failed).*$", BOOT_SECONDS if missing else 0
    )
    console.interrupt()
    banner = console.wait_for(r"^MicroPython (v\S+) .*$", BOOT_SECONDS if missing else 0)
    named = banner is not None and board.product in banner.group()
    report.check("banner names the board", named, banner.group() if banner else "")

    with console.prompt() as repl:
        for module in _MODULES:
            origin = repl.execute(f"import {module}\nprint('imported')").strip()
            report.check(f"import {module}", origin == "imported")
        native = repl.execute("import topicmatch\nprint(topicmatch.NATIVE)").strip()
        report.check("topicmatch.NATIVE", native == "True", native)
        version = repl.execute("import version\nprint(version.VERSION)").strip()
        report.check("import version", bool(boot) and version == boot.group(1), version)


def check_job(console: Console, port: int, report: Report) -> None:
    """Configure the board for the emulated Wi-Fi and the broker at `port`; see it at work."""
    with console.prompt() as repl:
        networks = repl.execute(_OPEN_NETWORKS)
        names = re.findall(r"'([^']+)'", networks)
        report.check("finds an open Wi-Fi", bool(names), networks.strip())
        if not names:
            return
        gateway = _join_wifi(repl, names[0])
        wifi = {"ssid": names[0], "password": ""}
        values = {"wifi": wifi, "mqtt": {"server": gateway, "port": port}}
        repl.replace_file("/config.json", to_bytes(values))
        console.text = ""
        repl.restart()
    for pattern in (
        r"^wifi: connected .+$",
        r"^mqtt: connected \S+ session=[01]$",
        r"^mqtt: subscribed (\S+) qos=\d$",
    ):
        found = console.wait_for(pattern, NETWORK_SECONDS)
        report.check(pattern.strip("^$"), found is not None, found.group() if found else "")
        if found is None:
            print(console.text)
            return
    topic = found.group(1)
    for message in ("on", "off"):
        console.text = ""
        publish.single(topic, message, hostname="127.0.0.1", port=port)
        lights = console.wait_for(r"^lights: .+$", NETWORK_SECONDS)
        report.check(f"lights follow {message!r}", bool(lights), lights.group() if lights else "")


_JOIN = """
import network, time
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect({ssid!r})
for _ in range(300):
    if wlan.isconnected():
        break
    time.sleep_ms(100)
"""


def _join_wifi(repl: Repl, ssid: str) -> str:
    """Return the gateway's address, behind which the emulator puts this machine's loopback."""
    repl.execute(_JOIN.format(ssid=ssid))
    return repl.execute(_GATEWAY).strip()


def smoke(board: Board, qemu: str, image: FlashImage) -> Report:
    """Boot `image` and check all that this emulator and this machine allow."""
    report = Report()
    wifi = has_wifi(qemu)
    with tempfile.TemporaryDirectory() as folder, broker() as port:
        flash = Path(folder) / "flash.bin"
        flash.write_bytes(flash_for(image))
        with emulator(qemu, flash, wifi) as console:
            check_boot(board, console, report)
            if not wifi:
                report.not_checked("the way to the broker", "this emulator has no Wi-Fi")
            elif port is None:
                report.not_checked("the way to the broker", "mosquitto is not installed")
            else:
                check_job(console, port, report)
    report.not_checked("buttons, LEDs, Bluetooth", "the emulator does not have them")
    return report


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="smoke", description="Boot an image in an emulator.")
    parser.add_argument("board")
    parser.add_argument("--qemu", default="qemu-system-xtensa")
    parser.add_argument("--file", default="")
    options = parser.parse_args(arguments)
    board = load_board(options.board)
    path = Path(options.file) if options.file else find_image(board, factory=False)
    report = smoke(board, options.qemu, read_flash_image(path, board.chip))
    if report.failures:
        raise Problem(f"{report.failures} checks of {path.name} failed")
    print(f"{path.name}: all that could be checked is right")


if __name__ == "__main__":
    run(main)
