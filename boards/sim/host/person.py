"""What a person types at `make run`: buttons, sensors and Wi-Fi of the simulated board."""

from __future__ import annotations

import re
import time

from simulated_board import SimulatedBoard
from surroundings import POSTURES, Surroundings

_PRESS = 0.2  # s
_NUMBER = r"-?\d+(?:\.\d+)?"


class Hands:
    """Obeys commands such as `press a`; `help` lists those that the board has parts for."""

    def __init__(self, board: SimulatedBoard) -> None:
        self._board = board
        self._around = Surroundings(board)
        pins = self._around.pins
        parts = [name.split("_", 1) for name in pins if "_" in name]
        self._buttons = {x.lower(): pins[f"{kind}_{x}"] for kind, x in parts if kind == "BUTTON"}
        self._pads = sorted(x.lower() for kind, x in parts if kind == "TOUCH")
        self._sides = list(self._around.light_sensors())

    def help(self) -> list[str]:
        """Return one line for each kind of command."""
        button = next(iter(self._buttons))
        buttons = ", ".join(sorted(self._buttons))
        lines = [
            f"press {button}, hold {button}, release {button}: a button ({buttons})",
            f"hold {button}, then reset: safe mode",
            "wifi off, wifi on: an outage",
            "reset: the reset button",
        ]
        if self._pads:
            lines.append(f"touch {self._pads[0]}: a touch pad ({', '.join(self._pads)})")
        if len(self._sides) > 1:
            lines.append("light 300, light left 300: what falls on the light sensors, in lux")
        elif self._sides:
            lines.append("light 300: what falls on the light sensor, in lux")
        if "TEMPERATURE" in self._around.pins:
            lines.append("temperature 23.5: how warm it is, in degrees Celsius")
        if "SOUND" in self._around.pins:
            lines.append("sound 40: a steady noise, in percent of what the microphone can tell")
        if "I2C_SDA" in self._around.pins:
            lines.append(f"{', '.join(POSTURES)}, shake: how the board is held")
        return lines

    def obey(self, line: str) -> bool:
        """Do what `line` says; False if it is no such command. Blocks for a press of 0.2 s."""
        line = " ".join(line.lower().split())
        word, _, what = line.partition(" ")
        if word in ("press", "hold", "release") and what in self._buttons:
            self._move(self._buttons[what], word)
        elif word == "touch" and what in self._pads:
            self._around.touch(what)
            time.sleep(_PRESS)
            self._around.touch(what, False)
        elif line in POSTURES and "I2C_SDA" in self._around.pins:
            self._around.hold(line)
        elif line == "shake" and "I2C_SDA" in self._around.pins:
            self._around.shake()
        elif word == "wifi" and what in ("on", "off"):
            self._board.command("outage", value=what == "off")
        elif line == "reset":
            self._board.command("reset")
        else:
            return self._change(word, what)
        return True

    def _change(self, word: str, what: str) -> bool:
        # `light left 300`: a value that is measured.
        match = re.fullmatch(rf"(?:(left|right) )?({_NUMBER})", what)
        if match is None:
            return False
        side, value = match[1], float(match[2])
        if word == "light" and self._sides and (side is None or side in self._sides):
            self._around.light(value, side)
        elif word == "temperature" and "TEMPERATURE" in self._around.pins and -50 < value < 150:
            self._around.temperature(value)
        elif word == "sound" and "SOUND" in self._around.pins:
            self._around.sound(value)
        else:
            return False
        return True

    def _move(self, gpio: int, how: str) -> None:
        if how in ("press", "hold"):
            self._around.set("pin", id=gpio, value=0)
        if how == "press":
            time.sleep(_PRESS)
        if how in ("press", "release"):
            self._around.set("pin", id=gpio, value=1)
