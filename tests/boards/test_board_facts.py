"""What a board's folder may not say: each slip is told in a sentence before anything is built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ci.boards import Board, load_board
from ci.build.board_facts import check, read_pins
from ci.problem import Problem
from tests.boards.demo_board import make_demo_board


@pytest.fixture
def demo(tmp_path: Path) -> Board:
    return make_demo_board(tmp_path)


def edit(board: Board, file: str, old: str, new: str) -> None:
    path = board.folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_boards_of_this_project_pass(board: Board) -> None:
    check(board)


def test_demo_board_passes(demo: Board) -> None:
    check(demo)
    assert read_pins(demo)["RGB"] == 13


@pytest.mark.parametrize(
    "file, old, new, sentence",
    [
        (
            "modules/board.py",
            'NAME = "demo"',
            'NAME = "other"',
            "NAME in modules/board.py of demo is 'other'; make it 'demo', as its folder is",
        ),
        (
            "mpconfigboard.h",
            'HOSTNAME_DEFAULT "demo"',
            'HOSTNAME_DEFAULT "other"',
            "MICROPY_PY_NETWORK_HOSTNAME_DEFAULT in mpconfigboard.h of demo is 'other'; make it "
            "'demo', as its folder is",
        ),
        (
            "sdkconfig.board",
            'CONFIG_LWIP_LOCAL_HOSTNAME="demo"\n',
            "",
            "CONFIG_LWIP_LOCAL_HOSTNAME in sdkconfig.board of demo is None; make it 'demo'",
        ),
        (
            "mpconfigboard.h",
            'BOARD_NAME "Demo"',
            'BOARD_NAME "Other"',
            "MICROPY_HW_BOARD_NAME in mpconfigboard.h of demo is 'Other'; make it 'Demo', as "
            '"product" in board.json is',
        ),
        (
            "modules/board.py",
            'VENDOR = "nobody"',
            'VENDOR = "somebody"',
            "VENDOR in modules/board.py of demo is 'somebody'; make it 'nobody', as "
            '"vendor" in board.json is',
        ),
    ],
)
def test_names_that_differ_are_told(
    demo: Board, file: str, old: str, new: str, sentence: str
) -> None:
    edit(demo, file, old, new)
    with pytest.raises(Problem, match=re.escape(sentence)):
        check(demo)


@pytest.mark.parametrize(
    "old, new, sentence",
    [
        (
            "LED_COLUMNS = const(4)",
            "LED_COLUMNS = const(3)",
            "LED_COUNT = 8 LEDs do not fill whole rows of LED_COLUMNS = 3",
        ),
        ("LED_COUNT = const(8)", "LED_COUNT = const(0)", "LED_COUNT = 0 LEDs do not fill"),
        (
            "return 7 - x if y else x",
            "return x",
            "led_index must give each of the 8 LEDs one number of 0 to 7; row by row it gives "
            "0, 1, 2, 3, 0, 1, 2, 3",
        ),
        ("LED_BRIGHTNESS = const(50)", "LED_BRIGHTNESS = const(500)", "is not 1 to 100 percent"),
        (
            "LED_BRIGHTNESS = const(50)",
            "LED_BRIGHTNESS = const(60)",
            "all LEDs white at LED_BRIGHTNESS = 60 take 288 mA, and LED_MAX_CURRENT is 250",
        ),
        (
            "LED_MAX_CURRENT = const(250)",
            "",
            "modules/board.py of demo does not say LED_MAX_CURRENT",
        ),
    ],
)
def test_leds_that_cannot_be_are_told(demo: Board, old: str, new: str, sentence: str) -> None:
    edit(demo, "modules/board.py", old, new)
    with pytest.raises(Problem, match=re.escape(sentence)):
        check(demo)


@pytest.mark.parametrize(
    "old, new, sentence",
    [
        ("RGB,GPIO13", "RGB,GPIO6", "RGB cannot be GPIO6: the flash is on GPIO6 to 11"),
        ("P0,GPIO33", "P0,GPIO11", "P0 cannot be GPIO11: the flash is on GPIO6 to 11"),
        ("P0,GPIO33", "P0,GPIO24", "P0 cannot be GPIO24: there is no such pin on the ESP32"),
        ("P0,GPIO33", "P0,GPIO40", "P0 cannot be GPIO40: there is no such pin"),
        ("RGB,GPIO13", "RGB,GPIO35", "RGB cannot be GPIO35: it is driven by the chip"),
        ("LIGHT,", "RGB_POWER,", "RGB_POWER cannot be GPIO36: it is driven by the chip"),
        ("RGB,GPIO13", "RGB,GPIO1", "RGB cannot be GPIO1: GPIO1 and 3 are the serial port"),
        ("BUTTON_A,GPIO0", "BUTTON_A,GPIO12", "BUTTON_A cannot be GPIO12: it is pulled up"),
        ("LIGHT,GPIO36", "LIGHT,GPIO25", "LIGHT cannot be GPIO25: it is a voltage to measure"),
        ("TOUCH_P,GPIO4", "TOUCH_P,GPIO5", "TOUCH_P cannot be GPIO5: touch pads can be on GPIO 0"),
        ("RGB,GPIO13\n", "", "has no RGB, which the firmware needs"),
        ("BUTTON_A,GPIO0\n", "", "has no BUTTON_A, which the firmware needs"),
        ("RGB,GPIO13", "RGB,13", "line 10: 'RGB,13' is not a pin, as in RGB,GPIO17"),
        ("P1,GPIO32", "P0,GPIO32", "line 3: there is a pin P0 already"),
        (
            "I2C_SCL,GPIO22",
            "I2C_SCL,GPIO23",
            "defines MICROPY_HW_I2C0_SCL 22, and pins.csv has I2C_SCL,GPIO23",
        ),
    ],
)
def test_pins_chip_cannot_use_so_are_told(demo: Board, old: str, new: str, sentence: str) -> None:
    edit(demo, "pins.csv", old, new)
    with pytest.raises(Problem, match=re.escape(sentence)):
        check(demo)


def test_pin_with_two_names_passes(demo: Board) -> None:
    edit(demo, "pins.csv", "P1,GPIO32", "P1,GPIO13")  # RGB, as a plug
    check(demo)


def test_edge_pin_may_be_serial_port(demo: Board) -> None:
    edit(demo, "pins.csv", "P1,GPIO32", "P1,GPIO3")
    check(demo)


def test_pins_of_unknown_chip_are_told(demo: Board) -> None:
    edit(demo, "board.json", '"mcu": "esp32"', '"mcu": "esp32c6"')
    with pytest.raises(Problem, match="esp32c6, whose pins are not known here: add its rules"):
        check(load_board(demo.name, demo.folder.parent))
