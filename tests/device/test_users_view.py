"""The view of imports that code of /handlers.py has: a callback may come between any two bytecodes."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

from simulated_board import ROOT

SOURCE = ROOT / "modules" / "device" / "users_view.py"
FIRMWARES = {"rgb": "the firmware's rgb", "board": "the firmware's board"}


class View:
    """The module, run by CPython with a `sys` of its own; files: the user's modules."""

    files = {"rgb": "the user's rgb", "hashlib": "the user's hashlib"}

    def __init__(self) -> None:
        self.sys = types.SimpleNamespace(path=[".frozen"], modules=dict(FIRMWARES))
        self.timers = types.SimpleNamespace(call=None)
        imports = types.SimpleNamespace(
            users_path=["", ".frozen"],
            firmwares_path=self.sys.path,
            users_modules={},
            taken=set(self.files),
            is_taken=lambda name: name in self.files,
        )
        text = SOURCE.read_text()
        for line in ("import sys\n", "import timers\n", "from . import imports\n"):
            assert line in text
            text = text.replace(line, "")
        text = text.replace("from micropython import const\n", "const = int\n")
        self.names: dict[str, Any] = {"sys": self.sys, "timers": self.timers, "imports": imports}
        exec(compile(text, str(SOURCE), "exec"), self.names)
        self.loaded: list[str] = []  # the user's modules, in the order in which they were loaded
        self.names["begin"]()

    def load(self, name: str) -> None:
        """Do what an import does in the user's view."""
        assert self.sys.path == ["", ".frozen"]
        if name not in self.sys.modules:
            self.loaded.append(name)
            self.sys.modules[name] = self.files[name]
        assert self.sys.modules[name] == self.files[name]

    def check_firmwares(self) -> None:
        assert self.sys.path == [".frozen"]
        assert self.sys.modules == FIRMWARES

    def run_interrupted(self, at: int, callback: Callable[[], None]) -> bool:
        """Run a handler; call `callback` before bytecode number `at`, and return whether it came."""
        count = 0

        def trace(frame: types.FrameType, event: str, argument: object) -> Any:
            nonlocal count
            if frame.f_code.co_filename == str(SOURCE):
                frame.f_trace_opcodes = True
                if event == "opcode":
                    count += 1
                    if count == at:
                        self.timers.call(callback)
                return trace
            return None

        # Python 3.12 traces instructions only if a frame asks for that before settrace().
        sys._getframe().f_trace_opcodes = True
        sys.settrace(trace)
        try:
            self.names["run"](self.load, "hashlib")
        finally:
            sys.settrace(None)
        return count >= at


def test_callback_at_each_bytecode_finds_users_modules() -> None:
    at = 0
    is_there = True
    while is_there:
        at += 1
        view = View()
        is_there = view.run_interrupted(at, lambda: view.load("rgb"))
        view.check_firmwares()
        for name in view.files:
            view.names["run"](view.load, name)
        view.check_firmwares()
        assert sorted(view.loaded) == sorted(view.files), f"loaded twice, at {at}: {view.loaded}"
    assert at > 100


def test_handler_that_raises_leaves_firmwares_view() -> None:
    view = View()
    try:
        view.names["run"](lambda: 1 / 0)
    except ZeroDivisionError:
        view.check_firmwares()
    else:
        raise AssertionError("the exception was swallowed")
