"""Whatever a file holds, reading it ends in an answer or in one sentence."""

import random

import pytest

from ci.image.built import read_build, read_sdkconfig
from ci.board.configure import parse
from ci.image.filesystem import make_filesystem
from ci.image.flash_image import read_flash_image
from ci.image.images import FILES, make_images
from ci.image.partitions import read_binary, read_csv, table_binary
from ci.problem import Problem
from tests.images.fake_build import VERSION, make_build

ROUNDS = 400


def damaged(data, choose):
    """Return `data` with a few bytes changed, a piece cut out or put in, or its end cut off."""
    data = bytearray(data)
    for _ in range(choose.randrange(1, 4)):
        place = choose.randrange(len(data) or 1)
        kind = choose.randrange(4)
        if kind == 0 and data:
            data[place] ^= 1 << choose.randrange(8)
        elif kind == 1:
            data[place : place + choose.randrange(1, 64)] = b""
        elif kind == 2:
            data[place:place] = choose.randbytes(choose.randrange(1, 64))
        else:
            data = data[: place + 1]
    return bytes(data)


def one_sentence(read, *arguments):
    """Call `read`; a Problem must be one line."""
    try:
        read(*arguments)
    except Problem as problem:
        assert "\n" not in str(problem)
        return False
    return True


@pytest.fixture
def small_images(some_board, tmp_path):
    """The images of a board whose application is small."""
    folder = make_build(some_board, tmp_path / "build", application_size=20_000)
    build = read_build(some_board, folder)
    return make_images(some_board, build, VERSION, FILES, tmp_path / "dist")


def test_damaged_images(small_images, tmp_path):
    data = small_images[0].read_bytes()
    choose = random.Random(1)
    path = tmp_path / "damaged.bin"
    accepted = 0
    for _ in range(ROUNDS):
        # Most changes go where the structure is, not into the application's bytes.
        head = choose.choice([64, 0x7C00, len(data)])
        path.write_bytes(damaged(data[:head], choose) + data[head:])
        accepted += one_sentence(read_flash_image, path, "esp32")
    assert accepted < ROUNDS / 2  # what lies in the gaps between the parts does not matter


def test_random_images(tmp_path):
    choose = random.Random(2)
    path = tmp_path / "random.bin"
    for _ in range(ROUNDS):
        path.write_bytes(b"\xe9" * choose.randrange(2) + choose.randbytes(choose.randrange(200)))
        assert not one_sentence(read_flash_image, path, "esp32")


def test_damaged_tables(some_board):
    csv = (some_board.folder / "partitions.csv").read_text()
    table = table_binary(csv)
    choose = random.Random(3)
    for _ in range(ROUNDS):
        one_sentence(read_binary, damaged(table[:224], choose), 0x8000, 1 << 22, "x")


def test_damaged_csv(some_board, tmp_path):
    csv = (some_board.folder / "partitions.csv").read_bytes()
    choose = random.Random(4)
    path = tmp_path / "partitions.csv"
    for _ in range(ROUNDS):
        path.write_bytes(damaged(csv, choose))
        one_sentence(read_csv, path, 0x8000, 1 << 22)


def test_damaged_configurations():
    choose = random.Random(5)
    good = b'{"wifi": {"ssid": "\xe6\x8e\x8c", "password": ""}, "mqtt": {"port": 1883}}'
    for _ in range(ROUNDS):
        one_sentence(parse, damaged(good, choose), "my.json")


def test_damaged_sdkconfig(some_board, tmp_path, small_images):
    folder = tmp_path / "build"
    good = (folder / "sdkconfig").read_bytes()
    choose = random.Random(6)
    for _ in range(ROUNDS // 4):
        (folder / "sdkconfig").write_bytes(damaged(good, choose))
        one_sentence(read_build, some_board, folder)
    (folder / "sdkconfig").write_bytes(good)
    assert read_sdkconfig(folder / "sdkconfig")["IDF_TARGET"] == "esp32"


def test_full_filesystem_is_one_sentence():
    assert not one_sentence(make_filesystem, 8 * 4096, {"large": b"x" * 40_000})
