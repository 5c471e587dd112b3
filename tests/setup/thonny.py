"""Thonny without its window: the process that it starts for a board, told what its window tells it."""

from __future__ import annotations

import ast
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulated_board import ROOT

PATIENCE = 120.0  # s; bounds a hang

_FOLDER = ROOT / "build" / "thonny"
_PROGRAM = _FOLDER / "thonny" / "plugins" / "esp" / "esp_back.py"

# Its own package imports the window first, which wants Tk; an empty one in its place does not.
_BEGIN = """
import runpy, sys, types
sys.argv = sys.argv[1:]
window = types.ModuleType("thonny.plugins.micropython")
window.__path__ = [sys.argv.pop(0)]
sys.modules[window.__name__] = window
runpy.run_path(sys.argv[0], run_name="__main__")
"""

# As its window gives them for "MicroPython (ESP32)" with nothing changed in its options.
_OPTIONS: dict[str, Any] = {
    "dtr": None,
    "rts": None,
    "submit_mode": None,
    "interrupt_on_connect": True,
    "write_block_size": None,
    "write_block_delay": None,
    "proxy_class": "ESP32Proxy",
    "sync_time": True,
    "local_rtc": True,
    "validate_time": False,
}

Message = dict[str, Any]


class Thonny:
    """Connects to a port as Thonny's start does, or, `again`, as its button Stop/Restart.

    What the board prints meanwhile is in `shown`, as the person reads it.
    """

    def __init__(self, port: str, user_folder: Path, again: bool = False) -> None:
        assert _PROGRAM.exists(), f"{_PROGRAM} is missing; type: make test-browser"
        self.shown = ""
        self._number = 0
        self._messages: queue.Queue[Message | None] = queue.Queue()
        # It reads /home of whoever runs the tests otherwise.
        environment = {**os.environ, "THONNY_USER_DIR": str(user_folder)}
        package = str(_PROGRAM.parents[1] / "micropython")
        arguments = repr({**_OPTIONS, "port": port, "clean": again})
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-B", "-s", "-c", _BEGIN, package, str(_PROGRAM), arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._wait("ToplevelResponse")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(PATIENCE)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            # 0x02, the number of lines, a space, and the message as Python; else it is for people.
            if line.startswith("\x021 "):
                call = ast.parse(line[3:].strip(), mode="eval").body
                assert isinstance(call, ast.Call)
                values = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
                if values["event_type"] == "ProgramOutput":
                    self.shown += values["data"]
                else:
                    self._messages.put(values)
            elif line != "OK\n":  # its process has begun
                self.shown += line
        self._messages.put(None)

    def _wait(self, event: str) -> Message:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                message = self._messages.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                raise AssertionError(f"Thonny waits for {event}; it shows: {self.shown}") from None
            assert message is not None, f"Thonny has ended: {self.shown}"
            if message["event_type"] == event:
                return message

    def _send(self, kind: str, **values: Any) -> None:
        assert self._process.stdin
        arguments = ", ".join(f"{name}={value!r}" for name, value in values.items())
        self._process.stdin.write(f"\x021 {kind}({arguments})\n")
        self._process.stdin.flush()

    def _ask(self, name: str, **values: Any) -> Message:
        self._number += 1
        self._send("InlineCommand", name=name, id=str(self._number), **values)
        answer = self._wait(f"{name}_response")
        assert answer["command_id"] == str(self._number) and "error" not in answer, answer
        return answer

    def begin(self, source: str) -> None:
        """Type at the prompt in the window."""
        self._number += 1
        self._send("ToplevelCommand", name="execute_source", source=source, id=str(self._number))

    def run(self, source: str) -> str:
        """Type at the prompt in the window, and return what is shown until the next prompt."""
        before = len(self.shown)
        self.begin(source)
        self._wait("ToplevelResponse")
        return self.shown[before:]

    def list_files(self) -> dict[str, Message]:
        """Return what the list of the board's files shows, by name."""
        answer = self._ask("get_dirs_children_info", paths=["/"], include_hidden=False, node_id="")
        return answer["data"]["/"]

    def read_file(self, path: str) -> bytes:
        return self._ask("read_file", path=path)["content_bytes"]

    def write_file(self, path: str, data: bytes) -> None:
        self._ask(
            "write_file",
            path=path,
            content_bytes=data,
            editor_id=1,
            make_shebang_scripts_executable=False,
        )

    def reset(self) -> None:
        """Press Ctrl-D: the board's program begins again, and Thonny shows what it says."""
        self._send("EOFCommand")

    def interrupt(self) -> None:
        """Press Ctrl-C, and wait for the prompt."""
        self._send("ImmediateCommand", name="interrupt")
        self._wait("ToplevelResponse")


@contextmanager
def open_thonny(port: str, user_folder: Path, again: bool = False) -> Iterator[Thonny]:
    user_folder.mkdir(exist_ok=True)
    thonny = Thonny(port, user_folder, again)
    try:
        yield thonny
    finally:
        thonny.close()
