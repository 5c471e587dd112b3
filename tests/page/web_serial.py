"""Web Serial for the tests: the browser's own needs a person and a cable.

The page finds a `navigator.serial` whose one port is an object of the test: a board's pseudo-terminal,
or something that no board does.
"""

from __future__ import annotations

import os
import tty
from typing import Protocol

from playwright.sync_api import Page

_SCRIPT = """
(() => {
    const port = {
        async close() { throw new DOMException("closed already", "InvalidStateError"); },
        async open({ baudRate }) {
            const why = await serialOpen(baudRate);
            if (why) {
                throw new DOMException("cannot open", why);
            }
            let isOpen = true;
            document.documentElement.dataset.port = "open";
            this.close = async () => {
                isOpen = false;
                await serialClose();
                document.documentElement.dataset.port = "closed";
            };
            this.readable = new ReadableStream({
                async pull(controller) {
                    while (isOpen) {
                        const bytes = await serialRead();
                        if (bytes === null) {
                            port.writable = null;
                            document.documentElement.dataset.port = "gone";
                            controller.error(new DOMException("gone", "NetworkError"));
                            return;
                        }
                        if (bytes.length) {
                            controller.enqueue(new Uint8Array(bytes));
                            return;
                        }
                        await new Promise((resolve) => setTimeout(resolve, 20));
                    }
                },
                cancel() { isOpen = false; },
            });
            // It does not wait for the other end, as a port's buffer does not. Improv's SDK asks again each
            // second while nobody answers, whether its last write has ended or not.
            this.writable = new WritableStream({ write(chunk) { serialWrite([...chunk]); } });
        },
    };
    const requestPort = async (options = {}) => {
        window.askedFor = options.filters;
        if (window.chooseNoPort) {
            throw new DOMException("none", "NotFoundError");
        }
        return port;
    };
    Object.defineProperty(navigator, "serial", { value: { requestPort } });
})();
"""


class Port(Protocol):
    """What the test plugs in."""

    def open(self) -> str:
        """Return "", or the name of the DOMException that opening raises."""

    def read(self) -> bytes | None:
        """Return what has come, or None once the cable is out."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class Cable:
    """Leads to the port that is plugged in, which a test may change."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self.read = b""  # all that the page has got

    def prepare(self, page: Page) -> None:
        """Give the page its Web Serial; for `visitor.open(prepare=...)`."""
        page.expose_function("serialOpen", lambda _: self.port.open())
        page.expose_function("serialRead", self._read)
        page.expose_function("serialWrite", lambda data: self.port.write(bytes(data)))
        page.expose_function("serialClose", lambda: self.port.close())
        page.add_init_script(_SCRIPT)

    def _read(self) -> list[int] | None:
        data = self.port.read()
        self.read += data or b""
        return None if data is None else list(data)


class Terminal:
    """A simulated board's pseudo-terminal."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._file = -1

    def open(self) -> str:
        self._file = os.open(self._name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._file)
        return ""

    def read(self) -> bytes | None:
        try:
            return os.read(self._file, 4096)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> None:
        os.set_blocking(self._file, True)
        while data:
            data = data[os.write(self._file, data) :]
        os.set_blocking(self._file, False)

    def close(self) -> None:
        os.close(self._file)


class Silence:
    """A port on which nothing answers: a board with another firmware, or none.

    refusal: the DOMException with which opening fails
    pulled:  the cable is pulled out when something has been sent
    """

    def __init__(self, refusal: str = "", pulled: bool = False, written: bytes = b"") -> None:
        self.refusal = refusal
        self.pulled = pulled
        self.written = written

    def open(self) -> str:
        return self.refusal

    def read(self) -> bytes | None:
        return None if self.pulled and self.written else b""

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        pass
