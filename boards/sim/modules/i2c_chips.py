"""The accelerometers on the boards' I2C bus, with the registers that their data sheets give them.

A register that is not named here keeps what is written, and has no effect.
"""

import _sim
import os
import struct

from _frozen import board

# What each board has unless SIM_CHIPS names others.
_USUAL = {"mpython": "msa300", "bpi-bit": "mpu9250"}


class _Chip:
    """256 registers behind a pointer. A write begins with the pointer, as a read after it does."""

    def __init__(self):
        self._registers = bytearray(256)
        self._pointer = 0

    def write(self, data):
        if data:
            self._pointer = data[0]
        for value in data[1:]:
            self._registers[self._pointer] = value
            self._advance()

    def read(self, count):
        self._measure()
        data = bytearray(count)
        for i in range(count):
            data[i] = self._registers[self._pointer]
            self._advance()
        return data

    def _advance(self):
        self._pointer = (self._pointer + 1) % 256

    def _keep(self, first, order, axes, full_scale, bits=16):
        # Three numbers of 16 bits; those that the resolution has not are 0, and the ends are the ends.
        for i, milli in enumerate(axes):
            value = max(-32768, min(32767, milli * 32768 // (1000 * full_scale)))
            value = value >> (16 - bits) << (16 - bits)
            struct.pack_into(order + "h", self._registers, first + 2 * i, value)


class Msa300(_Chip):
    """MSA300 (MEMSensing, V1.0), as it is mounted on the mPython board. It starts suspended."""

    address = 0x26

    def __init__(self):
        super().__init__()
        self._registers[0x10] = 0x0F
        self._registers[0x11] = 0x9E

    def _measure(self):
        settings, rate, power = self._registers[0x0F:0x12]
        if power >> 6 == 0:
            x, y, z = _sim.acceleration()
            axes = [0 if rate & 0x80 >> i else axis for i, axis in enumerate((y, x, -z))]
            self._keep(2, "<", axes, 2 << (settings & 3), 14 - 2 * (settings >> 2 & 3))


class Qmi8658(_Chip):
    """QMI8658C (QST, Rev. 0.9), on mPython boards from version 2.1 on. It starts switched off."""

    address = 0x6B

    def __init__(self):
        super().__init__()
        self._registers[0x00] = 0x05
        self._registers[0x02] = 0x20

    def _advance(self):
        if self._registers[0x02] & 0x40:
            super()._advance()

    def _measure(self):
        if self._registers[0x08] & 1 and not self._registers[0x02] & 1:
            self._keep(0x35, "<", _sim.acceleration(), 2 << (self._registers[0x03] >> 4 & 3))


class Mpu9250(_Chip):
    """MPU-9250 (InvenSense, register map 1.6), on the back of the BPI:bit, version 1.4."""

    address = 0x68

    def __init__(self):
        super().__init__()
        self._registers[0x6B] = 0x01
        self._registers[0x75] = 0x71

    def _measure(self):
        if not self._registers[0x6B] & 0x40:
            x, y, z = _sim.acceleration()
            self._keep(0x3B, ">", (-x, -y, z), 2 << (self._registers[0x1C] >> 3 & 3))


class Mpu9250Version12(Mpu9250):
    """The same on the BPI:bit, version 1.2."""

    address = 0x69


_CHIPS = {
    "msa300": Msa300,
    "qmi8658": Qmi8658,
    "mpu9250": Mpu9250,
    "mpu9250-1.2": Mpu9250Version12,
}


def make():
    """Return the chips by their addresses, as after power-on."""
    names = os.getenv("SIM_CHIPS")
    if names is None:
        names = _USUAL.get(board.NAME, "")
    chips = [_CHIPS[name]() for name in names.split(",") if name]
    return {chip.address: chip for chip in chips}
