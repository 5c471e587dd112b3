"""An update by the page: a simulated board is offered a version, takes it, and runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ci.boards import ROOT, Board
from ci.image import signing
from flash_chip import make_chip
from simulated_board import SimulatedBoard
from tests.classroom import Person
from tests.images.fake_build import make_application
from tests.mosquitto import Mosquitto
from tests.web_server import serving

pytestmark = [pytest.mark.browser, pytest.mark.simulator, pytest.mark.mosquitto]

OLD, NEW = "1.2.0", "1.3.0"


@pytest.fixture
def files(tmp_path: Path) -> Iterator[str]:
    """A file server for boards; its URL."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with serving(handler) as port:
        yield f"http://127.0.0.1:{port}"


def make_image(board: Board, folder: Path) -> Path:
    """Make the new version's image, its -app.json beside it."""
    image = folder / "new-app.bin"
    image.write_bytes(make_application(board, NEW))
    signed = signing.signed_manifest(image.read_bytes(), None, image.name)
    image.with_suffix(".json").write_text(json.dumps(signed))
    return image


def make_offer(broker: Mosquitto, board: Board, image: Path, files: str) -> None:
    offer = [sys.executable, "-m", "ci.board.ota", board.name, "--offer"]
    offer += ["--broker", f"{broker.host}:{broker.port}"]
    offer += ["--file", str(image), "--url", f"{files}/{image.name}"]
    subprocess.run(offer, cwd=ROOT, check=True, timeout=300)


def test_board_takes_offered_version(
    page: Page,
    simulate: Callable[..., SimulatedBoard],
    mosquitto: Mosquitto,
    some_board: Board,
    files: str,
    tmp_path: Path,
) -> None:
    image = make_image(some_board, tmp_path)
    chip = make_chip(some_board, tmp_path / "chip.bin", make_application(some_board, OLD))
    chip.install(make_application(some_board, "1.1.0"), slot=1)  # whose sectors must be erased
    simulate(
        board=some_board.name,
        config={"update": {"allow": "any"}},
        environment={"SIM_ERASE_MS": "500"},
        flash_chip=chip.path,
    )
    expect(page.locator(".card")).to_contain_text("online")
    make_offer(mosquitto, some_board, image, files)
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


def test_class_takes_offered_version_one_first(
    page: Page,
    simulate: Callable[..., SimulatedBoard],
    mosquitto: Mosquitto,
    person: Person,
    some_board: Board,
    files: str,
    tmp_path: Path,
) -> None:
    for number in (1, 2, 3):
        chip = make_chip(
            some_board, tmp_path / f"chip-{number}.bin", make_application(some_board, OLD)
        )
        config = {"update": {"allow": "any"}}
        simulate(number, some_board.name, config, flash_chip=chip.path)
    expect(page.get_by_role("article").get_by_text("online")).to_have_count(3)
    make_offer(mosquitto, some_board, make_image(some_board, tmp_path), files)
    page.get_by_role("button", name="Update all that can (3)").click()
    expect(page.get_by_text("Update: 3 of 3 run the new version.")).to_be_visible()
    results: list[tuple[str, str]] = []
    while [state for _, state in results].count("kept") < 3:
        message = person.messages.get(timeout=60)
        if message.topic.endswith("/update/result"):
            results.append((message.topic, json.loads(message.payload)["state"]))
    begun = [result for result in results if result[1] in ("checking", "kept")]
    first = begun[0][0]
    assert begun[:2] == [(first, "checking"), (first, "kept")]
