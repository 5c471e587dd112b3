"""The browser of a phone that is in front of a board in set-up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, Playwright

from tests.browser import start_chromium
from tests.setup.phone import Phone

PROBE = "http://connectivitycheck.gstatic.com/generate_204"
VIEWPORT = {"width": 320, "height": 640}

# The phones' sign-in sheets have none of these.
NO_STORAGE_NO_DIALOGS = """
const refuse = () => { throw new Error("not in a sign-in sheet") };
for (const name of ["localStorage", "sessionStorage", "indexedDB"])
  Object.defineProperty(window, name, {get: refuse});
window.alert = window.confirm = window.prompt = window.open = refuse;
"""


class Browsers:
    """Chromium as it is on a phone in the board's network: every name and port 80 are the board's."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self.wrong: list[str] = []

    @contextmanager
    def open(self, phone: Phone, sheet: bool = False, **profile: Any) -> Iterator[Page]:
        rules = f"MAP * 127.0.0.1:{phone.port(80)}"
        with start_chromium(self._playwright, f"--host-resolver-rules={rules}") as browser:
            profile = {
                "locale": "en-GB",
                "viewport": VIEWPORT,
                "is_mobile": True,
                "has_touch": True,
                **profile,
            }
            page = browser.new_context(**profile).new_page()
            page.set_default_timeout(120_000)
            page.on("pageerror", lambda error: self.wrong.append(str(error)))
            if sheet:
                page.add_init_script(NO_STORAGE_NO_DIALOGS)
            page.goto(PROBE)
            assert page.url == "http://4.3.2.1/"
            yield page


def time_until_usable(page: Page) -> float:
    """Return the ms from the page's request to where a person can type."""
    return page.evaluate("""async () => {
        while (document.forms[0].hidden)
            await new Promise((resolve) => requestAnimationFrame(resolve));
        const [navigation] = performance.getEntriesByType("navigation");
        const [fetched] = performance.getEntriesByName(location.href + "setup.json");
        return Math.max(navigation.domInteractive, fetched.responseEnd);
    }""")
