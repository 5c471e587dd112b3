"""The firmware's own update, slots and boot loader on a small flash, in this Python.

What runs here is what runs on a board: `device.slot`, `device.update.download` and its messages,
over the simulated board's `esp32`, which is as strict as the port's. Only the world is a stand-in:
the image is there at once, and the radio says nothing. A thousand updates take some seconds.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

from boot_loader import choose_slot, is_whole_program
from ci.boards import ROOT, Board
from ci.image.partitions import Layout, read_binary, table_binary
from flash_chip import TABLE_OFFSET, NorFlash
from tests.images.fake_build import make_application

BLOCKS = 16
_SLOT_SIZE = 0x20000
_FLASH_SIZE = 0x50000
_TABLE = f"""\
nvs,      data, nvs,     0x9000,  0x4000,
otadata,  data, ota,     0xd000,  0x2000,
phy_init, data, phy,     0xf000,  0x1000,
ota_0,    app,  ota_0,   0x10000, {_SLOT_SIZE:#x},
ota_1,    app,  ota_1,   0x30000, {_SLOT_SIZE:#x},
"""
IDENTIFIER = "3f2a9c10"


class Reset(Exception):
    """The firmware has reset the board."""


@dataclass(frozen=True)
class Image:
    """A version, and whether it would reach its broker."""

    version: str
    is_good: bool
    data: bytes


def make_image(board: Board, version: str, is_good: bool = True) -> Image:
    """Return an image of BLOCKS blocks."""
    data = make_application(board, version, BLOCKS * 4096 - 400, bad="" if is_good else "panic")
    assert BLOCKS - 1 < len(data) / 4096 <= BLOCKS
    return Image(version, is_good, data)


def blank_flash(image: Image) -> bytes:
    """Return a flash that USB has just written."""
    flash = bytearray(b"\xff" * _FLASH_SIZE)
    table = table_binary(_TABLE)
    flash[TABLE_OFFSET : TABLE_OFFSET + len(table)] = table
    flash[0x10000 : 0x10000 + len(image.data)] = image.data
    return bytes(flash)


@functools.cache
def _is_whole(slot: bytes) -> bool:
    return is_whole_program(slot)


class Firmware:
    """The modules of a board, loaded apart from this Python's own."""

    def __init__(self, board: Board) -> None:
        self.flash = NorFlash(bytearray())
        table = table_binary(_TABLE)
        self.layout: Layout = read_binary(table, TABLE_OFFSET, _FLASH_SIZE, "the model")
        self.now = 0
        self.version = ModuleType("version")
        self.machine = ModuleType("machine")
        self.machine.reset = self._reset
        self.machine.WDT_RESET, self.machine.PWRON_RESET = 3, 1
        self.machine.reset_cause = lambda: 1
        clock = SimpleNamespace(ticks_ms=lambda: self.now, ticks_diff=lambda a, b: a - b)
        sim = SimpleNamespace(
            flash_read=self._read,
            flash_erase=lambda address: self.flash.erase(address),
            flash_write=lambda address, data: self.flash.write(address, bytes(data)),
        )
        package = ModuleType("device")
        package.__path__ = [str(ROOT / "modules" / "device")]
        stand_ins = {
            "_sim": sim,
            "micropython": SimpleNamespace(const=lambda value: value),
            "gc": SimpleNamespace(collect=lambda: None, mem_free=lambda: 100_000),
            "time": clock,
            "machine": self.machine,
            "board": SimpleNamespace(NAME=board.name),
            "version": self.version,
            "device": package,
            "device.link": SimpleNamespace(MISTAKES=(Exception,)),
        }
        with mock.patch.dict(sys.modules, stand_ins):
            path = ROOT / "boards" / "sim" / "modules" / "esp32.py"
            spec = importlib.util.spec_from_file_location("esp32", path)
            self.esp32 = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(self.esp32)
            sys.modules["esp32"] = self.esp32
            self.slot = importlib.import_module("device.slot")
            self.messages = importlib.import_module("device.update.messages")
            self.download = importlib.import_module("device.update.download")

    def _reset(self) -> None:
        raise Reset

    def _read(self, address: int, buffer: bytearray) -> None:
        buffer[:] = self.flash.data[address : address + len(buffer)]

    def boot(self) -> str | None:
        """Start as after a reset; return the version that runs, None if the boot loader has none."""
        number = choose_slot(
            self.flash,
            self.layout,
            lambda slot: _is_whole(bytes(self.flash.data[slot.offset : slot.end])),
        )
        if number is None:
            return None
        slot = self.layout.applications[number]
        self.esp32.NVS._values = None
        os.environ["SIM_SLOT"] = str(slot.offset)
        text = bytes(self.flash.data[slot.offset + 48 : slot.offset + 80])
        self.version.VERSION = text.split(b"\0")[0].decode().rpartition("/")[2]
        return self.version.VERSION

    # What the firmware does -----------------------------------------------------------

    def _updates(self) -> Any:
        link = SimpleNamespace(published=[], stop=lambda: None)
        link.publish = lambda topic, text, *_: link.published.append((topic, json.loads(text)))
        link.wifi = SimpleNamespace(save_power=lambda on: None)
        link.client = SimpleNamespace(session=SimpleNamespace(in_flight=[], out=[]))
        return SimpleNamespace(
            link=link,
            settings={"allow": "any", "key": ""},
            indicator=SimpleNamespace(override=None),
            topic=b"t",
            work=None,
            latest="",
            is_introduced=False,
        )

    def introduce(self) -> dict[str, Any]:
        """Return what a board that is not on trial says first: the result."""
        updates = self._updates()
        self.messages.introduce(updates)
        return [text for topic, text in updates.link.published if topic == b"t/result"][-1]

    def update(self, image: Image, again: bool = True) -> None:
        """Load an image and restart into it. Raises Reset, or PowerCut; or the firmware's own
        UpdateError if it refuses."""
        command = SimpleNamespace(
            id=IDENTIFIER,
            source="mqtt",
            again=again,
            board=_board_of(image.data),
            version=image.version,
            size=len(image.data),
            sha256=hashlib.sha256(image.data).hexdigest(),
            idf="v5.5.1",
            may_be_older=lambda allow: True,
        )
        source = _Source(image.data)
        with mock.patch.object(self.download.Download, "_open_source", lambda self: source):
            work = self.download.Download(self._updates(), command)
        source.buffer = work._buffer
        while work.step(self.now):
            self.now += 50

    def try_out(self, image: Image) -> None:
        """Do what the running image does on trial: keep itself, or reset the board."""
        if not image.is_good:
            self._reset()
        assert self.slot.keep()

    @contextmanager
    def on(self, flash: bytes, cut: int = 0, tear: int = 50) -> Iterator[None]:
        """Work on a copy of `flash`; the power fails in operation `cut`."""
        self.flash = NorFlash(bytearray(flash), cut, tear)
        yield

    def with_cut(self, cut: int, tear: int) -> None:
        """Have the power fail in operation number `cut` from now on."""
        self.flash = NorFlash(self.flash.data, cut, tear)


def _board_of(image: bytes) -> str:
    return image[48:80].split(b"/")[0].decode()


class _Source:
    # The image, block by block, without a network.

    def __init__(self, image: bytes) -> None:
        self.image = image
        self.received = 0
        self.buffer = bytearray()

    def step(self, now: int) -> memoryview | None:
        piece = self.image[self.received : self.received + 4096]
        self.buffer[: len(piece)] = piece
        self.received += len(piece)
        return memoryview(self.buffer)[: len(piece)] if piece else None

    def close(self) -> None:
        pass
