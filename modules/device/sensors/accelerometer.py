"""The accelerometer, whichever the board has: which way is down, and how it moves.

A chip's driver is a module of this folder with

ADDRESSES            where it may be on the bus
REGISTER, IS_BIG     the first of the six bytes of x, y and z, and whether the higher byte comes first
begin(i2c, address)  sets it to measure 4 g both ways, 8192 to a g; OSError if another chip is there

A board that may have one has a module `accelerometers`: FREQUENCY of its bus, in Hz, and CHIPS, a
tuple for each chip: the driver's name, and which of the chip's axes, counted from 1, point to the
board's bottom edge, to its left edge and out of its face; negative: the other way. Where one points
down it reads +1 g, which is labplus's convention.
"""

import time
import timers
from machine import I2C, Pin
from micropython import const

from .. import imports

G = const(8192)

# After a transfer that failed the chip is left alone for so long. Milliseconds.
_PAUSE = const(10000)


def _begin(chip, i2c, address=None):
    # Return (address, register, is big) of a chip that answers, at one address or at any that it may
    # have; OSError if none does. The driver is not kept.
    driver = __import__("device.sensors." + chip[0], None, None, ("begin",))
    found = None
    for at in driver.ADDRESSES if address is None else (address,):
        try:
            driver.begin(i2c, at)
            found = at, driver.REGISTER, driver.IS_BIG
            break
        except OSError:
            pass
    imports.forget("sensors." + chip[0])
    if found is None:
        raise OSError("no accelerometer answers")
    return found


def find():
    """Return the board's Accelerometer, or None if none answers.

    Blocks for 2 ms; for 0.8 s if something holds the bus (ports/esp32/machine_i2c.c, v1.28).
    """
    try:
        import accelerometers
    except ImportError:
        return None
    frequency = accelerometers.FREQUENCY
    i2c = I2C(0, scl=Pin("I2C_SCL"), sda=Pin("I2C_SDA"), freq=frequency)
    for chip in accelerometers.CHIPS:
        try:
            return Accelerometer(i2c, chip, _begin(chip, i2c))
        except OSError:
            pass
    return None


class Accelerometer:
    """A chip that has answered. As a sensor it reads in m/s2."""

    names = ("x", "y", "z")
    least = 1

    def __init__(self, i2c, chip, place):
        self.axes = [0, 0, 0]  # of the board, G to a g, as they were measured last
        self._i2c = i2c
        self._chip = chip
        self._address, self._register, is_big = place
        self._low = 1 if is_big else 0
        self._data = bytearray(6)
        self._failed_at = None  # ticks_ms

    def measure(self):
        """Measure `axes`; return whether the chip has answered.

        Blocks for 0.3 ms (seven bytes at 400 kHz), or 0.8 s if something holds the bus. Then, and if
        the chip is gone, it begins with the chip again after 10 s.
        """
        try:
            if self._failed_at is not None:
                if not timers.elapsed(self._failed_at, _PAUSE):
                    return False
                _begin(self._chip, self._i2c, self._address)
                self._failed_at = None
                return False  # it has measured nothing yet
            self._i2c.readfrom_mem_into(self._address, self._register, self._data)
        except OSError:
            self._failed_at = time.ticks_ms()
            return False
        low = self._low
        for i in range(3):
            axis = self._chip[i + 1]
            first = 2 * abs(axis) - 2
            value = self._data[first + low] | self._data[first + 1 - low] << 8
            if value > 32767:
                value -= 65536
            self.axes[i] = value if axis > 0 else -value
        if any(self.axes):
            return True
        self._failed_at = time.ticks_ms()  # nothing is at rest in all directions: it was reset
        return False

    def read(self):
        if not self.measure():
            return (None, None, None)
        return tuple([round(axis * 9.80665 / G, 1) for axis in self.axes])
