"""mpython on the simulated board: buttons, touch pads, sensors and wifi, with a hand on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulated_board import AccessPoint, SimulatedBoard

pytestmark = pytest.mark.simulator

BUTTON_A = 0
BUTTON_B = 2
PAD_P = 27

Start = Callable[..., SimulatedBoard]


@pytest.fixture
def start(own_board: str, tmp_path: Path) -> Iterator[Start]:
    """Run a program that begins with the star import, and wait until it has printed `ready`."""
    with ExitStack() as stack:

        def start(code: str, **options: object) -> SimulatedBoard:
            script = tmp_path / "script.py"
            script.write_text("from mpython import *\n" + code)
            board = SimulatedBoard(own_board, (str(script),), **options)  # type: ignore[arg-type]
            stack.enter_context(board)
            board.wait_line("ready")
            return board

        yield start


WATCH = """
button_a.event_pressed = lambda pin: print("pressed", pin)
button_a.event_released = lambda pin: print("released", pin)

def tell(pin):
    print("a:", button_a.is_pressed(), button_a.was_pressed(), button_a.get_presses(),
          button_a.value(), button_a.status())
button_b.event_pressed = tell
button_b.event_released = lambda pin: print("b is up")
print("ready")
while True:
    sleep_ms(1000)
"""


def level(pin: int, value: int) -> dict[str, object]:
    return {"command": "pin", "id": pin, "value": value}


def ask(board: SimulatedBoard) -> str:
    """Press button B, on which the program tells of button A."""
    lines = len(board.lines)
    board.command("pin", id=BUTTON_B, value=0)
    answer = board.wait_line("a:", since=lines)
    board.command("pin", id=BUTTON_B, value=1)
    board.wait_line("b is up", since=lines)
    return answer


def press(board: SimulatedBoard) -> None:
    lines = len(board.lines)
    board.command("pin", id=BUTTON_A, value=0)
    board.wait_line("pressed Pin(0)", since=lines)
    board.command("pin", id=BUTTON_A, value=1)
    board.wait_line("released Pin(0)", since=lines)


def test_button_events_and_counters(start: Start) -> None:
    board = start(WATCH)
    assert ask(board) == "a: False False 0 1 0"
    board.command("pin", id=BUTTON_A, value=0)
    board.wait_line("pressed Pin(0)")
    assert ask(board) == "a: True True 1 0 1"
    board.command("pin", id=BUTTON_A, value=1)
    board.wait_line("released Pin(0)")
    assert ask(board) == "a: False False 0 1 0"
    for _ in range(3):
        press(board)
    assert ask(board) == "a: False True 3 1 0"
    assert ask(board) == "a: False False 0 1 0"


def test_bouncing_contacts_count_once(start: Start) -> None:
    board = start(WATCH)
    # The answers come behind the edges that still wait: the chip's queue holds eight.
    for _ in range(2):
        lines = len(board.lines)
        board.at_once(*[level(BUTTON_A, value) for value in (0, 1, 0)])
        board.wait_line("pressed", since=lines)
        assert ask(board) == "a: True True 1 0 1"
        board.at_once(*[level(BUTTON_A, value) for value in (1, 0, 1)])
        board.wait_line("released", since=lines)
        assert ask(board) == "a: False False 0 1 0"
    # A spark that is over before anybody looks is nothing.
    board.at_once(level(BUTTON_A, 0), level(BUTTON_A, 1))
    assert ask(board) == "a: False False 0 1 0"
    assert sum("pressed" in line for line in board.lines) == 2


def test_presses_are_counted_to_100(start: Start) -> None:
    board = start("""
button_a.event_pressed = lambda pin: print("down")
button_a.event_released = lambda pin: print("up")
button_b.event_pressed = lambda pin: print("count", button_a.get_presses())
print("ready")
while True:
    sleep_ms(1000)
""")
    for number in range(1, 103):
        board.command("pin", id=BUTTON_A, value=0)
        board.wait("press", lambda: board.lines.count("down") == number)
        board.command("pin", id=BUTTON_A, value=1)
        board.wait("release", lambda: board.lines.count("up") == number)
    board.command("pin", id=BUTTON_B, value=0)
    board.wait_line("count 100")


def test_event_that_fails_is_printed_and_next_one_comes(start: Start) -> None:
    board = start("""
def fail(pin):
    raise ValueError("of the pupil's own")
button_a.event_pressed = fail
button_a.event_released = lambda pin: print("let go")
print("ready")
while True:
    sleep_ms(1000)
""")
    for _ in range(2):
        lines = len(board.lines)
        board.command("pin", id=BUTTON_A, value=0)
        board.wait_line("ValueError: of the pupil's own", since=lines)
        board.command("pin", id=BUTTON_A, value=1)
        board.wait_line("let go", since=lines)


def test_button_of_ones_own_that_is_high_when_pressed(start: Start) -> None:
    board = start(
        """
button = Button(33, reverse=True)
button.event_pressed = lambda pin: print("pressed", button.value(), button.is_pressed())
print("ready", button.is_pressed())
while True:
    sleep_ms(1000)
""",
        commands=(level(33, 0),),
    )
    assert "ready False" in board.lines
    board.command("pin", id=33, value=1)
    board.wait_line("pressed 1 True")


def test_touch_pad_events_come(start: Start) -> None:
    board = start("""
def down(value):
    print("touched", value, touchPad_P.is_pressed(), touchPad_P.read())
touchPad_P.event_pressed = down
touchpad_p.event_released = lambda value: print("let go", value, touchPad_P.get_presses())
print("ready", touchPad_P is touchpad_p, touchPad_P.is_pressed())
while True:
    sleep_ms(1000)
""")
    assert "ready True False" in board.lines
    for number in (1, 2):
        lines = len(board.lines)
        board.command("analogue", id=PAD_P, value=80)
        board.wait_line("touched 1 True 80", since=lines)
        board.command("analogue", id=PAD_P, value=1000)
        board.wait_line("let go 0 1", since=lines)


def test_touch_pad_counts_from_first_time_it_is_asked(start: Start) -> None:
    board = start("""
touchPad_N.config(700)
print("ready", touchPad_N.was_pressed(), touchPad_N.get_presses())
while not touchPad_N.was_pressed():
    sleep_ms(10)
print("was pressed", touchPad_N.was_pressed(), touchPad_N.get_presses())
""")
    assert "ready False 0" in board.lines
    board.command("analogue", id=4, value=699)
    board.wait_line("was pressed False 1")


def test_touch_pad_and_jobs_share_four_timers(start: Start) -> None:
    board = start("""
import timers
touchPad_P.event_pressed = lambda value: print("touched")
jobs = [timers.every(1000, lambda: None) for _ in range(3)]
for claim in (lambda: timers.every(1000, print), touchPad_N.was_pressed):
    try:
        print("has a timer:", claim())
    except OSError as error:
        print(error)
print("ready")
while True:
    sleep_ms(1000)
""")
    assert "all four timers are taken; cancel a job first" in board.lines
    assert "has a timer: False" in board.lines  # the pads share one
    board.command("analogue", id=PAD_P, value=80)
    board.wait_line("touched")


def test_touch_pad_without_free_timer_is_error(start: Start) -> None:
    board = start("""
import timers
jobs = [timers.every(10, lambda: None) for _ in range(4)]
try:
    touchPad_P.was_pressed()
except OSError as error:
    print(error)
jobs[3].cancel()
print("ready", touchPad_P.was_pressed())
while not touchPad_P.was_pressed():
    sleep_ms(10)
print("touched", all(job.runs for job in jobs[:3]))
""")
    assert "all four timers are taken; cancel a job first" in board.lines
    assert "ready False" in board.lines
    board.command("analogue", id=PAD_P, value=80)
    board.wait_line("touched True")


def test_light_and_sound_are_read(start: Start) -> None:
    commands = (
        {"command": "analogue", "id": 39, "value": 4095},
        {"command": "analogue", "id": 36, "value": 7},
    )
    board = start('print("ready", light.read(), sound.read())', commands=commands)
    assert "ready 4095 7" in board.lines


def test_mpythonpin_irq_calls_handler(start: Start) -> None:
    board = start("""
pin = MPythonPin(8, PinMode.IN)
pin.irq(lambda p: print("edge", p, p.value()), Pin.IRQ_FALLING)
print("ready")
while True:
    sleep_ms(1000)
""")
    board.command("pin", id=26, value=0)
    board.wait_line("edge Pin(26) 0")


CONNECT = """
w = wifi()
try:
    result = w.connectWiFi(%s)
    print("returned", result, w.sta.isconnected())
except OSError as error:
    print("OSError:", error)
print("ready")
"""

CONNECTED = "Connection Successful, Config:('10.0.0.2', '255.255.255.0', '10.0.0.1', '10.0.0.1')"


@pytest.mark.parametrize(
    "arguments, point",
    [
        ('"classroom", "chalk and talk"', AccessPoint("classroom", "chalk and talk", rssi=-61)),
        ('"open", ""', AccessPoint("open", rssi=-61)),
        ('"hidden", "chalk and talk"', AccessPoint("hidden", "chalk and talk", -61, hidden=True)),
        ('ssid="教室", passwd="", timeout=5', AccessPoint("教室", rssi=-61)),
    ],
    ids=["with a password", "open", "hidden", "by name"],
)
def test_connect_wifi_says_connected(start: Start, arguments: str, point: AccessPoint) -> None:
    board = start(CONNECT % arguments, access_points=(point,))
    assert f"WiFi({point.ssid},-61dBm) {CONNECTED}" in board.lines
    assert "returned None True" in board.lines


def test_connect_wifi_again_leaves_network_of_before(start: Start) -> None:
    points = (AccessPoint("first"), AccessPoint("second", rssi=-70))
    board = start(
        CONNECT % '"first", ""' + 'w.connectWiFi("second", "")\nprint("done")\n',
        access_points=points,
    )
    board.wait_line("done")
    assert f"WiFi(second,-70dBm) {CONNECTED}" in board.lines


def test_connect_wifi_while_radio_tries_another(start: Start) -> None:
    board = start("""
w = wifi()
w.connectWiFi("classroom", "")
w.sta.disconnect()
sleep_ms(100)
w.sta.connect("nobody")
print("status", w.sta.status())
w.connectWiFi("classroom", "")
print("ready")
""")
    assert "status 1000" in board.lines


@pytest.mark.parametrize("arguments", ['"nobody", "x", 2', '"nobody", "x"'])
def test_connect_wifi_to_missing_network_raises(start: Start, arguments: str) -> None:
    board = start(CONNECT % arguments)
    assert "OSError: SSID invalid / failed to scan this wifi" in board.lines


def test_wrong_password_and_then_right_one(start: Start) -> None:
    again = 'w.connectWiFi("classroom", "chalk and talk")\nprint("done")\n'
    board = start(
        CONNECT % '"classroom", "canary", 1' + again,
        access_points=(AccessPoint("classroom", "chalk and talk"),),
    )
    error = "OSError: Timeout!,check your wifi password and keep your network unblocked"
    assert board.lines[board.lines.index(error) - 1] == '"classroom" does not let the board in'
    board.wait_line("done")
    assert not any("canary" in line for line in board.lines)


def test_no_address_is_told_apart(start: Start) -> None:
    dhcp = {"command": "dhcp", "value": False}
    board = start(CONNECT % '"classroom", "", 2', commands=(dhcp,))
    board.wait_line('"classroom" gives no address')


def test_access_point_and_switching_off(start: Start) -> None:
    board = start("""
w = wifi()
w.connectWiFi("classroom", "")
w.enable_APWiFi("mine", "chalk and talk", 6)
print(w.ap.active(), w.ap.config("ssid"), w.ap.config("channel"))
w.disable_APWiFi()
w.disconnectWiFi()
print(w.ap.active(), w.sta.active())
w.disconnectWiFi()
print("ready")
""")
    lines = board.lines[board.lines.index("True mine 6") :]
    assert lines == [
        "True mine 6",
        "disable AP WiFi...",
        "disconnect WiFi...",
        "False False",
        "disconnect WiFi...",
        "ready",
    ]


def test_try_connect_wifi_tries_again(start: Start) -> None:
    board = start("""
import mpython
mpython.sleep = lambda seconds: print("waits", seconds)
class Never:
    def connectWiFi(self, ssid, passwd):
        raise OSError("not today")
print(try_connect_wifi(Never(), "classroom", "", 2))
print(try_connect_wifi(wifi(), "classroom", "", 2))
print("ready")
""")
    assert board.lines[:6] == [
        "Try Connect WiFi ... 1 Times",
        "not today",
        "waits 5",
        "Try Connect WiFi ... 2 Times",
        "not today",
        "False",
    ]
    assert board.lines[6] == "Try Connect WiFi ... 1 Times"
    assert board.lines[-2:] == ["True", "ready"]
