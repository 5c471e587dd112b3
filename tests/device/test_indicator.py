"""The status LED: what it covers comes back, it does not flicker, and it is always seen."""

from __future__ import annotations

import time
from collections.abc import Callable

from ci.boards import load_board
from ci.build.board_facts import facts
from simulated_board import Frame, SimulatedBoard
from tests.classroom import Person, settings, wait_subscribed
from tests.mosquitto import Mosquitto

Boot = Callable[..., SimulatedBoard]

PAINT = """\
import device, rgb

@device.on("paint")
def paint(topic, message):
    rgb.leds().fill((255, 0, 0))
    rgb.leds().write()
"""


def is_blue(frame: Frame) -> bool:
    red, green, blue = frame.colours[0]
    return blue > 0 and red == green == 0


def is_dark(frame: Frame) -> bool:
    return not any(any(colour) for colour in frame.colours)


def is_red(frame: Frame) -> bool:
    return all(red > 0 and green == blue == 0 for red, green, blue in frame.colours)


def lose_wifi(board: SimulatedBoard) -> None:
    """Take the access point away so that the board notices at once, and TCP late."""
    seen = len(board.lines)
    board.command("outage", value=True, noticed_after_ms=200)
    board.wait_line("wifi: lost", since=seen)


def test_wifi_lost_while_tcp_lives_shows_steady(boot: Boot) -> None:
    board = boot()
    wait_subscribed(board)
    # Blank, white, blue, dark: the last says that the board is ready.
    board.wait_frame(is_dark, since=3)
    before = len(board.frames())
    lose_wifi(board)
    board.wait_frame(is_blue, since=before)
    time.sleep(2)
    assert not any("mqtt: lost" in line for line in board.lines)
    assert [is_blue(frame) for frame in board.frames()[before:]] == [True]


def test_picture_covered_by_outage_comes_back(boot: Boot, person: Person) -> None:
    board = boot(files={"handlers.py": PAINT})
    board.wait_line("mqtt: subscribed paint")
    person.publish("paint", "")
    board.wait_frame(is_red)
    before = len(board.frames())
    lose_wifi(board)
    covered = board.wait_frame(is_blue, since=before)
    assert all(red > 0 and green == blue == 0 for red, green, blue in covered.colours[1:])
    before = len(board.frames())
    board.command("outage", value=False)
    board.wait_frame(is_red, since=before)


DRAW = """\
import device

@device.every(100)
def draw():
    if device._running.link.wifi.losses:
        device.leds.fill((255, 0, 0))
        device.leds.write()
"""


def test_picture_drawn_in_outage_stays(boot: Boot) -> None:
    board = boot(files={"handlers.py": DRAW})
    wait_subscribed(board)
    before = len(board.frames())
    lose_wifi(board)
    board.wait_frame(lambda frame: is_blue(frame) and frame.colours[1][0] > 0, since=before)
    before = len(board.frames())
    board.command("outage", value=False)
    board.wait_frame(is_red, since=before)


def test_dim_lamp_leaves_status_visible(boot: Boot, person: Person, board_name: str) -> None:
    board = boot(board_name)
    wait_subscribed(board)
    for command in ("1%", "off"):
        person.publish("light", command)
    board.wait_line("lights: off")
    before = len(board.frames())
    lose_wifi(board)
    board.wait_frame(is_blue, since=before)


def test_identify_blinks_and_leaves_lamp_as_it_was(
    boot: Boot, person: Person, board_name: str
) -> None:
    board = boot(board_name)
    wait_subscribed(board)
    person.publish("light", "#ff0000")
    red = board.wait_frame(is_red).colours
    dark = ((0, 0, 0),) * len(red)
    board.wait_line("lights: on #ff0000 100%")
    before = len(board.frames())
    lines = len(board.lines)
    person.publish("light", "Identify")
    # Ten blinks in five seconds; a busy machine leaves some of them out.
    end = board.wait_frame(lambda frame: frame.colours == red, since=before)
    blinks = board.frames()[before:]
    light = next(frame.colours for frame in blinks if min(frame.colours[0]) > 20)
    assert {frame.colours for frame in blinks} == {red, dark, light}
    assert end == blinks[-1] and end.time - blinks[0].time > 3
    assert [frame.colours for frame in blinks].count(light) >= 3
    assert sum(map(sum, light)) * 20 / 255 <= facts(load_board(board_name)).LED_MAX_CURRENT
    assert not any(line.startswith("lights:") for line in board.lines[lines:])


def test_lamp_that_is_on_is_not_covered(boot: Boot, person: Person) -> None:
    board = boot()
    wait_subscribed(board)
    person.publish("light", "#ff0000")
    board.wait_frame(is_red)
    before = len(board.frames())
    lose_wifi(board)
    time.sleep(1)
    assert len(board.frames()) == before


def test_refused_login_shows_steady_red(boot: Boot, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "broker").mkdir()
    broker = Mosquitto(tmp_path / "broker", "allow_anonymous false\n")
    broker.start()
    try:
        board = boot(config=settings(broker, user="pupil", password="canary-secret"))
        board.wait_line("mqtt: the broker does not let this user in")
        board.wait_frame(lambda frame: frame.colours[0][0] > 0 and not any(frame.colours[0][1:]))
        before = len(board.frames())
        time.sleep(1)
        assert len(board.frames()) == before
    finally:
        broker.stop()
