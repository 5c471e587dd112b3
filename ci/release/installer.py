"""Make the web page that installs a release: build/installer, from dist/ and ESP Web Tools.

python -m ci.release.installer
"""

from __future__ import annotations

import html
import shutil
import string
import subprocess
import tarfile
from pathlib import Path

from ci.boards import ROOT, Board, board_names, load_board
from ci.image.images import DIST
from ci.problem import Problem, run
from ci.release.checks import check_complete
from ci.build.version import project_version

ESP_WEB_TOOLS = "esp-web-tools@10.4.0"  # from npm; served beside the page, not from elsewhere
PAGE = ROOT / "build" / "installer"
TEMPLATE = Path(__file__).with_name("installer.html")
_DOWNLOADS = ROOT / "build" / "npm"

_SECTION = string.Template("""\
<section>
<h2>$product</h2>
<p>Driver of its serial port: $driver.</p>
<p><esp-web-install-button manifest="$stem-update.json">
<button slot="activate">Install or update $product</button>
<span slot="unsupported">This browser cannot install.</span>
</esp-web-install-button>
Keeps the files on the board, if you do not choose to erase it.</p>
<p><esp-web-install-button manifest="$stem-factory.json">
<button slot="activate">Start $product afresh</button>
<span slot="unsupported"></span>
</esp-web-install-button>
<span class="erases">Erases everything on the board.</span> Choose this if it ran another firmware.</p>
<p>Files: <a href="$stem-update.bin">update</a>, <a href="$stem-factory.bin">factory</a>,
<a href="$stem-app.bin">application</a>, <a href="$stem-flash.txt">how to flash them</a>.</p>
</section>
""")


def page_text(boards: list[Board], version: str) -> str:
    """Return the page, with a section for each board."""
    sections = [
        _SECTION.substitute(
            product=html.escape(board.product),
            driver=html.escape(board.driver),
            stem=f"{board.name}-v{version}",
        )
        for board in boards
    ]
    template = string.Template(TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(version=html.escape(version), boards="\n".join(sections))


def unpack_esp_web_tools(downloads: Path, to: Path) -> None:
    """Fetch the pinned ESP Web Tools with npm and put its files in `to`. Raises Problem."""
    npm = shutil.which("npm")
    if npm is None:
        raise Problem(
            "npm is missing, which fetches ESP Web Tools: on Debian, apt-get install npm"
        )
    downloads.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", "--silent", ESP_WEB_TOOLS]
    result = subprocess.run(command, cwd=downloads, capture_output=True, text=True)
    if result.returncode:
        raise Problem(f"npm could not fetch {ESP_WEB_TOOLS}: {result.stderr.strip()}")
    prefix = "package/dist/web/"
    with tarfile.open(downloads / result.stdout.strip()) as archive:
        members = [member for member in archive if member.name.startswith(prefix)]
        for member in members:
            member.name = member.name.removeprefix(prefix)
        archive.extractall(to, members, filter="data")


def make_page(dist: Path, version: str, page: Path, downloads: Path) -> None:
    """Fill `page` with all that the installer needs, from a complete `dist`."""
    check_complete(dist, version)
    shutil.rmtree(page, ignore_errors=True)
    shutil.copytree(dist, page)
    unpack_esp_web_tools(downloads, page / "esp-web-tools")
    boards = [load_board(name) for name in board_names()]
    (page / "index.html").write_text(page_text(boards, version), encoding="utf-8")


def main(arguments: list[str]) -> None:
    if arguments:
        raise Problem(f"unknown arguments: {arguments}")
    make_page(DIST, project_version(), PAGE, _DOWNLOADS)
    print(f"{PAGE.relative_to(ROOT)} is ready to be served")


if __name__ == "__main__":
    run(main)
