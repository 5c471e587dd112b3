"""How soon the page of set-up can be used: a phone's browser, Chromium, and a simulated board."""

from __future__ import annotations

from playwright.sync_api import sync_playwright

from benchmarks.goals import Goal
from ci.boards import board_names
from simulated_board import SimulatedBoard
from tests.classroom import ACCESS_POINT
from tests.setup.phone import Phone
from tests.setup.phone_browser import Browsers, time_until_usable

PAGES = 5


def usable_time(browsers: Browsers, board_name: str) -> float:
    """Return the ms from the page's request to where a person can type: the shortest of some."""
    with SimulatedBoard(board_name, access_points=(ACCESS_POINT,)) as board:
        phone = Phone(board)
        phone.join()
        times = []
        for _ in range(PAGES):
            with browsers.open(phone) as page:
                times.append(time_until_usable(page))
        return min(times)


def main() -> list[Goal]:
    """Measure; needs Chromium and the boards' simulators."""
    with sync_playwright() as playwright:
        browsers = Browsers(playwright)
        return [
            Goal(f"set-up: page usable on {name}, here", usable_time(browsers, name), 1000, "ms")
            for name in board_names()
        ]
