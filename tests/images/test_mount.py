"""The factory image's filesystem, in MicroPython's own hands."""

from pathlib import Path

from ci.image.flash_image import read_flash_image
from ci.image.partitions import SECTOR

SCRIPTS = Path(__file__).parent / "scripts"


def test_firmware_mounts_filesystem_and_reads_its_config(board, factory, run_script, tmp_path):
    path = tmp_path / "filesystem.bin"
    path.write_bytes(read_flash_image(factory, board.chip).filesystem())
    run_script(SCRIPTS / "mount.py", str(path), str(SECTOR))
