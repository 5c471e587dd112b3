"""boards/mpython/font.bin: what is in it, and whose it is."""

from __future__ import annotations

import zlib

import pytest

from ci.boards import ROOT
from ci.image.font import check_font, gb2312, make_font
from ci.image.partitions import table_binary, read_binary
from ci.problem import Problem
from tests.font_pictures import FontPictures

FOLDER = ROOT / "boards" / "mpython"

ZHONG = """
.......#........
.......#........
.......#........
.......#........
..###########...
..#....#....#...
..#....#....#...
..#....#....#...
..#....#....#...
..#....#....#...
..###########...
..#....#....#...
.......#........
.......#........
.......#........
.......#........
""".split()

A = """
........
........
........
........
...##...
..#..#..
..#..#..
.#....#.
.#....#.
.######.
.#....#.
.#....#.
.#....#.
.#....#.
........
........
""".split()


@pytest.fixture(scope="module")
def font() -> bytes:
    return (FOLDER / "font.bin").read_bytes()


@pytest.fixture(scope="module")
def pictures(font: bytes) -> FontPictures:
    return FontPictures(font)


def test_known_characters_look_as_they_should(pictures: FontPictures) -> None:
    assert pictures["中"] == ZHONG
    assert pictures["A"] == A


def test_font_has_all_of_gb2312_and_ascii(pictures: FontPictures) -> None:
    assert len(gb2312(16, 55)) == 3755
    assert len(gb2312(56, 87)) == 3008
    assert len(gb2312(1, 9)) == 682 + 2  # a dot and a dash are two
    wanted = gb2312() | {chr(code) for code in range(0x20, 0x7F)}
    assert set(pictures.narrow) | set(pictures.wide) == wanted
    assert gb2312(16) | set("。，？！：；（）【】《》、") <= set(pictures.wide)
    assert set("Az09 ~·—…°±×÷μπ") <= set(pictures.narrow)


def test_no_character_but_space_is_blank(pictures: FontPictures) -> None:
    blank = [c for c in (*pictures.narrow, *pictures.wide) if "#" not in "".join(pictures[c])]
    assert blank == [" ", "\u3000"]


def test_header_index_and_licence(font: bytes, pictures: FontPictures) -> None:
    assert (pictures.magic, pictures.version, pictures.height) == (b"FONT", 1, 16)
    assert pictures.narrow == sorted(pictures.narrow)
    assert pictures.wide == sorted(pictures.wide)
    assert pictures.checksum == zlib.crc32(font[16 : pictures.end])
    licence = (FOLDER / "font-licence.txt").read_bytes()
    assert font[pictures.end :] == licence
    assert b"SIL Open Font License, Version 1.1" in licence and b"Copyright (C)" in licence


def unifont(pictures: FontPictures) -> str:
    """Return the lines that Unifont has for the characters of a font."""
    lines = []
    for character in (*pictures.narrow, *pictures.wide):
        rows = pictures[character]
        digits = len(rows[0]) // 4
        bits = [int(row.replace(".", "0").replace("#", "1"), 2) for row in rows]
        lines.append(f"{ord(character):04X}:" + "".join(f"{row:0{digits}X}" for row in bits))
    return "\n".join(lines)


def test_font_is_made_of_unifont(font: bytes, pictures: FontPictures) -> None:
    lines = unifont(pictures)
    licence = (FOLDER / "font-licence.txt").read_text()
    assert make_font(lines, licence) == font
    with pytest.raises(Problem, match="has no '中' 16 dots high"):
        make_font(lines.replace("4E2D:", "0000:"), licence)


@pytest.mark.parametrize("cut", (0, 15, 16, 100_000))
def test_font_that_is_cut_off_is_refused(font: bytes, cut: int) -> None:
    check_font(font + b"\xff" * 1000, "x.bin")
    with pytest.raises(Problem, match="the font in x.bin is cut off or damaged"):
        check_font(font[:cut], "x.bin")


@pytest.mark.parametrize("place", (0, 4, 6, 8, 10, 12, 16, 20_000, 200_000))
def test_damaged_font_is_refused(font: bytes, place: int) -> None:
    damaged = bytearray(font)
    damaged[place] ^= 1
    with pytest.raises(Problem, match="is cut off or damaged"):
        check_font(bytes(damaged), "x.bin")


def test_users_files_are_where_version_0_1_put_them() -> None:
    """In all later versions: whoever flashes a new one keeps them."""
    table = table_binary((FOLDER / "partitions.csv").read_text())
    files = read_binary(table, 0x8000, 8 << 20, "the table").filesystem
    assert (files.offset, files.end) == (0x4F0000, 0x800000)
