"""A person's browser: Chromium without a window, in which nothing may go wrong unseen."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Playwright, Request, expect

from simulated_board import ROOT

PICTURES = ROOT / "build" / "browser"
NODE_MODULES = ROOT / "build" / "web" / "node_modules"
PATIENCE = 60_000  # ms; bounds a hang, no test waits so long
expect.set_options(timeout=PATIENCE)
PHONE = {"width": 360, "height": 640}

# What a browser would do by itself, on a network where it reaches nobody.
_QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync")


def find_chromium() -> str:
    """Return the path of Debian's Chromium, or of Chrome."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "chromium is missing; type: sudo apt-get install chromium"
    return program


@contextmanager
def start_chromium(playwright: Playwright, *options: str) -> Iterator[Browser]:
    """`options`: of its command line, beside our own."""
    browser = playwright.chromium.launch(
        executable_path=find_chromium(),
        args=["--disable-gpu", "--no-first-run", *_QUIET, *options],
    )
    try:
        yield browser
    finally:
        browser.close()


def find_barriers(page: Page) -> list[str]:
    """Return what axe-core calls serious or critical on a page, contrast included."""
    page.evaluate((NODE_MODULES / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("axe.run().then((result) => result.violations)")
    return [
        f"{each['id']}: {node['html'][:120]} {node['failureSummary'][:300]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


class Visitor:
    """Opens pages for one test, each in a profile of its own, and keeps what went wrong there."""

    def __init__(self, browser: Browser, name: str) -> None:
        self._browser = browser
        self._name = re.sub(r"[^\w-]+", "-", name).strip("-")
        self._pages: list[Page] = []
        self._wrong: list[str] = []

    def open(
        self,
        url: str,
        other_origins: tuple[str, ...] = (),
        prepare: Callable[[Page], None] = lambda page: None,
        **profile: Any,
    ) -> Page:
        """Open `url` and return the page.

        other_origins: where the page may fetch from beside its own origin, such as "http://a.b:80"
        prepare:       called with the page before it goes there
        profile:       what Playwright's new_context takes: viewport, locale, color_scheme, ...
        """
        page = self._browser.new_context(**{"locale": "en-GB", **profile}).new_page()
        self._pages.append(page)
        page.set_default_timeout(PATIENCE)
        allowed = {_origin(url), *other_origins}

        def look_at(request: Request) -> None:
            if urlsplit(request.url).scheme not in ("data", "blob"):
                if _origin(request.url) not in allowed:
                    self._wrong.append(f"{url} fetches {request.url}")

        page.on("request", look_at)
        page.on("pageerror", lambda error: self._wrong.append(f"{url} fails: {error.stack}"))
        page.on(
            "console",
            lambda message: "Content Security Policy" in message.text
            and self._wrong.append(f"{url} breaks its own policy: {message.text}"),
        )
        prepare(page)
        page.goto(url)
        return page

    def keep_picture(self, page: Page, name: str = "", **options: Any) -> None:
        """Keep a screenshot in build/browser/."""
        page.screenshot(path=self.picture_path(name or self._name), **options)

    def picture_path(self, name: str) -> Path:
        PICTURES.mkdir(parents=True, exist_ok=True)
        return PICTURES / f"{name}.png"

    def leave(self) -> None:
        """Close all pages. Raises AssertionError if anything went wrong in one of them."""
        for number, page in enumerate(self._pages):
            if not page.is_closed():
                self.keep_picture(page, f"end-of-{self._name}-{number}")
            page.context.close()
        assert not self._wrong, "\n".join(self._wrong)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
