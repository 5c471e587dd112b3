"""The whole simulated board against Mosquitto, and what the world does to it. FULL=1: the long forms."""

from __future__ import annotations

import json
import queue
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ci.board.broker import leave
from simulated_board import BoardError, SimulatedBoard
from tests.classroom import ACCESS_POINT, Person, settings, wait_subscribed
from tests.long_form import FULL
from tests.mosquitto import Mosquitto

Boot = Callable[..., SimulatedBoard]

KEEPALIVE = 2  # s; the link's end is known after 1.25 of it
# s: within this the board obeys again after any outage is over; an attempt is due within 15, and a
# busy machine takes its time.
BACK = 45


def obeys(board: SimulatedBoard, person: Person, limit: float = BACK) -> float:
    """Ask for a new colour until the board shows it; return after how many seconds it did."""
    started = time.monotonic()
    red = random.randrange(1, 256)
    seen = len(board.lines)
    while True:
        person.publish("light", f"{red},0,7", qos=1)
        try:
            board.wait_line(f"lights: on #{red:02x}0007", timeout=0.5, since=seen)
            return time.monotonic() - started
        except BoardError:
            assert time.monotonic() - started < limit, board.tail()


def stats(person: Person, limit: float = 60) -> dict[str, int]:
    # Asked again if need be: a board that has too much to send drops answers, and says so.
    deadline = time.monotonic() + limit
    while True:
        person.publish("light", "stats")
        try:
            return json.loads(person.receive("light/status/stats", limit / 4))
        except queue.Empty:
            assert time.monotonic() < deadline, f"no answer to stats within {limit} s"


@pytest.fixture
def board(boot: Boot, mosquitto: Mosquitto) -> SimulatedBoard:
    """A board that has subscribed."""
    started = boot(config=settings(mosquitto, keepalive=KEEPALIVE))
    wait_subscribed(started)
    return started


@pytest.fixture
def make_broker(tmp_path: Path) -> Iterator[Callable[[str], Mosquitto]]:
    brokers: list[Mosquitto] = []

    def start(more: str) -> Mosquitto:
        folder = tmp_path / f"broker{len(brokers)}"
        folder.mkdir()
        brokers.append(Mosquitto(folder, "user root\n" + more.replace("{folder}", str(folder))))
        brokers[-1].start()
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.stop(kill=True)


# ---- the broker


@pytest.mark.parametrize("persistence", [True, False], ids=["persistence", "no persistence"])
def test_broker_killed_and_restarted_is_found(
    boot: Boot, make_broker: Callable[[str], Mosquitto], persistence: bool
) -> None:
    """D10, D11: kill -9; with persistence what was said in between arrives, too"""
    keep = "persistence true\npersistence_location {folder}/\nautosave_interval 1\n"
    keep += "autosave_on_changes true\n"
    broker = make_broker("allow_anonymous true\n" + (keep if persistence else ""))
    board = boot(config=settings(broker, keepalive=KEEPALIVE, clean_session=False))
    wait_subscribed(board)
    if persistence:
        board.command("outage", value=True, noticed_after_ms=200)
        board.wait_line("wifi: lost")
        teller = Person(broker)
        # The second is acknowledged when the first has been saved.
        for topic in ("light", "elsewhere"):
            teller.publish(topic, "1,2,3")
        teller.close()
    broker.stop(kill=True)
    seen = len(board.lines)
    broker.start()
    board.command("outage", value=False)
    board.wait_line(f"session={int(persistence)}", since=seen, timeout=BACK)
    if persistence:
        board.wait_line("lights: on #010203", since=seen)
    person = Person(broker, "light/#")
    try:
        obeys(board, person)
    finally:
        person.close()


def test_broker_paused_longer_than_keep_alive_is_lost(
    board: SimulatedBoard, mosquitto: Mosquitto, person: Person
) -> None:
    """D1, D3: SIGSTOP: connections stay open, nothing answers"""
    seen = len(board.lines)
    os.kill(mosquitto.process.pid, signal.SIGSTOP)
    started = time.monotonic()
    try:
        board.wait_line("mqtt: lost (no answer)", since=seen)
        time.sleep(max(0, 1.5 * KEEPALIVE + 1 - (time.monotonic() - started)))
    finally:
        os.kill(mosquitto.process.pid, signal.SIGCONT)
    obeys(board, person)


def test_other_client_of_same_id_is_survived(
    board: SimulatedBoard, mosquitto: Mosquitto, person: Person
) -> None:
    """The two are not to throw each other out as fast as they can; the board is there at the end"""
    import paho.mqtt.client as paho

    identity = next(
        line.split(" as ")[1].split()[0]
        for line in mosquitto.log.read_text().splitlines()
        if "New client connected" in line and " as mpython-" in line
    )
    rival = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=identity)
    rival.reconnect_delay_set(0.2, 0.5)
    rival.connect(mosquitto.host, mosquitto.port)
    rival.loop_start()

    def connects() -> int:
        return sum("mqtt: connected" in line for line in board.lines)

    time.sleep(4)
    assert connects() < 12, board.lines
    board.wait("second connection", lambda: connects() >= 2)
    leave(rival)
    obeys(board, person)


def test_credentials_given_back_reconnect(
    boot: Boot, make_broker: Callable[[str], Mosquitto], tmp_path: Path
) -> None:
    passwords = tmp_path / "passwords"
    environment = {"PATH": "/usr/bin:/usr/sbin:/bin"}
    set_password = ["mosquitto_passwd", "-b", passwords, "pupil"]
    subprocess.run([*set_password[:2], "-c", *set_password[2:], "right"], env=environment)
    broker = make_broker(f"allow_anonymous false\npassword_file {passwords}\n")
    board = boot(
        config=settings(broker, user="pupil", password="right", keepalive=KEEPALIVE),
        # By itself it tries again every minute.
        files={
            "handlers.py": ("" if FULL else "from device import link\nlink.REFUSED_RETRY = 1500\n")
        },
    )
    wait_subscribed(board)
    seen = len(board.lines)
    subprocess.run([*set_password, "another"], check=True, env=environment)
    broker.stop()
    broker.start()
    board.wait_line("does not let this user in", since=seen, timeout=BACK)
    subprocess.run([*set_password, "right"], check=True, env=environment)
    os.kill(broker.process.pid, signal.SIGHUP)
    wait_subscribed(board, since=seen, timeout=120)


# ---- the network


@pytest.mark.parametrize("seconds", [1, 30] if FULL else [1])
def test_outage_of_wifi_is_survived(board: SimulatedBoard, person: Person, seconds: int) -> None:
    board.command("outage", value=True, noticed_after_ms=500)
    time.sleep(seconds)
    board.command("outage", value=False)
    obeys(board, person)


def test_flapping_wifi_is_survived(board: SimulatedBoard, person: Person) -> None:
    randomly = random.Random(7)
    for _ in range(60 if FULL else 8):
        board.command("outage", value=True, noticed_after_ms=randomly.choice((50, 300, 3000)))
        time.sleep(randomly.uniform(0.05, 0.6))
        board.command("outage", value=False)
        time.sleep(randomly.uniform(0.05, 0.6))
    obeys(board, person)
    assert stats(person)["errors"] == 0


WEEK = """\
# While the file /week is there, 3 hours pass in 50 ms.
import os, time, timers, wifi
from device import link
from umqtt import robust, simple, transport

class Clock:
    offset = 0

    def ticks_ms(self):
        return time.ticks_ms() + self.offset & 0x3FFFFFFF

    def __getattr__(self, name):
        return getattr(time, name)

clock = Clock()
for module in (link, timers, wifi, robust, simple, transport):
    module.time = clock

def pass_time():
    if "week" in os.listdir("/") and clock.offset < 7 * 24 * 3600_000:
        clock.offset += 3 * 3600_000
        if clock.offset == 7 * 24 * 3600_000:
            print("a week has passed")

timers.every(50, pass_time)
link.REFUSED_RETRY = 1500
"""


@pytest.mark.parametrize("refused", [False, True], ids=["away", "refused"])
def test_wifi_gone_for_week_is_survived(
    boot: Boot, make_broker: Callable[[str], Mosquitto], refused: bool
) -> None:
    """ticks_ms comes halfway around in six days: what has long passed must not seem to lie ahead"""
    broker = make_broker("allow_anonymous true\n")
    board = boot(config=settings(broker, keepalive=KEEPALIVE), files={"handlers.py": WEEK})
    wait_subscribed(board)
    broker.stop()
    if refused:
        text = broker.config.read_text()
        broker.config.write_text(text.replace("allow_anonymous true", "allow_anonymous false"))
        broker.start()
        board.wait_line("does not let this user in", timeout=BACK)
        broker.stop()
        broker.config.write_text(text)
    else:
        board.wait_line("mqtt: lost (refused or reset)", timeout=BACK)
    board.command("outage", value=True, noticed_after_ms=100)
    board.wait_line("wifi: lost")
    (board.flash / "week").touch()
    board.wait_line("a week has passed")
    broker.start()
    seen = len(board.lines)
    board.command("outage", value=False)
    wait_subscribed(board, since=seen, timeout=BACK)
    person = Person(broker, "light/#")
    try:
        obeys(board, person)
    finally:
        person.close()
    assert not any("failed" in line for line in board.lines), board.tail()


def test_changed_address_reconnects(board: SimulatedBoard, person: Person) -> None:
    seen = len(board.lines)
    board.command("new_address")
    board.wait_line("mqtt: lost (the network gave the connection up)", since=seen)
    obeys(board, person)


def test_name_server_fails_then_answers(boot: Boot, mosquitto: Mosquitto, person: Person) -> None:
    config = settings(mosquitto, keepalive=KEEPALIVE)
    config["mqtt"]["server"] = "localhost"
    board = boot(config=config, commands=({"command": "dns", "value": False},))
    board.wait_line("mqtt: lost (the broker's name is not found)")
    board.command("dns", value=True)
    wait_subscribed(board, timeout=BACK)
    obeys(board, person)


# ---- too much of everything


COUNTING = """\
import device, gc, time
count = 0

@device.on("storm/#", {qos})
def storm(topic, message):
    global count
    count += 1
    time.sleep_ms({slow})

@device.on("ask")
def ask(topic, message):
    device.publish("counted", str(count))
"""


def count_of(person: Person) -> int:
    person.publish("ask", "")
    return int(person.receive("counted"))


def test_retained_storm_is_survived(boot: Boot, make_broker: Callable[[str], Mosquitto]) -> None:
    """Thousands of retained messages at once, on subscribing"""
    amount = 10_000
    broker = make_broker("allow_anonymous true\nmax_queued_messages 0\n")
    person = Person(broker, "light/#", "counted")
    try:
        for number in range(amount):
            person.client.publish(f"storm/{number}", b"x" * 50, 0, True)
        person.publish("storm/last", "x", retain=True)
        board = boot(
            config=settings(broker, keepalive=KEEPALIVE),
            files={"handlers.py": COUNTING.format(qos=1, slow=0)},
        )
        board.wait_line("mqtt: subscribed storm/# qos=1")
        board.wait_line("mqtt: subscribed ask")
        deadline = time.monotonic() + 300
        while (count := count_of(person)) < amount + 1:
            assert time.monotonic() < deadline, f"only {count} of {amount}; {board.tail()}"
            time.sleep(0.5)
        assert count == amount + 1
        obeys(board, person)
        assert not any("lost" in line for line in board.lines), board.tail()
    finally:
        person.close()


def test_payload_of_1_mb_is_thrown_away(board: SimulatedBoard, person: Person) -> None:
    """D14, D15: acknowledged, counted, thrown away in pieces; never in memory"""
    before = stats(person)
    person.publish("light", bytes(1_000_000), qos=1)
    obeys(board, person)
    after = stats(person)
    assert after["oversize"] == before["oversize"] + 1
    assert after["connects"] == 1 and after["heap_used"] < before["heap_used"] + 8000


FLOODED = """\
import device, time
count = disordered = last = 0

@device.on("storm", {qos})
def storm(topic, message):
    global count, disordered, last
    number = int(message)
    count += 1
    if number <= last:
        disordered += 1
    last = number
    time.sleep_ms(2)

@device.on("storm/over", 1)
def over(topic, message):
    device.publish("counted", "%d %d %d" % (count, disordered, last), qos=1)
"""


@pytest.mark.parametrize("qos", [0, 1])
def test_flood_and_slow_handler_lose_nothing(
    boot: Boot, make_broker: Callable[[str], Mosquitto], qos: int
) -> None:
    """2,000 messages a second, of which the handler manages some 300; the connection holds

    All are handled once and in order; of QoS 0, all that the broker did not throw away.
    """
    seconds = 60 if FULL else 2
    backlog = 60 * seconds  # s: what the broker keeps is worked through first
    broker = make_broker("allow_anonymous true\nmax_queued_messages 0\n")
    person = Person(broker, "light/#", "counted")
    try:
        board = boot(
            config=settings(broker, keepalive=KEEPALIVE),
            files={"handlers.py": FLOODED.format(qos=qos)},
        )
        board.wait_line("mqtt: subscribed storm/over")
        heap = stats(person)["heap_used"]
        started = time.monotonic()
        amount = 2000 * seconds
        for number in range(1, amount + 1):
            sent = person.client.publish("storm", f"{number}", qos)
            time.sleep(max(0, started + number / 2000 - time.monotonic()))
        sent.wait_for_publish(backlog)
        person.publish("storm/over", "")
        counted = person.receive("counted", backlog).decode()
        print(f"{amount} sent; handled, disordered, last: {counted}")
        count, disordered, last = map(int, counted.split())
        assert disordered == 0 and count <= amount, counted
        assert not qos or count == last == amount, counted
        after = stats(person)
        obeys(board, person)
        assert after["connects"] == 1 and after["errors"] == 0, (after, board.tail())
        assert after["heap_used"] < heap + 8000
    finally:
        person.close()


def test_clock_that_jumps_changes_nothing(
    boot: Boot, mosquitto: Mosquitto, person: Person
) -> None:
    """Nothing that waits may look at the time of day"""
    jump = """\
import device, machine

@device.on("clock")
def clock(topic, message):
    machine.RTC().datetime((int(message), 1, 1, 0, 0, 0, 0, 0))
    print("the clock says", message)
"""
    board = boot(config=settings(mosquitto, keepalive=KEEPALIVE), files={"handlers.py": jump})
    board.wait_line("mqtt: subscribed clock")
    for year in ("2040", "2001", "2026"):
        person.publish("clock", year)
        board.wait_line(f"the clock says b'{year}'")
        time.sleep(1.2)
    obeys(board, person)
    assert not any("lost" in line for line in board.lines), board.tail()


def test_little_heap_survives_outage(boot: Boot, mosquitto: Mosquitto, person: Person) -> None:
    """The user's program leaves 40 KB: an outage, a reconnect and 4 KB messages still work"""
    squeeze = """\
import device, gc
ballast = None
for size in (2000, 100):
    gc.collect()
    while gc.mem_free() > 40200 + size:
        ballast = (ballast, bytearray(size))
        gc.collect()
device.ballast = ballast
print("left:", gc.mem_free())
"""
    board = boot(config=settings(mosquitto, keepalive=KEEPALIVE), files={"handlers.py": squeeze})
    wait_subscribed(board)
    board.wait_line("left: 40")
    for _ in range(2):
        person.publish("light", b"x" * 4000)
        board.command("new_address")
        obeys(board, person)
    figures = stats(person)
    assert figures["heap_free"] < 41000 and figures["errors"] == 0, board.tail(60)
    assert not any("MemoryError" in line for line in board.lines), board.tail()


def test_no_heap_resets_board(boot: Boot, mosquitto: Mosquitto, person: Person) -> None:
    """A handler takes all of it and keeps it: nobody has to pull the plug"""
    hog = """\
import device
kept = None

@device.on("hog")
def hog(topic, message):
    global kept
    for size in (4000, 300, 1):
        try:
            while True:
                kept = (kept, bytearray(size))
        except MemoryError:
            pass
    print("all is taken")
"""
    board = boot(config=settings(mosquitto, keepalive=KEEPALIVE), files={"handlers.py": hog})
    board.wait_line("mqtt: subscribed hog")
    person.publish("hog", "")
    board.wait_line("all is taken")
    obeys(board, person)  # with the little that is left, or after a reset
    board.command("new_address")
    failed = board.wait_line("boot: the program has failed; resetting the board")
    wait_subscribed(board, since=board.lines.index(failed), timeout=BACK)
    obeys(board, person)


def test_handler_that_never_returns_is_reset(
    boot: Boot, mosquitto: Mosquitto, person: Person
) -> None:
    stuck = """\
import device, machine
machine.WDT(timeout=1500)  # else it waits for a minute

@device.on("stuck")
def stuck(topic, message):
    while True:
        pass
"""
    board = boot(config=settings(mosquitto, keepalive=KEEPALIVE), files={"handlers.py": stuck})
    board.wait_line("mqtt: subscribed stuck")
    person.publish("stuck", "")
    board.wait_line("boot: the program had stopped; the watchdog has reset the board")
    obeys(board, person)


# ---- the filesystem and the power


SAVING = """\
from device import config
values, _ = config.read()
print("read", values["mqtt"]["client_id"])
for number in range({count}):
    values["mqtt"]["client_id"] = "c" * (1 + number % 128)
    config.save(values)
    print("saved", number)
"""


def test_full_filesystem_keeps_old_configuration(
    boot: Boot, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """The old configuration stays, whole; the error is raised; the board goes on"""
    flash = tmp_path / "flash"
    flash.mkdir()
    (flash / "config.json.new").symlink_to("/dev/full")
    config = settings(mosquitto, client_id="first")
    board = boot(config=config, files={"handlers.py": SAVING.format(count=1)})
    board.wait_line("OSError: 28")
    wait_subscribed(board)
    assert json.loads((flash / "config.json").read_text()) == config
    assert not (flash / "config.json.new").is_symlink()


CUTS = 25  # on each of eight boards


def cut_power_while_saving(flash: Path, config: dict[str, Any], seed: int) -> tuple[set[str], int]:
    """Let a board save over and over, and cut its power at a random moment, again and again.

    Return what the boots have read, and how many cuts left an unfinished file beside the whole one.
    """
    randomly = random.Random(seed)
    flash.mkdir()
    (flash / "handlers.py").write_text(SAVING.format(count=1_000_000))
    (flash / "config.json").write_text(json.dumps(config))
    read = set()
    unfinished = 0
    for _ in range(CUTS):
        with SimulatedBoard(flash=flash, access_points=(ACCESS_POINT,)) as board:
            read.add(board.wait_line("read "))
            board.wait_line(f"saved {randomly.randrange(16)}")
            time.sleep(randomly.uniform(0, 0.01))
            board.process.kill()
        saved = json.loads((flash / "config.json").read_text())
        name = saved["mqtt"]["client_id"]
        assert set(name) <= set("first") | {"c"}
        assert saved == {**config, "mqtt": {**config["mqtt"], "client_id": name}}
        unfinished += (flash / "config.json.new").exists()
    (flash / "handlers.py").unlink()
    return read, unfinished


@pytest.mark.simulator
def test_power_cuts_while_saving_leave_whole_file(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """SIGKILL at random moments; each next boot finds the configuration whole, and uses it"""
    config = settings(mosquitto, client_id="first")
    folders = [tmp_path / f"flash{seed}" for seed in range(8)]
    # A boot waits a second for button A: eight boards wait together.
    with ThreadPoolExecutor(len(folders)) as boards:
        cuts = [
            boards.submit(cut_power_while_saving, flash, config, seed)
            for seed, flash in enumerate(folders)
        ]
    read = set().union(*(cut.result()[0] for cut in cuts))
    unfinished = sum(cut.result()[1] for cut in cuts)
    assert len(read) > 8 and unfinished > 10, (read, unfinished)
    with SimulatedBoard(flash=folders[0], access_points=(ACCESS_POINT,)) as board:
        wait_subscribed(board)
