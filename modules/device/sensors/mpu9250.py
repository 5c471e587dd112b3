"""The MPU-9250 of the BPI:bit (register map RM-MPU-9250A-00, revision 1.6)."""

from micropython import const

ADDRESSES = (0x68, 0x69)  # of version 1.4 and of version 1.2
REGISTER = const(0x3B)  # ACCEL_XOUT_H
IS_BIG = True

_ACCEL_CONFIG = const(0x1C)
_PWR_MGMT_1 = const(0x6B)
_WHO_AM_I = const(0x75)


def begin(i2c, address):
    """Wake it, and set it to 4 g. Raises OSError if none is there."""
    if i2c.readfrom_mem(address, _WHO_AM_I, 1) != b"\x71":
        raise OSError("another chip is at 0x%x" % address)
    i2c.writeto_mem(address, _PWR_MGMT_1, b"\x01")
    i2c.writeto_mem(address, _ACCEL_CONFIG, b"\x08")
