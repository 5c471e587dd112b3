"""A board's chip in its ROM loader, behind a pseudo-terminal: esp32-mock-bootloader, watched.

The package speaks the loader's protocol and keeps the flash; this adds the flash's size, a line that
does not carry a high baud rate, and a record of what was written.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from types import TracebackType

from esp32_mock_bootloader import protocol, server
from esptool import loader

# The third byte of a flash chip's JEDEC number is the logarithm of its size.
_MANUFACTURER = 0x4020
_BAD_LINE = b"\x00\xff" * 16


class FakeBoard:
    """Run as a context manager; `port` is then what esptool connects to."""

    def __init__(self, chip: str, flash_size: int, *, highest_baud: int = 460800) -> None:
        self.chip = chip
        self.flash_size = flash_size
        self.highest_baud = highest_baud
        self.writes: list[tuple[int, int]] = []  # address and length of each write begun
        self.bauds: list[int] = []
        self._carries = True
        self._stop = threading.Event()

    def __enter__(self) -> FakeBoard:
        # A chip answers at once; this one shares a PC with the other tests (see esptool.cfg, which
        # tests/conftest.py names, for the other limits).
        assert loader.DEFAULT_TIMEOUT == 60, "esptool was imported before tests/conftest.py"
        self._sync_timeout, loader.SYNC_TIMEOUT = loader.SYNC_TIMEOUT, 5
        protocol.FLASH_MOCK_SIZE = self.flash_size
        protocol.MOCK_FLASH_ID = (self.flash_size.bit_length() - 1) << 16 | _MANUFACTURER
        self._flash = server.FlashImage()
        self._line = _WatchedLine(self)
        self.port = self._line.client_path
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._line.close()
        loader.SYNC_TIMEOUT = self._sync_timeout

    @property
    def flash(self) -> bytearray:
        return self._flash.data

    def _serve(self) -> None:
        while not self._stop.is_set():
            connection = server.BootloaderConnection(pty=self._line)
            server.handle_client(connection, self._stop, self.chip, flash=self._flash)

    def saw(self, frame: bytes) -> None:
        """Note a request from esptool."""
        command, data = frame[1], frame[8:]
        if command == protocol.CMD_SYNC:
            self._carries = True  # esptool begins again, at the speed every chip starts with
        elif command in (protocol.CMD_FLASH_BEGIN, protocol.CMD_FLASH_DEFL_BEGIN):
            size, _, _, offset = struct.unpack_from("<IIII", data)
            if size:
                self.writes.append((offset, size))
        elif command == protocol.CMD_CHANGE_BAUDRATE:
            self.bauds.append(struct.unpack_from("<I", data)[0])

    def answered(self, frame: bytes) -> None:
        """Note that an answer has left, so that a change of speed takes effect."""
        if frame[1:2] == bytes([protocol.CMD_CHANGE_BAUDRATE]):
            self._carries = self.bauds[-1] <= self.highest_baud

    @property
    def is_off(self) -> bool:
        return self._stop.is_set()

    @property
    def carries(self) -> bool:
        """Whether bytes arrive unharmed at the present speed."""
        return self._carries


class _WatchedLine(server.PtyMasterTransport):
    """The board's end of the pseudo-terminal."""

    def __init__(self, board: FakeBoard) -> None:
        master, slave = os.openpty()
        super().__init__(master, slave)
        self._board = board
        self._held = b""
        self._stub_runs = False

    def recv(self, size: int) -> bytes:
        received, self._held = self._held or self._wait(size), b""
        for frame in server.slip_decode_frames(received):
            if len(frame) < 8 or frame[0] != 0:
                continue
            if frame[1] == protocol.CMD_SYNC and self._stub_runs:
                # esptool has reset the chip, which a pseudo-terminal does not tell: end this
                # session, as a closed line would, and let the next one answer.
                self._held, self._stub_runs = received, False
                return b""
            self._stub_runs |= frame[1] == protocol.CMD_MEM_END
            self._board.saw(frame)
        return received

    def _wait(self, size: int) -> bytes:
        # The package takes 50 ms without a byte for the end of a transfer.
        while True:
            try:
                return super().recv(size)
            except socket.timeout:
                if self._board.is_off:
                    raise

    def sendall(self, data: bytes) -> None:
        if not self._board.carries:
            super().sendall(_BAD_LINE)
            return
        super().sendall(data)
        for frame in server.slip_decode_frames(data):
            self._board.answered(frame)
