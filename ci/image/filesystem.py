"""The LittleFS2 filesystem that a factory image brings: made here, mounted by MicroPython."""

from __future__ import annotations

from pathlib import Path

from littlefs import LittleFS, LittleFSError

from ci.image.partitions import SECTOR
from ci.problem import Problem

# What vfs.VfsLfs2 formats with, and the first on-disk version, which every MicroPython can mount.
_OPTIONS = {
    "block_size": SECTOR,
    "read_size": 32,
    "prog_size": 32,
    "cache_size": 128,
    "lookahead_size": 32,
    "disk_version": 0x00020000,
}


def make_filesystem(size: int, files: dict[str, bytes]) -> bytes:
    """Return an image of `size` bytes, a whole number of sectors, with `files` in its root.

    Raises Problem if they do not fit.
    """
    filesystem = LittleFS(block_count=size // SECTOR, **_OPTIONS)
    for name, content in files.items():
        try:
            with filesystem.open(name, "wb") as file:
                file.write(content)
        except LittleFSError as error:
            raise Problem(f"{name} does not fit the {size} bytes for files ({error})") from error
    filesystem.unmount()
    return bytes(filesystem.context.buffer)


def read_files(image: bytes) -> dict[str, bytes]:
    """Return the files in the root of a filesystem image. Raises Problem if it is damaged."""
    filesystem = LittleFS(block_count=len(image) // SECTOR, mount=False, **_OPTIONS)
    filesystem.context.buffer = bytearray(image)
    try:
        filesystem.mount()
        files = {}
        for name in filesystem.listdir("/"):
            with filesystem.open(name, "rb") as file:
                files[name] = file.read()
        return files
    except LittleFSError as error:
        raise Problem(f"the filesystem in the image is damaged: {error}") from error


def folder_files(folder: Path) -> dict[str, bytes]:
    """Return the files that lie in `folder`, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
