"""How Sphinx makes the site of the pages, which read as well as files: `make docs`."""

from __future__ import annotations

import os
import re
import shutil

from sphinx.application import Sphinx

project = "MQTT firmware for mPython and BPI:bit"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["*.md", "docs/**.md", "boards/sim/*.md", "tests/*.md", "benchmarks/*.md"]
# Furo and Sphinx's own search take nothing from another server.
html_theme = "furo"
html_title = project
html_show_copyright = False
html_copy_source = False
myst_heading_anchors = 4

# The site's table of contents: what each kind of reader reads first, then everything.
CONTENTS = {
    "Start": ("docs/start", "docs/set-up", "docs/page", "docs/troubleshooting"),
    "中文": (
        "docs/zh/README",
        "docs/zh/start",
        "docs/zh/set-up",
        "docs/zh/programs",
        "docs/zh/class",
        "docs/zh/topics",
        "docs/zh/troubleshooting",
    ),
    "Classroom and home": (
        "docs/class",
        "docs/topics",
        "docs/config",
        "docs/platforms",
        "docs/home-assistant",
        "docs/update",
        "docs/reliability",
        "docs/scale",
        "docs/brokers",
        "docs/serial",
    ),
    "Programs": ("docs/programs", "docs/handlers", "docs/names", "docs/umqtt"),
    "Boards": ("docs/boards/*",),
    "Engineers": (
        "docs/architecture",
        "docs/c-module",
        "docs/conformance",
        "boards/sim/README",
        "tests/README",
        "benchmarks/README",
        "docs/releasing",
        "CONTRIBUTING",
        "CHANGELOG",
    ),
}


def _toctree(caption: str, pages: tuple[str, ...]) -> str:
    lines = ["", "```{toctree}", ":hidden:", ":glob:", f":caption: {caption}", *pages, "```", ""]
    return "\n".join(lines)


def _add_contents(app: Sphinx, page: str, source: list[str]) -> None:
    # Not in README.md itself: elsewhere it would be shown as it stands.
    if page == root_doc:
        source[0] += "".join(_toctree(*entry) for entry in CONTENTS.items())


# A link of the pages that leads to the releases of wherever the repository is hosted.
_RELEASES = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(releases/\w+)\)")


def _lead_to_releases(app: Sphinx, page: str, source: list[str]) -> None:
    # A site has no such place beside it; GitHub tells its workflows where they run.
    server, repository = (
        os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY")
    )
    link = rf"[\1]({server}/{repository}/\2)" if server and repository else r"\1"
    source[0] = _RELEASES.sub(link, source[0])


def _make_front_page(app: Sphinx, error: Exception | None) -> None:
    # What a web server shows of a folder.
    if error is None:
        shutil.copy(app.outdir / f"{root_doc}.html", app.outdir / "index.html")


def setup(app: Sphinx) -> None:
    """Called by Sphinx: hook the functions above in."""
    app.connect("source-read", _add_contents)
    app.connect("source-read", _lead_to_releases)
    app.connect("build-finished", _make_front_page)
