"""Check what a board's folder says: that it agrees with itself, and that its chip can do it.

    python -m ci.build.board_facts mpython

Needs nothing but Python, so the simulator's build asks it too. ci.build.check_board does the rest, with
MicroPython's own tools.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType

from ci.boards import Board, load_board
from ci.problem import Problem, run


def facts(board: Board) -> ModuleType:
    """Return the board's own module `board`, run by this Python: its name and its LEDs."""
    source = board.folder / "modules" / "board.py"
    micropython = ModuleType("micropython")
    micropython.const = lambda value: value  # type: ignore[attr-defined]
    module = ModuleType("board")
    sys.modules["micropython"] = micropython
    try:
        exec(compile(source.read_text(encoding="utf-8"), str(source), "exec"), module.__dict__)
    finally:
        del sys.modules["micropython"]
    return module


def read_pins(board: Board) -> dict[str, int]:
    """Return the GPIO numbers of the board's pins.csv by their names. Raises Problem at a wrong row."""
    path = board.folder / "pins.csv"
    pins: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"([A-Z][A-Z0-9_]*),GPIO(\d+)", line)
        if match is None:
            raise Problem(f"{path}, line {number}: {line!r} is not a pin, as in RGB,GPIO17")
        if match[1] in pins:
            raise Problem(f"{path}, line {number}: there is a pin {match[1]} already")
        pins[match[1]] = int(match[2])
    return pins


def _settings(board: Board, file: str, pattern: str) -> dict[str, str]:
    # `pattern` matches a line of `file`: a name, and a value, perhaps in quotes or parentheses.
    text = (board.folder / file).read_text(encoding="utf-8")
    found = re.findall(pattern, text, re.MULTILINE)
    return {name: value.strip().strip('"()') for name, value in found}


def _defines(board: Board) -> dict[str, str]:
    return _settings(board, "mpconfigboard.h", r"^#define (\w+) +(.+)$")


def _sdkconfig(board: Board) -> dict[str, str]:
    return _settings(board, "sdkconfig.board", r"^(CONFIG_\w+)=(.+)$")


# Names ----------------------------------------------------------------------------------


def check_names(board: Board) -> None:
    """Raise Problem if the board has one name here and another there."""
    header, config = _defines(board), _sdkconfig(board)
    host = "MICROPY_PY_NETWORK_HOSTNAME_DEFAULT"
    title = "MICROPY_HW_BOARD_NAME"
    lwip = "CONFIG_LWIP_LOCAL_HOSTNAME"
    for place, found, wanted in (
        ("NAME in modules/board.py", getattr(facts(board), "NAME", None), board.name),
        ("PRODUCT in modules/board.py", getattr(facts(board), "PRODUCT", None), board.product),
        ("VENDOR in modules/board.py", getattr(facts(board), "VENDOR", None), board.vendor),
        (f"{host} in mpconfigboard.h", header.get(host), board.name),
        (f"{lwip} in sdkconfig.board", config.get(lwip), board.name),
        (f"{title} in mpconfigboard.h", header.get(title), board.product),
    ):
        if found != wanted:
            sources = {board.name: "its folder", board.product: '"product" in board.json'}
            source = sources.get(wanted, '"vendor" in board.json')
            raise Problem(
                f"{place} of {board.name} is {found!r}; make it {wanted!r}, as {source} is"
            )


# LEDs -----------------------------------------------------------------------------------


_LED_CURRENT = 60  # milliamperes, of a white one (data sheet WS2812B)


def check_leds(board: Board) -> None:
    """Raise Problem if the board's LEDs are no whole rows, or are numbered in no possible way."""
    leds = facts(board)
    where = f"modules/board.py of {board.name}"
    for name in ("LED_COUNT", "LED_COLUMNS", "LED_BRIGHTNESS", "LED_MAX_CURRENT", "led_index"):
        if not hasattr(leds, name):
            raise Problem(f"{where} does not say {name}")
    count, columns = leds.LED_COUNT, leds.LED_COLUMNS
    if count < 1 or columns < 1 or count % columns:
        raise Problem(
            f"{where}: LED_COUNT = {count} LEDs do not fill whole rows of LED_COLUMNS = {columns}"
        )
    numbers = [leds.led_index(x, y) for y in range(count // columns) for x in range(columns)]
    if sorted(numbers) != list(range(count)):
        raise Problem(
            f"{where}: led_index must give each of the {count} LEDs one number of 0 to {count - 1}; "
            f"row by row it gives {', '.join(map(str, numbers))}"
        )
    if not 1 <= leds.LED_BRIGHTNESS <= 100:
        raise Problem(f"{where}: LED_BRIGHTNESS = {leds.LED_BRIGHTNESS} is not 1 to 100 percent")
    current = count * _LED_CURRENT * leds.LED_BRIGHTNESS // 100
    if current > leds.LED_MAX_CURRENT:
        raise Problem(
            f"{where}: all LEDs white at LED_BRIGHTNESS = {leds.LED_BRIGHTNESS} take {current} mA, "
            f"and LED_MAX_CURRENT is {leds.LED_MAX_CURRENT}"
        )


# Pins -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rule:
    """What pins with some functions must be able to do."""

    names: str  # a pattern
    allows: Callable[[int], bool]
    otherwise: str  # what is wrong with a GPIO that is not allowed


# ESP32 data sheet, "Pin Overview" and "Strapping Pins"; the flash is on GPIO6 to 11 in every module.
# GPIO1 and 3 are the serial port, where the prompt is.
_ESP32_GPIOS = frozenset((*range(20), 21, 22, 23, 25, 26, 27, *range(32, 40)))
_ESP32_FLASH = range(6, 12)
_ESP32_SERIAL = (1, 3)
_ESP32_OUTPUTS = range(34)
_ESP32_ADC1 = range(32, 40)
_ESP32_TOUCH = (0, 2, 4, 12, 13, 14, 15, 27, 32, 33)
_ESP32_FLASH_VOLTAGE = 12

_ESP32_RULES = (
    _Rule(
        r".*",
        lambda gpio: gpio in _ESP32_GPIOS,
        "there is no such pin on the ESP32",
    ),
    _Rule(
        r".*",
        lambda gpio: gpio not in _ESP32_FLASH,
        "the flash is on GPIO6 to 11, and the chip stops if another part uses them",
    ),
    _Rule(
        r"(?!P\d).*",
        lambda gpio: gpio not in _ESP32_SERIAL,
        "GPIO1 and 3 are the serial port",
    ),
    _Rule(
        r"RGB|RGB_POWER|LED|BUZZER|I2C_\w+|SPI_SCK|SPI_MOSI",
        lambda gpio: gpio in _ESP32_OUTPUTS,
        "it is driven by the chip, and GPIO34 to 39 are inputs only",
    ),
    _Rule(
        r"BUTTON_\w+|I2C_\w+",
        lambda gpio: gpio != _ESP32_FLASH_VOLTAGE,
        "it is pulled up, and with GPIO12 high at power-on the flash gets 1.8 V: the board would "
        "not start",
    ),
    _Rule(
        r"LIGHT(_\w+)?|SOUND|TEMPERATURE",
        lambda gpio: gpio in _ESP32_ADC1,
        "it is a voltage to measure, and while Wi-Fi is on only GPIO32 to 39 can",
    ),
    _Rule(
        r"TOUCH_\w+",
        lambda gpio: gpio in _ESP32_TOUCH,
        f"touch pads can be on GPIO {', '.join(map(str, _ESP32_TOUCH))} only",
    ),
)
_RULES: dict[str, Iterable[_Rule]] = {"esp32": _ESP32_RULES}

# What every board needs: the boot script asks button A, modules/rgb.py drives the LEDs.
_NEEDED = ("RGB", "BUTTON_A", "BUTTON_B")

# What MicroPython wants to know in C as well: the default pins of I2C(0) and SPI(2).
_HEADER_PINS = {
    "MICROPY_HW_I2C0_SCL": "I2C_SCL",
    "MICROPY_HW_I2C0_SDA": "I2C_SDA",
    "MICROPY_HW_SPI2_SCK": "SPI_SCK",
    "MICROPY_HW_SPI2_MISO": "SPI_MISO",
    "MICROPY_HW_SPI2_MOSI": "SPI_MOSI",
}


def check_pins(board: Board) -> None:
    """Raise Problem if a part hangs at a pin where its chip cannot use it. Two names may share a pin."""
    if board.chip not in _RULES:
        raise Problem(
            f"{board.name} has an {board.chip}, whose pins are not known here: add its rules to "
            "ci/build/board_facts.py"
        )
    pins = read_pins(board)
    for name in _NEEDED:
        if name not in pins:
            raise Problem(f"pins.csv of {board.name} has no {name}, which the firmware needs")
    for name, gpio in pins.items():
        for rule in _RULES[board.chip]:
            if re.fullmatch(rule.names, name) and not rule.allows(gpio):
                raise Problem(
                    f"pins.csv of {board.name}: {name} cannot be GPIO{gpio}: {rule.otherwise}"
                )
    defines = _defines(board)
    for define, name in _HEADER_PINS.items():
        if define in defines and name in pins and defines[define] != str(pins[name]):
            raise Problem(
                f"mpconfigboard.h of {board.name} defines {define} {defines[define]}, and "
                f"pins.csv has {name},GPIO{pins[name]}"
            )


def check(board: Board) -> None:
    """Raise Problem, with what to change, if the board's folder cannot be right."""
    check_names(board)
    check_leds(board)
    check_pins(board)


def main(arguments: list[str]) -> None:
    check(load_board(" ".join(arguments)))


if __name__ == "__main__":
    run(main)
