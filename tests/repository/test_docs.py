"""The boards' pages against what the firmware does."""

import re

from ci.boards import ROOT

COLOUR = re.compile(r"(?:: |_COLOUR = )\((\d+), (\d+), (\d+)\),?$", re.MULTILINE)


def test_picture_shows_every_state(board):
    picture = (ROOT / "docs" / "boards" / f"{board.name}-leds.svg").read_text()
    colours = []
    for source in (
        "modules/device/indicator.py",
        "modules/device/setup/lights.py",
        "firmware/boot/main.py",
    ):
        colours += COLOUR.findall((ROOT / source).read_text())
    assert len(colours) >= 5
    for red, green, blue in colours:
        assert f"#{int(red):02x}{int(green):02x}{int(blue):02x}" in picture


def test_page_has_every_pin(board):
    page = (ROOT / "docs" / "boards" / f"{board.name}.md").read_text()
    numbers = set(re.findall(r"\d+", page))
    for line in (board.folder / "pins.csv").read_text().splitlines():
        if "," in line and not line.startswith("#"):
            assert line.split(",GPIO")[1] in numbers, line


def test_troubleshooting_knows_every_adapter(board):
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    for vendor, product in board.usb_ids:
        assert f"{vendor:04x}:{product:04x}" in text
