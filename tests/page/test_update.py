"""An update by the page: a simulated board is offered a version, takes it, and runs it."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ci.boards import ROOT, Board
from ci.image import signing
from flash_chip import make_chip
from simulated_board import SimulatedBoard
from tests.images.fake_build import make_application
from tests.mosquitto import Mosquitto

pytestmark = [pytest.mark.browser, pytest.mark.simulator, pytest.mark.mosquitto]

OLD, NEW = "1.2.0", "1.3.0"


@pytest.fixture
def files(tmp_path: Path) -> Iterator[str]:
    """A file server for boards; its URL."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_board_takes_offered_version(
    page: Page,
    simulate: Callable[..., SimulatedBoard],
    mosquitto: Mosquitto,
    some_board: Board,
    files: str,
    tmp_path: Path,
) -> None:
    image = tmp_path / "new-app.bin"
    image.write_bytes(make_application(some_board, NEW))
    signed = signing.signed_manifest(image.read_bytes(), None, image.name)
    image.with_suffix(".json").write_text(json.dumps(signed))
    chip = make_chip(some_board, tmp_path / "chip.bin", make_application(some_board, OLD))
    chip.install(make_application(some_board, "1.1.0"), slot=1)  # whose sectors must be erased
    simulate(
        board=some_board.name,
        config={"update": {"allow": "any"}},
        environment={"SIM_ERASE_MS": "500"},
        flash_chip=chip.path,
    )
    expect(page.locator(".card")).to_contain_text("online")
    offer = [sys.executable, "-m", "ci.board.ota", some_board.name, "--offer"]
    offer += ["--broker", f"{mosquitto.host}:{mosquitto.port}"]
    offer += ["--file", str(image), "--url", f"{files}/{image.name}"]
    subprocess.run(offer, cwd=ROOT, check=True, timeout=300)
    expect(page.locator(".card")).to_contain_text(f"version {NEW} is offered")

    page.get_by_role("button", name="Open").click()
    update = page.get_by_role("region", name="Update")
    expect(update).to_contain_text(f"runs {OLD}")
    update.get_by_role("button", name=f"Install {NEW}").click()
    expect(update).to_contain_text("update at ")
    expect(update.get_by_role("progressbar")).to_be_visible()
    expect(update).to_contain_text(f"runs {NEW}")
    expect(update.get_by_role("progressbar")).to_be_hidden()
    expect(update.get_by_role("button", name="Install")).to_be_hidden()
