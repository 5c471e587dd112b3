"""The images against the partition table: what each may touch, and what is in it."""

import hashlib
import json
import subprocess

import pytest

from ci.boards import ROOT
from ci.image.built import read_build, size_table
from ci.image.filesystem import make_filesystem, read_files
from ci.image.flash_image import read_flash_image
from ci.image.images import FILES, board_files, make_images
from ci.image.partitions import parse_size
from ci.problem import Problem
from tests.images.fake_build import APPLICATION_SIZE, VERSION, flash_size_of, make_build


def table_of(board, *rows):
    """Return a table that no board has, with a row for the font of one that has a font."""
    font = ["font,data,undefined,0x20000,0x40000"] if (board.folder / "font.bin").exists() else []
    first = ["nvs,data,nvs,0x9000,0x4000", *font, "main,app,factory,0x60000,0x180000"]
    return "".join(f"{row},\n" for row in (*first, *rows))


def test_update_image_cannot_touch_filesystem(board, build_folder, update):
    """By byte ranges: what is written ends before the second slot, and long before the files."""
    layout = read_build(board, build_folder).layout
    image = read_flash_image(update, board.chip)
    written = range(image.offset, image.offset + update.stat().st_size)
    assert written.stop <= layout.application.end
    assert written.stop <= layout.filesystem.offset
    for slot in layout.applications[1:]:
        assert written.stop <= slot.offset


def test_update_image_is_bootloader_table_and_application(board, build_folder, update):
    image = read_flash_image(update, board.chip)
    covered = bytearray(image.data)
    for part in read_build(board, build_folder).parts:
        start = part.offset - image.offset
        assert image.data[start : start + part.size] == part.path.read_bytes()
        covered[start : start + part.size] = b"\xff" * part.size
    assert covered == b"\xff" * len(covered)  # NVS and the choice of slot become blank


def test_factory_image_is_update_image_with_files(board, update, factory):
    data = factory.read_bytes()
    image = read_flash_image(factory, board.chip)
    files = image.layout.filesystem
    assert len(data) == files.end == parse_size(flash_size_of(board))
    start = read_flash_image(update, board.chip).offset
    assert data[:start] == b"\xff" * start
    end = start + update.stat().st_size
    assert data[start:end] == update.read_bytes()
    assert data[end : files.offset] == b"\xff" * (files.offset - end)
    assert read_files(image.filesystem()) == board_files(FILES)
    assert set(board_files(FILES)) == {"README.txt", "config.json"}


def test_filesystem_lies_where_firmware_looks_for_it(board, build_folder):
    """The board's page has the places that the firmware of the trial images told."""
    region = read_build(board, build_folder).layout.filesystem
    page = (ROOT / "docs" / "boards" / f"{board.name}.md").read_text(encoding="utf-8")
    assert f"| {region.offset:#08x} | {region.end:#08x} | your files |" in page


def test_places_follow_table(board, tmp_path):
    folder = make_build(board, tmp_path / "build", table=table_of(board))
    build = read_build(board, folder)
    assert build.application.offset == 0x60000
    assert build.layout.filesystem.offset == 0x1E0000
    make_images(board, build, VERSION, FILES, tmp_path)
    update = tmp_path / f"{board.name}-v{VERSION}-update.bin"
    assert update.read_bytes()[0x5F000:] == (folder / "micropython.bin").read_bytes()


def test_vfs_row_is_filesystem(board, tmp_path):
    table = table_of(board, "vfs,data,fat,0x200000,0x100000")
    layout = read_build(board, make_build(board, tmp_path / "build", table=table)).layout
    assert (layout.filesystem.offset, layout.filesystem.size) == (0x200000, 0x100000)


def test_app_image_is_application(images, board, build_folder):
    data = (images / f"{board.name}-v{VERSION}-app.bin").read_bytes()
    assert data == (build_folder / "micropython.bin").read_bytes()


def test_web_manifests(images, board):
    for kind, offset in (("update", 4096), ("factory", 0)):
        manifest = json.loads((images / f"{board.name}-v{VERSION}-{kind}.json").read_text())
        assert manifest["new_install_prompt_erase"] is True
        assert manifest["version"] == VERSION
        (build,) = manifest["builds"]
        assert build["chipFamily"] == "ESP32"
        (part,) = build["parts"]
        assert part["offset"] == offset and isinstance(part["offset"], int)
        assert (images / part["path"]).is_file()


def test_checksums(images):
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=images, check=True)
    listed = {line.split()[1] for line in (images / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in images.iterdir()} - {"SHA256SUMS"}


def test_images_are_repeatable(board, build_folder, images, tmp_path):
    make_images(board, read_build(board, build_folder), VERSION, FILES, tmp_path / "again")
    for path in images.iterdir():
        again = (tmp_path / "again" / path.name).read_bytes()
        assert hashlib.sha256(again).digest() == hashlib.sha256(path.read_bytes()).digest()


def test_flash_text_has_commands(images, board):
    text = (images / f"{board.name}-v{VERSION}-flash.txt").read_text()
    stem = f"{board.name}-v{VERSION}"
    assert f"--baud 460800 write-flash 0x1000 {stem}-update.bin" in text
    assert f"--baud 460800 write-flash 0x0 {stem}-factory.bin" in text


def test_another_version_is_replaced(board, build_folder, images):
    (images / f"{board.name}-v0.0.1-update.bin").write_bytes(b"old")
    make_images(board, read_build(board, build_folder), VERSION, FILES, images)
    assert not list(images.glob("*v0.0.1*"))


def test_size_table(board, build_folder):
    build = read_build(board, build_folder)
    lines = size_table(build).splitlines()
    assert lines[0].split() == ["part", "offset", "size", "free"]
    (line,) = [line for line in lines if line.startswith("application")]
    _, offset, size, free = line.split()
    assert int(offset, 16) == build.layout.application.offset
    assert int(size) + int(free) == build.layout.application.size
    assert int(size) == (build_folder / "micropython.bin").stat().st_size > APPLICATION_SIZE


def refuse(board, folder, words):
    with pytest.raises(Problem) as problem:
        read_build(board, folder)
    sentence = str(problem.value)
    assert words in sentence and "\n" not in sentence


def test_application_that_does_not_fit(board, tmp_path):
    folder = make_build(board, tmp_path / "build", application_size=0x2A0000)
    refuse(board, folder, "more than its")


def test_missing_output(board, build_folder):
    (build_folder / "micropython.bin").unlink()
    refuse(board, build_folder, f"run `make build BOARD={board.name}` first")


def test_truncated_output(board, build_folder):
    path = build_folder / "micropython.bin"
    path.write_bytes(path.read_bytes()[:-1])
    refuse(board, build_folder, "cut off or damaged")


@pytest.mark.parametrize("file", ["micropython.bin", "bootloader/bootloader.bin"])
def test_damaged_program(board, build_folder, file):
    path = build_folder / file
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    refuse(board, build_folder, "cut off or damaged")


def test_damaged_table(board, build_folder):
    path = build_folder / "partition_table" / "partition-table.bin"
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data)
    refuse(board, build_folder, "is damaged")


def test_overlapping_partitions(board, tmp_path):
    table = table_of(board, "b,app,ota_0,0x1e0000,0x100000")
    folder = make_build(board, tmp_path / "build", table=table)
    path = folder / "partition_table" / "partition-table.bin"
    rows = path.read_bytes()[: 32 * table.count("\n")].replace(b"\0\0\x1e\0", b"\0\0\x1d\0")
    path.write_bytes(rows + b"\xff" * 32)
    refuse(board, folder, "overlaps")


def test_another_chip(board, tmp_path):
    folder = make_build(board, tmp_path / "build", chip="esp32s3")
    refuse(board, folder, "was built for 'esp32s3'")


def test_flash_smaller_than_table(board, tmp_path):
    folder = make_build(board, tmp_path / "build", flash_size="2MB")
    refuse(board, folder, "does not fit")


def test_programs_for_another_flash_size(board, build_folder, tmp_path):
    other = make_build(board, tmp_path / "other", flash_size="16MB")
    (other / "sdkconfig").write_bytes((build_folder / "sdkconfig").read_bytes())
    refuse(board, other, "build again")


def test_garbled_sdkconfig(board, build_folder):
    (build_folder / "sdkconfig").write_text("CONFIG_IDF_TARGET=\n")
    refuse(board, build_folder, "sdkconfig lacks or garbles")


def test_build_of_another_version_writes_nothing(board, build_folder, tmp_path):
    build = read_build(board, build_folder)
    with pytest.raises(Problem, match="was not built from version 9.9.9"):
        make_images(board, build, "9.9.9", FILES, tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_damaged_filesystem_is_one_sentence():
    with pytest.raises(Problem, match="is damaged"):
        read_files(b"\x5a" * 65536)


def test_filesystem_keeps_every_byte():
    files = {"config.json": b"{}" * 3000, "empty": b"", "\u638c.txt": bytes(range(256))}
    assert read_files(make_filesystem(1 << 18, files)) == files
