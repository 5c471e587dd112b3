"""An update by the page: a simulated board is offered a version, takes it, and runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ci.boards import Board
from flash_chip import make_chip
from simulated_board import SimulatedBoard
from tests.classroom import Person
from tests.images.fake_build import make_application
from tests.mosquitto import Mosquitto
from tests.page.offers import NEW, OLD, make_image, make_offer

pytestmark = [pytest.mark.browser, pytest.mark.simulator, pytest.mark.mosquitto]


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
