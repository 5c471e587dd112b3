"""What a page costs while much arrives, in time of its own thread: a loaded machine does not count."""

from __future__ import annotations

import time

from playwright.sync_api import Page

MAX_FRAME = 0.1  # s of the page's thread that one frame may take
MAX_HEAP = 64 << 20  # bytes

_COUNT_FRAMES = """() => {
    window.gaps = [];
    let before = performance.now();
    const look = () => {
        const now = performance.now();
        gaps.push(now - before);
        before = now;
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""


class Cost:
    """Begins to measure when it is made."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.evaluate(_COUNT_FRAMES)
        self._before = self._metrics()
        self._begin = time.monotonic()

    def _metrics(self) -> dict[str, float]:
        found = self._devtools.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in found}

    def check(self) -> str:
        """Raise AssertionError if it was too much; return the figures."""
        after = self._metrics()
        seconds = time.monotonic() - self._begin
        frames = self._page.evaluate("gaps.length")
        longest = self._page.evaluate("Math.max(...gaps)")
        worked = after["TaskDuration"] - self._before["TaskDuration"]
        busy = worked / frames
        self._devtools.send("HeapProfiler.collectGarbage")
        heap = self._metrics()["JSHeapUsedSize"]
        figures = (
            f"{frames} frames: {1000 * busy:.1f} ms of the page's thread each, {longest:.0f} ms the "
            f"longest from one to the next; heap {heap / 2**20:.0f} MiB"
        )
        # Where others keep the processor, there are few frames, and the messages of a second come in one.
        is_quick = busy <= MAX_FRAME or worked < seconds / 2
        assert is_quick and heap <= MAX_HEAP, figures
        return figures
