"""The 1.3" display of the mPython board: SSD1106 (SH1106) controller, 128x64, on I2C.

The controller's memory is 132 columns wide; the panel shows columns 2 to 129. It has no
horizontal addressing, so each page of eight rows is sent with its own address (data sheet
SH1106 V2.3, "Page Addressing Mode").
"""

import framebuf
from micropython import const

_FIRST_COLUMN = const(2)

_CONTRAST = const(0x81)
_NORMAL = const(0xA6)
_OFF = const(0xAE)
_ON = const(0xAF)
_PAGE = const(0xB0)

_COMMANDS = const(0x00)  # control bytes: what follows is commands, or data
_DATA = const(0x40)

# The panel's values: off, clock, 64 rows, no offset, first row 0, charge pump on, mirrored in both
# directions, alternating COM pins, contrast, precharge, VCOM level, picture from memory, not
# inverted. It is switched on when its memory holds a picture.
_START = (
    b"\xae\xd5\x80\xa8\x3f\xd3\x00\x40\x8d\x14\xa1\xc8\xda\x12\x81\xcf\xd9\xf1\xdb\x40\xa4\xa6"
)


class SSD1106_I2C:
    """A display, with all methods of framebuf.FrameBuffer; colours are 0 and 1.

    Drawing changes the picture in memory; `show` sends it. The display is looked for, and 1 KB
    of memory taken, at the first use: OSError if none answers.
    """

    def __init__(self, width, height, i2c, addr=0x3C):
        self.width = width
        self.height = height
        self._i2c = i2c
        self._address = addr
        self._frame = None
        self._picture = None

    def _send(self, *commands):
        self._start()
        self._i2c.writeto_mem(self._address, _COMMANDS, bytes(commands))

    def _start(self):
        if self._frame is not None:
            return
        try:
            self._i2c.writeto_mem(self._address, _COMMANDS, _START)
        except OSError:
            raise OSError("no display answers at I2C address %d" % self._address)
        self._picture = memoryview(bytearray(self.width * self.height // 8))
        self._frame = framebuf.FrameBuffer(
            self._picture, self.width, self.height, framebuf.MONO_VLSB
        )
        self.show()
        self.poweron()

    def __getattr__(self, name):
        if not hasattr(framebuf.FrameBuffer, name):
            raise AttributeError("the display has no '%s'" % name)
        self._start()
        return getattr(self._frame, name)

    def show(self):
        """Send the picture. Blocks for 25 ms at 400 kHz."""
        self._start()
        for page in range(self.height // 8):
            self._send(_PAGE | page, _FIRST_COLUMN & 15, 0x10 | _FIRST_COLUMN >> 4)
            row = self._picture[page * self.width : (page + 1) * self.width]
            self._i2c.writeto_mem(self._address, _DATA, row)

    def contrast(self, contrast):
        """Set the brightness, 0 to 255."""
        self._send(_CONTRAST, contrast)

    def invert(self, invert):
        """Show dark on light, or with a false value light on dark."""
        self._send(_NORMAL | (1 if invert else 0))

    def poweron(self):
        self._send(_ON)

    def poweroff(self):
        self._send(_OFF)
