"""The terminal of `make run`: what is printed at any time does not break what is being typed."""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import select
import sys
import termios
import threading
import time

try:
    import readline
except ImportError:  # a Python without it has the terminal's own editing: backspace
    readline = None  # type: ignore[assignment]


class Screen:
    """Standard output for several threads; each `write` is of whole lines."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.is_edited = False  # whether the last line on the terminal is one being typed
        self.encoding = sys.stdout.encoding

    def isatty(self) -> bool:
        return sys.stdout.isatty()

    def flush(self) -> None:
        sys.stdout.flush()

    def write(self, text: str) -> None:
        with self._lock:
            if self.is_edited:  # first takes that line away, then puts it back
                text = f"\r\x1b[K{text}{readline.get_line_buffer()}"
            sys.stdout.write(text)
            sys.stdout.flush()


class Keyboard:
    """Standard input, a line at a time, without ever waiting for one.

    On a terminal with arrow keys: a line can be edited, and earlier ones come back.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._pending = b""
        self._open = sys.stdin is not None and not sys.stdin.closed
        self._edited: queue.Queue[str | None] | None = None
        if self._open and readline and sys.stdin.isatty() and screen.isatty():
            self._edited = queue.Queue()
            # The thread ends with the program, in the middle of a line: readline's mode must not stay.
            mode = termios.tcgetattr(sys.stdin)
            atexit.register(termios.tcsetattr, sys.stdin, termios.TCSADRAIN, mode)
            screen.is_edited = True
            threading.Thread(target=self._edit, args=(self._edited,), daemon=True).start()

    def _edit(self, lines: queue.Queue[str | None]) -> None:
        with contextlib.suppress(EOFError):
            while True:
                lines.put(input())
        lines.put(None)

    def lines(self, seconds: float) -> list[str]:
        """Return the lines that were typed; waits so long if there are none."""
        if not self._open:
            time.sleep(seconds)
            return []
        if self._edited:
            with contextlib.suppress(queue.Empty):
                line = self._edited.get(timeout=seconds)
                self._open = line is not None
                self._screen.is_edited = self._open
                return [(line or "").strip()]
            return []
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return []
        # Not readline: what it has read ahead, select does not know of.
        typed = os.read(sys.stdin.fileno(), 4096)
        self._open = typed != b""
        *whole, self._pending = (self._pending + typed).split(b"\n")
        if not self._open and self._pending:
            whole.append(self._pending)
            self._pending = b""
        return [line.decode(errors="replace").strip() for line in whole]
