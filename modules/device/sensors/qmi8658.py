"""The QMI8658C, of mPython boards from version 2.1 on (data sheet of QST, revision 0.9)."""

from micropython import const

ADDRESSES = (0x6B,)
REGISTER = const(0x35)  # AX_L
IS_BIG = False

_WHO_AM_I = const(0x00)
_CTRL1 = const(0x02)
_CTRL2 = const(0x03)
_CTRL7 = const(0x08)


def begin(i2c, address):
    """Set it to 4 g, 125 measurements a second, without gyroscope. Raises OSError if none is there."""
    if i2c.readfrom_mem(address, _WHO_AM_I, 1) != b"\x05":
        raise OSError("another chip is at 0x%x" % address)
    i2c.writeto_mem(address, _CTRL1, b"\x60")  # ADDR_AI: registers are read one after the other
    i2c.writeto_mem(address, _CTRL2, b"\x16")
    i2c.writeto_mem(address, _CTRL7, b"\x01")
