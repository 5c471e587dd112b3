"""BPI:bit's own modules on the simulated board: matrix, buttons, pins, sensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulated_board import Frame, SimulatedBoard

pytestmark = pytest.mark.simulator

BUTTON_A = 35
BUTTON_B = 27
THERMISTOR = 34

# The board's default brightness of 10 %, rounded up.
RED = (26, 0, 0)

Run = Callable[..., SimulatedBoard]


@pytest.fixture
def run(own_board: str, tmp_path: Path) -> Iterator[Run]:
    """Run a program on a simulated BPI:bit, and wait until it has printed `done`."""
    with ExitStack() as stack:

        def start(code: str, until: str = "done", **options: object) -> SimulatedBoard:
            script = tmp_path / "script.py"
            script.write_text(code + "\nimport time\ntime.sleep(600)\n")
            board = SimulatedBoard(own_board, (str(script),), **options)  # type: ignore[arg-type]
            stack.enter_context(board)
            board.wait_line(until)
            # Events come by another way than lines; they are all there when a command is done.
            board.command("timer_speed", value=1)
            return board

        yield start


def picture(frame: Frame) -> list[str]:
    """Draw a frame as a person sees it: LED 0 is at the top right, and numbers run down."""
    return [
        "".join("#" if any(frame.colours[y + 5 * (4 - x)]) else "." for x in range(5))
        for y in range(5)
    ]


def test_images_and_dots_are_shown(run: Run) -> None:
    board = run("""
from microbit import *
display.show(Image.ARROW_E)
display.show(Image("10000:00000:00000:00000:00009"), color=(0, 0, 255))
print(display.get_pixel(0, 0), display.get_pixel(4, 4), display.get_pixel(4, 0))
display.set_pixel(2, 1, 9)
display.clear()
print("done")
""")
    dark, arrow, corners, dot, clear = [frame for frame in board.frames()]
    assert picture(dark) == picture(clear) == ["....."] * 5
    assert picture(arrow) == ["..#..", "...#.", "#####", "...#.", "..#.."]
    assert set(arrow.colours) == {(0, 0, 0), RED}
    assert picture(corners) == ["#....", ".....", ".....", ".....", "....#"]
    assert corners.colours[20] == (0, 0, 3), "level 1 of 9"
    assert corners.colours[4] == (0, 0, 26)
    assert picture(dot)[1] == "..#.."
    assert "1 9 0" in board.lines


def test_power_of_leds_comes_before_data(run: Run) -> None:
    board = run("from microbit import *\ndisplay.show(Image.HEART)\nprint('done')\n")
    kinds = [event for event in board.events if event["event"] in ("pin", "frame")]
    assert (kinds[0]["event"], kinds[0].get("id"), kinds[0].get("value")) == ("pin", 2, 1)
    assert picture(board.frames()[-1]) == [".#.#.", "#####", "#####", ".###.", "..#.."]


def test_text_is_shown_sign_by_sign(run: Run) -> None:
    board = run("""
from microbit import *
display.show("A7", delay=1)
display.show(3, delay=1)
display.show("ö", delay=1, clear=True)
print("done")
""")
    frames = [picture(frame) for frame in board.frames()[1:]]
    assert frames[0] == ["..#..", ".#.#.", ".###.", ".#.#.", ".#.#."]
    assert frames[1] == [".###.", "...#.", "..#..", "..#..", "..#.."]
    assert frames[2] == [".##..", "...#.", "..#..", "...#.", ".##.."]
    assert frames[3] == [".###."] * 5, "a full box for what the font lacks"
    assert frames[4] == ["....."] * 5


def test_text_scrolls_from_right_to_left(run: Run) -> None:
    board = run("""
from microbit import *
display.scroll("L", color=(0, 255, 0), delay=1)
print("done")
""")
    frames = [picture(frame) for frame in board.frames()[1:]]
    assert frames[0] == ["....#"] * 5
    assert frames[2] == ["..#..", "..#..", "..#..", "..#..", "..###"]
    assert frames[4] == ["#....", "#....", "#....", "#....", "###.."]
    assert frames[-1] == ["....."] * 5
    assert len(frames) == 9  # three columns, a gap, and five until the last is out
    assert board.frames()[1].colours[0] == (0, 26, 0)


def test_set_up_shows_network_and_key_again_and_again(run: Run) -> None:
    """As a text that moves through the matrix, slowly enough to write digits down."""
    text = "bpi-bit-a1b2c3  KEY 12345  67890"
    board = run(f"""
import setup_screen, time
class Clock:
    now = 0
    def ticks_ms(self):
        return self.now
    ticks_diff = staticmethod(time.ticks_diff)
clock = setup_screen.time = Clock()
screen = setup_screen.Screen()
for _ in range(2 * {4 * len(text) + 6}):
    screen.invite("bpi-bit-a1b2c3", "1234567890", "4.3.2.1")
    clock.now += 150
    screen.step()
    clock.now += 50
    screen.step()
screen.close()
print("shown")
from microbit import *
display.scroll("{text}", delay=1)
print("done")
""")
    pictures = [picture(frame) for frame in board.frames()[1:]]
    once = 4 * len(text) + 5  # the columns, and five until the last is out
    assert pictures[:once] == pictures[once : 2 * once] == pictures[-once:]
    assert len({str(each) for each in pictures[:once]}) > 60
    assert max(board.frames()[3].colours) == (0, 13, 13)


def test_display_off_keeps_picture(run: Run) -> None:
    board = run("""
from microbit import *
display.show(Image.SQUARE)
display.off()
print(display.is_on())
display.on()
print(display.is_on(), "done")
""")
    assert [picture(frame)[0] for frame in board.frames()[1:]] == ["#####", ".....", "#####"]
    assert board.lines == ["False", "True done"]


def test_what_is_no_image_is_said(run: Run) -> None:
    board = run("""
from microbit import *
for wrong in ("09090:99999:99999:09990:00900:00000", "123456"):
    try:
        Image(wrong)
    except ValueError as error:
        print(error)
for call in (lambda: display.set_pixel(5, 0, 1), lambda: display.set_pixel(0, 0, 10)):
    try:
        call()
    except (IndexError, ValueError) as error:
        print(error)
image = Image.YES.copy().invert()
print(image.get_pixel(4, 1), image.get_pixel(0, 0), Image.YES.get_pixel(4, 1))
print("done")
""")
    assert board.lines == [
        "an image has five rows of five digits, with : between them",
        "an image has five rows of five digits, with : between them",
        "no dot at (5, 0)",
        "level is 10; allowed: 0 to 9",
        "0 9 9",
        "done",
    ]


def test_pixel_reaches_leds(run: Run) -> None:
    board = run("""
import pixel
pixel.PixelPower(True)
view = pixel.Pixel()
view.LoadXY(0, 0, (255, 0, 0))
view.LoadXY(4, 1, (255, 0, 0))
view.LoadXY(5, 0, (255, 0, 0))
view.LoadXY(2, 3, (255, 0, 0), isSoftWare=False)
view.LoadPos(24, (255, 0, 0))
view.LoadPos(25, (255, 0, 0))
view.Show()
view[0] = (300, -1, 0)
print(view[0], len(view), "done")
""")
    assert picture(board.frames()[-1]) == ["#....", "....#", ".#...", ".....", "#...."]
    assert board.lines == ["(255, 0, 0) 25 done"]


def test_button_events_and_counters(run: Run) -> None:
    board = run(
        """
from microbit import *
button_b.event_pressed = lambda pin: print(
    "a:", button_a.is_pressed(), button_a.was_pressed(), button_a.get_presses())
button_a.event_pressed = lambda pin: print("down")
button_a.event_released = lambda pin: print("up")
print("ready")
while True:
    sleep(1000)
""",
        until="ready",
    )
    for _ in range(2):
        lines = len(board.lines)
        board.command("pin", id=BUTTON_A, value=0)
        board.wait_line("down", since=lines)
        board.command("pin", id=BUTTON_A, value=1)
        board.wait_line("up", since=lines)
    board.command("pin", id=BUTTON_B, value=0)
    board.wait_line("a: False True 2")


def test_button_reset_forgets_and_close_ends(run: Run) -> None:
    board = run(
        """
import button
from time import sleep_ms
a = button.Button(35)
a.event_released = lambda pin: print("up")
print("ready")
while not a.was_pressed():
    sleep_ms(5)
sleep_ms(100)
a.reset()
print("counted", a.get_presses())
a.close()
print("closed")
while a.is_pressed():
    sleep_ms(5)
sleep_ms(50)
print("closed: counted", a.get_presses())
""",
        until="ready",
    )
    board.command("pin", id=BUTTON_A, value=0)
    board.wait_line("closed")
    board.command("pin", id=BUTTON_A, value=1)
    board.wait_line("closed: counted 0")


@pytest.mark.parametrize("celsius", [-10, 0, 25, 50, 90])
def test_temperature_is_calculated(run: Run, celsius: float) -> None:
    """A thermistor of 10 kOhm at 25 degrees, B = 3950 K, above a resistor of 5.1 kOhm."""
    thermistor = 10000 * math.exp(3950 * (1 / (celsius + 273.15) - 1 / 298.15))
    volts = 3.3 * 5100 / (5100 + thermistor)
    board = run(
        "from microbit import *\nprint(temperature())\nprint('done')\n",
        commands=({"command": "voltage", "id": THERMISTOR, "millivolts": round(volts * 1000)},),
    )
    # A step of the ADC is 0.8 mV, which is 0.1 degrees at the ends.
    assert abs(float(board.lines[0]) - celsius) <= 0.2


def test_temperature_of_older_revision_and_broken_sensor(run: Run) -> None:
    board = run("""
from temperature import Temperature
class Voltage:
    def __init__(self, microvolts):
        self.microvolts = microvolts
    def read_uv(self):
        return self.microvolts
print(Temperature(Voltage(1055102), resistor=4700).temperature())
for microvolts in (142000, 3135000):
    try:
        print(Temperature(Voltage(microvolts)).temperature())
    except OSError as error:
        print(error)
print("done")
""")
    assert board.lines[:3] == [
        "25.0",
        "the thermistor reads 142 mV, which cannot be",
        "the thermistor reads 3135 mV, which cannot be",
    ]


def test_pins_read_and_write(run: Run) -> None:
    board = run(
        """
from microbit import *
print(pin1.read_analog(), pin2.read_digital())
pin13.write_digital(1)
pin13.write_digital(0)
pin0.write_analog(512)
pin0.set_analog_period(20)
pin0.write_analog(1)
print(pin0.read_digital())
try:
    pin5.write_digital(1)
except ValueError as error:
    print(error)
print("done")
""",
        commands=(
            {"command": "analogue", "id": 32, "value": 4095},
            {"command": "pin", "id": 33, "value": 0},
        ),
    )
    assert board.lines == ["1023 0", "1", "pin can only be input", "done"]
    levels = [event["value"] for event in board.events if event.get("id") == 18]
    assert levels == [1, 0]


def test_every_pin_is_where_its_name_says(run: Run) -> None:
    run("""
import microbit
from machine import Pin
absent = []
for number in range(21):
    pin = getattr(microbit, "pin%d" % number, None)
    if pin is None:
        absent.append(number)
    else:
        assert pin.pin is Pin("P%d" % number), number
assert absent == [17, 18]
print("done")
""")


def test_light_sensors_read_0_to_1000(run: Run) -> None:
    board = run(
        "import light\nprint([light.Intensity(pin).read() for pin in (36, 39)], 'done')\n",
        commands=(
            {"command": "analogue", "id": 36, "value": 4095},
            {"command": "analogue", "id": 39, "value": 0},
        ),
    )
    assert board.lines == ["[1000, 0] done"]


def test_read_analog_with_wifi_on_is_refused_in_words(run: Run) -> None:
    """[D5] Wi-Fi keeps the second ADC, and MicroPython says 0 then."""
    board = run("""
from microbit import *
print("off:", pin0.read_analog() > 0, pin1.read_analog() > 0)
import network
wlan = network.WLAN(network.AP_IF)
wlan.active(True)
try:
    pin0.read_analog()
except ValueError as error:
    print(error)
print("on:", pin1.read_analog() > 0, pin5.read_analog() > 0)
wlan.active(False)
print("off again:", pin0.read_analog() > 0)
print("done")
""")
    assert "off: True True" in board.lines
    assert "while Wi-Fi is on, only pin1, pin2 and pin5 read voltages" in board.lines
    assert "on: True True" in board.lines
    assert "off again: True" in board.lines


def test_read_analog_of_zero_volts_is_zero(run: Run) -> None:
    zero = {"command": "analogue", "id": 25, "value": 0}
    board = run(
        "from microbit import *\nprint('volts', pin0.read_analog())\nprint('done')",
        commands=(zero,),
    )
    assert "volts 0" in board.lines
