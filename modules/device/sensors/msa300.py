"""The MSA300, of mPython boards up to version 2.0 (data sheet V1.0 of MEMSensing Microsystems).

Its PARTID is 0 in the data sheet and 0x13 in the MSA301, which the schematic names: it is not asked.
"""

from micropython import const

ADDRESSES = (0x26,)  # data sheet, table 12
REGISTER = const(0x02)  # ACC_X, the 14 bits in the upper part of each pair
IS_BIG = False

_RANGE = const(0x0F)
_RATE = const(0x10)
_POWER = const(0x11)  # at the start: suspended


def begin(i2c, address):
    """Set it to 14 bits of 4 g, 125 measurements a second. Raises OSError if none is there."""
    i2c.writeto_mem(address, _RANGE, b"\x01")
    i2c.writeto_mem(address, _RATE, b"\x07")
    i2c.writeto_mem(address, _POWER, b"\x00")
