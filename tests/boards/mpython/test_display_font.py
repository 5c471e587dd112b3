"""Chinese on the display: the font in its partition, and boards that have none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from matplotlib.image import imread

from ci.boards import ROOT, load_board
from ci.image.partitions import Region, table_binary
from flash_chip import TABLE_OFFSET, FlashChip, make_chip
from tests.font_pictures import FontPictures
from tests.images.fake_build import make_application

pytestmark = pytest.mark.simulator

# As version 0.1 divided the flash; an update over the air leaves it so.
TABLE_0_1 = """\
nvs,      data, nvs,     0x9000,   0x4000,
otadata,  data, ota,     0xd000,   0x2000,
phy_init, data, phy,     0xf000,   0x1000,
ota_0,    app,  ota_0,   0x10000,  0x270000,
ota_1,    app,  ota_1,   0x280000, 0x270000,
"""

# A display that takes everything; `tell` prints what it was sent as rows of dots.
PRELUDE = """\
import machine

class I2C(machine.I2C):
    def writeto_mem(self, address, control, data):
        if control == 0x40:
            pages.append(bytes(data))

machine.I2C = I2C
pages = []

def tell():
    for y in range(64):
        page = pages[-8 + y // 8]
        print("row", "".join([".#"[page[x] >> y % 8 & 1] for x in range(128)]))

"""

Show = Callable[[str], list[str]]


@pytest.fixture
def chip(own_board: str, tmp_path: Path) -> FlashChip:
    board = load_board(own_board)
    return make_chip(board, tmp_path / "chip.bin", make_application(board, "1.2.3"))


@pytest.fixture
def show(
    chip: FlashChip,
    run_script: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Show:
    """Run a program on a board with that chip; return what it has printed."""

    def show(code: str) -> list[str]:
        monkeypatch.setenv("SIM_FLASH_CHIP", str(chip.path))
        script = tmp_path / "script.py"
        script.write_text(PRELUDE + code + '\nprint("ok")\n')
        return run_script(script).splitlines()

    return show


@pytest.fixture(scope="module")
def font() -> FontPictures:
    return FontPictures((load_board("mpython").folder / "font.bin").read_bytes())


def screens(lines: list[str]) -> list[list[str]]:
    """Return the pictures that a program has told."""
    rows = [line.removeprefix("row ") for line in lines if line.startswith("row ")]
    return [rows[start : start + 64] for start in range(0, len(rows), 64)]


def texts(*shown: str) -> str:
    """Return a program that shows texts, as those on topics.display are."""
    code = "from _frozen import text_screen\nscreen = text_screen.Screen(None)\n"
    return code + "".join(
        f"screen.show({json.dumps(text, ensure_ascii=False)})\ntell()\n" for text in shown
    )


def lines_of(font: FontPictures, *lines: str) -> list[str]:
    blank = [""] * (4 - len(lines))
    return [row for line in (*lines, *blank) for row in (font.line(line) or ["." * 128] * 16)]


BOX = ["#" * 15 + "."] + ["#" + "." * 13 + "#."] * 14 + ["#" * 15 + "."]
SMALL_BOX = ["#######."] + ["#.....#."] * 6 + ["#######."]


def test_text_with_chinese_has_four_lines(show: Show, font: FontPictures) -> None:
    shown = screens(
        show(
            texts(
                "温度 23.5℃\n一二三四五六七八九十\n\n第五行",
                "a一二三四五六七八",
                "婷鑫，“你好”！",
                "0123456789abcdefgh\n\n5\n6\n7\n8\n9",
            )
        )
    )
    assert shown[0] == lines_of(font, "温度 23.5℃", "一二三四五六七八", "九十", "")
    assert shown[1] == lines_of(font, "a一二三四五六七", "八")
    assert shown[2] == lines_of(font, "婷鑫，“你好”！")
    # Without Chinese there are eight lines, in MicroPython's letters.
    assert any("#" in row for row in shown[3][56:64])
    assert not any("#" in row for row in shown[3][16:24])


def test_picture_in_docs_is_what_display_shows(show: Show) -> None:
    (shown,) = screens(show(texts("温度 23.5℃\n光线：很亮\n你好，世界！\nmPython 掌控板")))
    picture = imread(ROOT / "docs" / "pictures" / "chinese.png")
    # Four by four for each dot, in a margin of sixteen; light is blue above all.
    dots = picture[17:-16:4, 17:-16:4, 2] > 0.5
    assert ["".join(".#"[int(dot)] for dot in row) for row in dots] == shown


def test_character_that_is_not_in_font_is_box(show: Show, font: FontPictures) -> None:
    (shown,) = screens(show(texts("中\U0001f600中")))
    zhong = font["中"]
    rows = ["".join(row).ljust(128, ".") for row in zip(zhong, BOX, zhong)]
    assert shown == rows + ["." * 128] * 48


def without_partition(chip: FlashChip) -> None:
    chip.data[TABLE_OFFSET : TABLE_OFFSET + 0xC00] = table_binary(TABLE_0_1)


def font_row(chip: FlashChip) -> Region:
    (row,) = [row for row in chip.layout.partitions if row.name == "font"]
    return row


def erased(chip: FlashChip) -> None:
    row = font_row(chip)
    chip.data[row.offset : row.end] = b"\xff" * row.size


def with_absurd_count(chip: FlashChip) -> None:
    row = font_row(chip)
    chip.data[row.offset + 10 : row.offset + 12] = b"\xff\xff"


@pytest.mark.parametrize("damage", (without_partition, erased, with_absurd_count))
def test_board_without_font_shows_boxes(
    show: Show, chip: FlashChip, damage: Callable[[FlashChip], None]
) -> None:
    damage(chip)
    code = 'from mpython import *\noled.fill(0)\nprint(oled.DispChar("温", 0, 0))\noled.show()\ntell()'
    lines = show(texts("温") + code)
    box = [row.ljust(128, ".") for row in SMALL_BOX] + ["." * 128] * 56
    assert screens(lines) == [box, box]
    assert "(8, (8, 0))" in lines


DISP_CHAR = """
from mpython import *

def say(*arguments, **named):
    oled.fill(0)
    for x in range(0, 128, 2):
        oled.vline(x, 0, 64, 1)
    print("returned", oled.DispChar(*arguments, **named))
    oled.show()
    tell()

say("中A", 4, 16)
say("中A", 4, 16, TextMode.rev)
say("中A", 4, 16, mode=TextMode.trans)
say("中A", 4, 16, TextMode.xor)
say("a一二三四五六七八", 0, 48, auto_return=True)
say("一二三四五六七八九", 0, 0)
"""


def test_disp_char_draws_in_four_modes(show: Show, font: FontPictures) -> None:
    lines = show(DISP_CHAR)
    shown = screens(lines)
    grey = ["#." * 64] * 64
    text = font.line("中A", 24)

    def over(mode: Callable[[str, str], bool]) -> list[str]:
        rows = list(grey)
        for y, row in enumerate(text, 16):
            drawn = [".#"[mode(dot, below)] for dot, below in zip(row, rows[y][4:28])]
            rows[y] = rows[y][:4] + "".join(drawn) + rows[y][28:]
        return rows

    assert shown[0] == over(lambda dot, below: dot == "#")
    assert shown[1] == over(lambda dot, below: dot == ".")
    assert shown[2] == over(lambda dot, below: "#" in (dot, below))
    assert shown[3] == over(lambda dot, below: dot != below)
    # What does not fit goes on at the top, behind the last line; or is cut.
    assert [row[:16] for row in shown[4][:16]] == font["八"]
    assert [row[:120] for row in shown[4][48:]] == font.line("a一二三四五六七", 120)
    assert shown[5][:16] == font.line("一二三四五六七八")
    returned = [line.removeprefix("returned ") for line in lines if line.startswith("returned")]
    assert returned[0] == returned[3] == "(24, (28, 16))"
    assert returned[4:] == ["(144, (16, 0))", "(144, (144, 0))"]


# As font_to_py.py makes it with -x: each row begins with a byte, its left dot in bit 7.
OWN_FONT = """
class digits:
    @staticmethod
    def height():
        return 20
    @staticmethod
    def hmap():
        return MAPPED
    @staticmethod
    def reverse():
        return False
    @staticmethod
    def get_ch(character):
        return memoryview(b"\\xff\\x80" + b"\\x80\\x80" * 18 + b"\\xff\\x80"), 20, 9

from mpython import *

def say(*arguments):
    oled.fill(0)
    try:
        print("returned", oled.DispChar_font(digits, *arguments))
    except ValueError as error:
        print("refused", error)
    oled.show()
    tell()

MAPPED = True
say("12", 3, 1)
say("1", 0, 0, True)
say("12", 120, 60)
MAPPED = False
say("1", 0, 0)
"""


def test_disp_char_font_draws_font_of_ones_own(show: Show) -> None:
    lines = show(OWN_FONT)
    shown = screens(lines)
    frame = ["#########"] + ["#.......#"] * 18 + ["#########"]
    empty = ["." * 128] * 64
    expected = list(empty)
    for y, row in enumerate(frame, 1):
        expected[y] = f"...{row}.{row}".ljust(128, ".")
    assert shown[0] == expected
    swapped = [row.translate({35: 46, 46: 35}).ljust(128, ".") for row in frame]
    assert shown[1] == swapped + empty[20:]
    assert shown[2][:20] == [f"{row}.{row}".ljust(128, ".") for row in frame]
    assert shown[3] == empty
    said = [line for line in lines if line.startswith(("returned", "refused"))]
    assert said == [
        "returned (19, (22, 1))",
        "returned (9, (9, 0))",
        "returned (27, (19, 0))",
        "refused the font must be horizontally mapped: make it with -x",
    ]
