"""Flashing by esptool, against a fake ROM loader on a pseudo-terminal."""

import os

import pytest

from ci.board import flash
from ci.image.built import read_build
from ci.board.erase import main as erase
from ci.image.flash_image import read_flash_image
from ci.image.images import FILES, make_images
from ci.image.partitions import parse_size, table_binary
from ci.problem import Problem
from tests.images.fake_build import VERSION, flash_size_of, make_build
from tests.tools.fake_board import FakeBoard

pytestmark = pytest.mark.serial

SECTOR = 4096


def flash_size(board):
    return parse_size(flash_size_of(board))


def run_flash(board, port, path, *options):
    flash.main([board.name, "--port", port, "--file", str(path), *options])


def test_update_is_written_and_leaves_files(board, update, capsys):
    image = read_flash_image(update, board.chip)
    files = image.layout.filesystem
    with FakeBoard(board.chip, flash_size(board)) as fake:
        fake.flash[files.offset : files.end] = b"\x5a" * files.size
        run_flash(board, fake.port, update)
        assert fake.flash[image.offset : image.end] == image.data
        assert fake.flash[files.offset : files.end] == b"\x5a" * files.size
        assert fake.bauds == [460800]
    assert "files on the board stay" in capsys.readouterr().out


def test_factory_image_replaces_whole_flash(board, factory, capsys):
    with FakeBoard(board.chip, flash_size(board)) as fake:
        fake.flash[:] = b"\x5a" * len(fake.flash)
        run_flash(board, fake.port, factory, "--factory")
        assert fake.flash == factory.read_bytes()
    said = capsys.readouterr().out
    assert said.index("EVERYTHING on the board is erased") < said.index("Writing at 0x")


def test_update_again_over_same_table(board, update):
    with FakeBoard(board.chip, flash_size(board)) as fake:
        run_flash(board, fake.port, update)
        run_flash(board, fake.port, update)
        assert len(fake.writes) == 2


def test_falls_back_to_slow_line(board, update, capsys):
    with FakeBoard(board.chip, flash_size(board), highest_baud=115200) as fake:
        run_flash(board, fake.port, update)
        assert fake.flash[0x1000 : 0x1000 + update.stat().st_size] == update.read_bytes()
    assert "460800 baud failed" in capsys.readouterr().out


def refuse(board, path, words, *options, chip="", size=0, before=b""):
    """Flash `path` and expect one sentence with `words`, and nothing written."""
    with FakeBoard(chip or board.chip, size or flash_size(board)) as fake:
        fake.flash[0x8000 : 0x8000 + len(before)] = before
        with pytest.raises(Problem) as problem:
            run_flash(board, fake.port, path, *options)
        assert fake.writes == []
    sentence = str(problem.value)
    assert words in sentence
    assert "\n" not in sentence


def test_refuses_another_chip(board, update):
    for title in board.other_chips:
        chip = title.lower().replace("-", "")
        refuse(board, update, "which this firmware cannot run on", chip=chip)
    refuse(board, update, "ESP32-C3", chip="esp32c3")


def test_refuses_flash_that_is_too_small(board, update):
    refuse(board, update, "is it another board?", size=flash_size(board) // 2)


def test_refuses_factory_image_for_larger_flash(board, factory):
    refuse(board, factory, "has a filesystem for", "--factory", size=flash_size(board) * 2)


def test_says_that_no_chip_answers(board, update):
    line, port = os.openpty()
    try:
        with pytest.raises(Problem, match="no chip answers at"):
            run_flash(board, os.ttyname(port), update)
    finally:
        os.close(line)
        os.close(port)


def test_refuses_to_update_over_another_table(board, update):
    """Whose files lie elsewhere, or that is none."""
    size = flash_size(board) // 4
    table = table_binary(f"main,app,factory,0x10000,{size:#x},\n")
    refuse(board, update, "add FACTORY=1", before=table)
    refuse(board, update, "add FACTORY=1", before=b"\x5a" * 0x1000)


def test_updates_over_table_with_other_slots(board, update):
    """As version 0.1's on the mPython board, which has no font: the files are where they are now."""
    image = read_flash_image(update, board.chip)
    files = image.layout.filesystem
    slot = (files.offset - 0x10000) // 2
    rows = [f"ota_{i},app,ota_{i},{0x10000 + i * slot:#x},{slot:#x},\n" for i in range(2)]
    table = table_binary("otadata,data,ota,0xd000,0x2000,\n" + "".join(rows))
    with FakeBoard(board.chip, flash_size(board)) as fake:
        fake.flash[0x8000 : 0x8000 + len(table)] = table
        fake.flash[0xD000:0xF000] = b"\x5a" * 0x2000
        fake.flash[files.offset : files.end] = b"\x5a" * files.size
        run_flash(board, fake.port, update)
        assert fake.flash[image.offset : image.end] == image.data
        assert fake.flash[files.offset : files.end] == b"\x5a" * files.size
        # No slot is chosen: the boot loader takes the first, and not what an old table had there.
        assert fake.flash[0xD000:0xF000] == b"\xff" * 0x2000


def test_refuses_update_image_as_factory(board, update):
    refuse(board, update, "is an update image", "--factory")


def test_refuses_to_erase_everything_unasked(board, factory):
    refuse(board, factory, "erases everything on the board: add FACTORY=1")


def test_refuses_application_alone(board, update):
    alone = update.with_name(f"{board.name}-v{VERSION}-app.bin")
    refuse(board, alone, "is an application alone")


def test_refuses_missing_file(board, tmp_path):
    refuse(board, tmp_path / "gone.bin", "cannot be read")


@pytest.mark.parametrize("kind", ["update", "factory"])
def test_refuses_truncated_image(board, images, kind, tmp_path):
    data = (images / f"{board.name}-v{VERSION}-{kind}.bin").read_bytes()
    for length in (
        0,
        1,
        23,
        0x1000,
        0x1001,
        0x2000,
        0x7000,
        0x8010,
        0xF800,
        0x10000,
        len(data) - 1,
    ):
        cut = tmp_path / "cut.bin"
        cut.write_bytes(data[:length])
        with pytest.raises(Problem):
            read_flash_image(cut, board.chip)
    refuse(board, cut, "cut off")


@pytest.mark.parametrize("place", [0x0, 0x100, 0x7000, 0x7010, 0xF000, 0x20000])
def test_refuses_damaged_image(board, update, place):
    data = bytearray(update.read_bytes())
    data[place] ^= 0x10
    update.write_bytes(data)
    refuse(board, update, "")


def test_refuses_oversized_image(board, factory):
    factory.write_bytes(factory.read_bytes() + b"\xff" * SECTOR)
    refuse(board, factory, "is longer than")


def test_refuses_update_that_reaches_files(board, update):
    update.write_bytes(update.read_bytes().ljust(flash_size(board) - 0x1000, b"\xff"))
    refuse(board, update, "reaches behind")


def test_refuses_image_for_another_chip(board, tmp_path):
    refuse(
        board,
        make_build(board, tmp_path / "s3", chip="esp32s3") / "bootloader" / "bootloader.bin",
        "is made for ESP32-S3, not for ESP32",
    )


def test_image_of_board_with_twice_flash_does_not_fit(board, tmp_path):
    """As an mPython image on a BPI:bit: same chip, half the flash."""
    megabytes = flash_size(board) >> 20
    folder = make_build(board, tmp_path / "build", flash_size=f"{2 * megabytes}MB")
    path = make_images(board, read_build(board, folder), VERSION, FILES, tmp_path)[0]
    refuse(board, path, f"has {megabytes} MB of flash")


def test_erase(board, capsys):
    with FakeBoard(board.chip, flash_size(board)) as fake:
        fake.flash[:] = b"\x5a" * len(fake.flash)
        erase([board.name, "--port", fake.port])
        assert fake.flash == b"\xff" * len(fake.flash)
    assert "EVERYTHING" in capsys.readouterr().out


def test_no_answer_is_one_sentence(board, update):
    _, slave = os.openpty()
    with pytest.raises(Problem, match="no chip answers"):
        run_flash(board, os.ttyname(slave), update)


def test_port_that_is_not_there(board, update):
    with pytest.raises(Problem, match="cannot be opened"):
        run_flash(board, "/dev/ttyNOWHERE", update)


def test_finds_only_image(board, images):
    assert flash.find_image(board, True, images).name == f"{board.name}-v{VERSION}-factory.bin"
    (images / f"{board.name}-v9.9.9-update.bin").write_bytes(b"")
    with pytest.raises(Problem, match="several images"):
        flash.find_image(board, False, images)


def test_no_image_leads_to_release_first(board, tmp_path):
    with pytest.raises(Problem) as problem:
        flash.find_image(board, False, tmp_path)
    sentence = str(problem.value)
    assert f"download {board.name}-v<version>-update.bin" in sentence
    assert sentence.index("releases and add FILE=") < sentence.index("make build")


@pytest.mark.parametrize(
    "address, page",
    [
        ("https://example.org/class/boards.git", "https://example.org/class/boards/releases"),
        ("git@example.org:class/boards.git", "https://example.org/class/boards/releases"),
        ("ssh://git@example.org/class/boards", "https://example.org/class/boards/releases"),
        ("/home/me/boards", "this project's releases"),
        ("", "this project's releases"),
    ],
)
def test_releases_are_found_by_clones_origin(address, page):
    assert flash.releases(address) == page
