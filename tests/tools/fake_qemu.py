#!/usr/bin/env python3
"""A stand-in for qemu-system-xtensa: takes its arguments and boots the simulated board.

The files in the flash image become the simulated board's filesystem; the rest of the image is only
looked at. FAKE_QEMU_BOARD is the simulated board's program, FAKE_QEMU_PRODUCT what its banner is to
say, FAKE_QEMU_WIFI the open network in reach, empty for an emulator without Wi-Fi.
"""

import argparse
import os
import re
import select
import socket
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "boards" / "sim" / "host")]

from ci.image.filesystem import read_files  # noqa: E402
from ci.image.flash_image import read_flash_image  # noqa: E402
from tests.tools.serial_board import SerialBoard  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-nographic", action="store_true")
    for name in ("machine", "monitor", "drive", "global", "serial", "nic"):
        parser.add_argument(f"-{name}", dest=name)
    options = parser.parse_args()
    assert options.machine == "esp32"
    network = os.environ["FAKE_QEMU_WIFI"]
    if options.nic == "model=help":
        print("Available NIC models:\nopen_eth" + ("\nesp32_wifi" if network else ""))
        return
    assert (options.nic is None) == (not network)
    assert options.serial.endswith("server=on,wait=on")

    drive = Path(re.match("file=([^,]+),if=mtd,format=raw$", options.drive).group(1))
    image = read_flash_image(drive, "esp32")  # the emulator refuses what is not a whole flash
    server = socket.create_server(("127.0.0.1", int(options.serial.split(",")[0].split(":")[2])))
    connection, _ = server.accept()
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash"
        flash.mkdir()
        for name, content in read_files(image.filesystem()).items():
            (flash / name).write_bytes(content)
        with SerialBoard(Path(os.environ["FAKE_QEMU_BOARD"]), flash, network) as board:
            connect(connection, os.open(board.port, os.O_RDWR | os.O_NOCTTY))


# The simulated network's; behind an emulator's gateway lies this machine's loopback.
_GATEWAY = b"10.0.0.1"


def connect(connection: socket.socket, line: int) -> None:
    product = os.environ["FAKE_QEMU_PRODUCT"].encode()
    while True:
        ready, _, _ = select.select([connection, line], [], [])
        if connection in ready:
            received = connection.recv(4096)
            if not received:
                return
            os.write(line, received)
        if line in ready:
            connection.sendall(
                os.read(line, 4096)
                .replace(b"Simulated board", product)
                .replace(_GATEWAY, b"127.0.0.1")
            )


main()
