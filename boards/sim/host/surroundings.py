"""What a simulated board feels: light, warmth, sound, fingers, and how it is held.

Physical values become what reaches the chip: voltages at its pins, counts of its touch sensor, and
what its accelerometer measures. They outlast a reset, as the world does.
"""

from __future__ import annotations

import math
import time
from typing import Any

from simulated_board import SimulatedBoard  # puts the project's folder on the path
from ci.boards import load_board
from ci.build.board_facts import read_pins

SUPPLY = 3.3  # V

# Below each phototransistor, in ohm: mPython's schematic V2.0.3 (at Q5), BPI:bit's of version 1.4.
_LOADS = {"mpython": 8200, "bpi-bit": 11000}
_PHOTOCURRENT = 0.25e-6  # A a lux. Assumed: it differs more from part to part than from this
_SATURATION = 0.4  # V that a phototransistor keeps to itself

# The thermistor to the supply, and a resistor to ground (BPI:bit's schematic V1.4). Ohm, K.
_AT_25, _B, _RESISTOR = 10000, 3950, 5100
_ZERO = 273.15

# What labplus's tutorial shows for an mPython board.
_TOUCHED, _UNTOUCHED = 8, 643

# In g, by the axes of docs/topics.md: x to the bottom edge, y to the left one.
POSTURES = {
    "face up": (0.0, 0.0, -1.0),
    "face down": (0.0, 0.0, 1.0),
    "tilt left": (0.0, 0.9, -0.44),
    "tilt right": (0.0, -0.9, -0.44),
    "stand up": (1.0, 0.0, 0.0),
}
_SWING, _SWINGS, _SWING_TIME = 2.8, 12, 0.06  # g, how often, s


class Surroundings:
    """The surroundings of one simulated board, which has been started."""

    def __init__(self, board: SimulatedBoard) -> None:
        self._board = board
        self._before = board.commands
        self._now: dict[tuple[str, Any], dict[str, Any]] = {}
        self.pins = read_pins(load_board(board.board))
        self._posture = POSTURES["face up"]

    def set(self, command: str, **values: Any) -> None:
        """Send a command of the control channel, now and after each reset."""
        self._now[command, values.get("id")] = {"command": command, **values}
        self._board.command(command, **values)
        self._board.commands = (*self._before, *self._now.values())

    def _set_voltage(self, gpio: int, volts: float) -> None:
        self.set("voltage", id=gpio, millivolts=round(max(0.0, min(SUPPLY, volts)) * 1000))

    def light_sensors(self) -> dict[str, int]:
        """Return the pins of the light sensors: "" for the only one, else "left" and "right"."""
        names = {"LIGHT": "", "LIGHT_L": "left", "LIGHT_R": "right"}
        return {side: self.pins[name] for name, side in names.items() if name in self.pins}

    def light(self, lux: float, side: str | None = None) -> None:
        """Light one sensor, or all."""
        load = _LOADS.get(self._board.board, 10000)
        for name, gpio in self.light_sensors().items():
            if side in (None, name):
                self._set_voltage(gpio, min(lux * _PHOTOCURRENT * load, SUPPLY - _SATURATION))

    def temperature(self, celsius: float) -> None:
        """Warm the thermistor to so many degrees Celsius."""
        thermistor = _AT_25 * math.exp(_B * (1 / (celsius + _ZERO) - 1 / (25 + _ZERO)))
        self._set_voltage(self.pins["TEMPERATURE"], SUPPLY * _RESISTOR / (_RESISTOR + thermistor))

    def sound(self, percent: float) -> None:
        """Make a steady noise: what comes of it behind the amplifier, in percent of the supply."""
        self._set_voltage(self.pins["SOUND"], SUPPLY * percent / 100)

    def touch(self, letter: str, is_touched: bool = True) -> None:
        """Put a finger on a touch pad, or take it off."""
        gpio = self.pins[f"TOUCH_{letter.upper()}"]
        self.set("analogue", id=gpio, value=_TOUCHED if is_touched else _UNTOUCHED)

    def accelerate(self, x: float, y: float, z: float) -> None:
        """Have the accelerometer feel so many g along each axis."""
        axes = {name: round(1000 * value) for name, value in zip("xyz", (x, y, z))}
        self.set("acceleration", **axes)

    def hold(self, posture: str) -> None:
        """Hold the board in one of POSTURES."""
        self._posture = POSTURES[posture]
        self.accelerate(*self._posture)

    def shake(self) -> None:
        """Shake the board, and hold it as before. Blocks for 0.7 s."""
        x, y, z = self._posture
        for swing in range(_SWINGS):
            self.accelerate(x + (_SWING if swing % 2 else -_SWING), y, z)
            time.sleep(_SWING_TIME)
        self.accelerate(x, y, z)
