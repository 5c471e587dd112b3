"""Serves the page of `make run` on the loopback address: build/page/index.html."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from simulated_board import ROOT

PAGE = ROOT / "build" / "page"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")  # the next build has the same address
        super().end_headers()


@contextlib.contextmanager
def serve_page(folder: Path = PAGE, wanted_port: int = 8000) -> Iterator[str]:
    """Serve a folder and give its address; if the port is taken, on one that the system chooses."""
    handler = functools.partial(_Quiet, directory=folder)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", wanted_port), handler)
    except OSError:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(3)
