"""What a person types at `make run`: buttons, sensors and Wi-Fi of the simulated board."""

from __future__ import annotations

import time

from simulated_board import SimulatedBoard  # puts the project's folder on the path
from ci.boards import load_board
from ci.build.board_facts import read_pins

_PRESS = 0.2  # s
_TOUCHED, _UNTOUCHED = 100, 1000  # what a touch pad reads


class Hands:
    """Obeys commands such as `press a`; `help` lists those that the board has parts for."""

    def __init__(self, board: SimulatedBoard) -> None:
        self._board = board
        self._world = board.commands  # what a board that is reset finds, beside what is held down
        self._held: set[int] = set()
        pins = read_pins(load_board(board.board))
        parts = [name.split("_", 1) for name in pins if "_" in name]
        self._buttons = {x.lower(): pins[f"{kind}_{x}"] for kind, x in parts if kind == "BUTTON"}
        self._pads = {x.lower(): pins[f"{kind}_{x}"] for kind, x in parts if kind == "TOUCH"}
        self._light = [gpio for name, gpio in pins.items() if name.split("_")[0] == "LIGHT"]

    def help(self) -> list[str]:
        """Return one line for each kind of command."""
        button = next(iter(self._buttons))
        lines = [
            f"press {button}, hold {button}, release {button}: a button ({self._names(self._buttons)})",
            f"hold {button}, then reset: safe mode",
            "wifi off, wifi on: an outage",
            "reset: the reset button",
        ]
        if self._pads:
            lines.append(
                f"touch {next(iter(self._pads))}: a touch pad ({self._names(self._pads)})"
            )
        if self._light:
            lines.append("light 300: what the light sensor reads, 0 to 4095")
        return lines

    @staticmethod
    def _names(parts: dict[str, int]) -> str:
        return ", ".join(sorted(parts))

    def obey(self, line: str) -> bool:
        """Do what `line` says; False if it is no such command. Blocks for a press of 0.2 s."""
        word, _, what = line.lower().partition(" ")
        what = what.strip()
        if word in ("press", "hold", "release") and what in self._buttons:
            self._move(self._buttons[what], word)
        elif word == "touch" and what in self._pads:
            self._touch(self._pads[what])
        elif word == "light" and self._light and what.isdigit() and int(what) <= 4095:
            for gpio in self._light:
                self._board.command("analogue", id=gpio, value=int(what))
        elif word == "wifi" and what in ("on", "off"):
            self._board.command("outage", value=what == "off")
        elif line.lower() == "reset":
            self._board.command("reset")
        else:
            return False
        return True

    def _move(self, gpio: int, how: str) -> None:
        if how in ("press", "hold"):
            self._set(gpio, 0)
        if how == "press":
            time.sleep(_PRESS)
        if how in ("press", "release"):
            self._set(gpio, 1)

    def _set(self, gpio: int, level: int) -> None:
        self._board.command("pin", id=gpio, value=level)
        self._held = self._held | {gpio} if level == 0 else self._held - {gpio}
        held = ({"command": "pin", "id": gpio, "value": 0} for gpio in sorted(self._held))
        self._board.commands = (*self._world, *held)

    def _touch(self, gpio: int) -> None:
        self._board.command("analogue", id=gpio, value=_TOUCHED)
        time.sleep(_PRESS)
        self._board.command("analogue", id=gpio, value=_UNTOUCHED)
