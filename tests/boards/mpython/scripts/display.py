# mpython's display against a controller that keeps what it is sent, as the SH1106's data sheet says.
import framebuf
import machine

ARGUMENTS = {0x81: 1, 0x8D: 1, 0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1}


class Controller:
    """132 x 64 dots; the panel shows the columns 2 to 129. Page addressing only."""

    def __init__(self):
        self.pages = [bytearray(132) for _ in range(8)]
        self.page = self.column = 0
        self.on = self.inverted = False
        self.contrast = None
        self.sent = 0

    def command(self, stream):
        stream = iter(stream)
        for code in stream:
            argument = next(stream) if code in ARGUMENTS else None
            if code < 0x10:
                self.column = self.column & 0xF0 | code
            elif code < 0x20:
                self.column = self.column & 0x0F | (code & 0x0F) << 4
            elif code & 0xF8 == 0xB0:
                self.page = code & 7
            elif code == 0x81:
                self.contrast = argument
            elif code & 0xFE == 0xA6:
                self.inverted = bool(code & 1)
            elif code & 0xFE == 0xAE:
                self.on = bool(code & 1)

    def data(self, stream):
        for byte in stream:
            self.pages[self.page][self.column] = byte
            self.column += 1
        self.sent += len(stream)

    def shown(self):
        return b"".join(bytes(page[2:130]) for page in self.pages)


controller = Controller()
present = True


class I2C(machine.I2C):
    def __init__(self, id, *, scl, sda, freq):
        assert (id, freq) == (0, 400000) and (scl, sda) == (machine.Pin(22), machine.Pin(23))

    def writeto_mem(self, address, control, data):
        if not present or address != 0x3C:
            raise OSError(19)
        (controller.command if control == 0 else controller.data)(bytes(data))


machine.I2C = I2C
from mpython import *

assert display is oled and isinstance(oled, OLED)
assert controller.sent == 0, "the display must not be touched before it is used"

reference_bytes = bytearray(1024)
reference = framebuf.FrameBuffer(reference_bytes, 128, 64, framebuf.MONO_VLSB)

# Not there, then plugged in: each use looks again.
present = False
for use in (lambda: oled.fill(0), oled.show, lambda: oled.contrast(1)):
    try:
        use()
        assert False
    except OSError as error:
        assert str(error) == "no display answers at I2C address 60", error
present = True

for page in controller.pages:  # what it holds at power-on
    for column in range(132):
        page[column] = 0xA5
oled.fill(0)
assert controller.shown() == bytes(1024), "switched on with a clear picture"
assert controller.on and not controller.inverted and controller.contrast == 0xCF
for page in controller.pages:
    assert page[0] == page[1] == page[130] == page[131] == 0xA5

for screen in (oled, reference):
    screen.line(0, 0, 127, 63, 1)
    screen.rect(10, 5, 30, 20, 1)
    screen.fill_rect(100, 2, 9, 9, 1)
    screen.text("mPython", 20, 50, 1)
    screen.pixel(127, 0, 1)
assert controller.shown() == bytes(1024), "show sends, drawing does not"
oled.show()
assert controller.shown() == bytes(reference_bytes)
assert oled.pixel(127, 0) == 1 and oled.pixel(126, 0) == 0

oled.contrast(17)
assert controller.contrast == 17
oled.invert(True)
assert controller.inverted
oled.invert(0)
assert not controller.inverted
oled.poweroff()
assert not controller.on
oled.poweron()
assert controller.on

try:
    oled.sparkle()
    assert False
except AttributeError as error:
    assert "sparkle" in str(error)


def same():
    oled.show()
    return controller.shown() == bytes(reference_bytes)


# DispChar in its four modes, over a grey ground.
def grey():
    for screen in (oled, reference):
        screen.fill(0)
        for x in range(0, 128, 2):
            screen.vline(x, 0, 64, 1)


grey()
assert oled.DispChar("Hi", 4, 16) == (16, (20, 16))
reference.fill_rect(4, 16, 16, 8, 0)
reference.text("Hi", 4, 16, 1)
assert same()

grey()
oled.DispChar("Hi", 4, 16, TextMode.rev)
reference.fill_rect(4, 16, 16, 8, 1)
reference.text("Hi", 4, 16, 0)
assert same()

grey()
oled.DispChar("Hi", 4, 16, TextMode.trans)
reference.text("Hi", 4, 16, 1)
assert same()

grey()
oled.DispChar("Hi", 4, 16, TextMode.xor)
glyphs = framebuf.FrameBuffer(bytearray(16), 16, 8, framebuf.MONO_VLSB)
glyphs.text("Hi", 0, 0, 1)
for x in range(16):
    for y in range(8):
        if glyphs.pixel(x, y):
            reference.pixel(4 + x, 16 + y, 1 - reference.pixel(4 + x, 16 + y))
assert same()
oled.DispChar("Hi", 4, 16, TextMode.xor)  # twice is nothing
grey_again = controller.shown()
grey()
assert same() and controller.shown() != grey_again

# This board has no partition with a font: one box for one character of another than MicroPython's.
for screen in (oled, reference):
    screen.fill(0)
oled.DispChar("温A", 0, 0)
reference.rect(0, 0, 7, 8, 1)
reference.text("A", 8, 0, 1)
assert same()

# Text beyond the right edge is cut, or goes on 16 pixels below and at last at the top.
for screen in (oled, reference):
    screen.fill(0)
oled.DispChar("0123456789abcdefgh", 0, 0)
reference.text("0123456789abcdef", 0, 0, 1)
assert same()
oled.fill(0)
width, place = oled.DispChar("0123456789abcdefgh", 0, 48, auto_return=True)
assert place == (16, 0), place
reference.fill(0)
reference.text("0123456789abcdef", 0, 48, 1)
reference.text("gh", 0, 0, 1)
assert same()
assert width == 128 + 16

# What is shown of texts that come in: eight lines, long ones broken, a box for what has no picture.
from _frozen import text_screen

screen = text_screen.Screen(None)
assert screen.is_there() and controller.shown() == bytes(1024)
screen.show("Hello, 温!\n\n0123456789abcdefgh\n" + "\n".join("456789"))
reference.fill(0)
for row, line in enumerate(("Hello,  !", "", "0123456789abcdef", "gh", "4", "5", "6", "7")):
    reference.text(line, 0, 8 * row, 1)
reference.rect(56, 0, 7, 8, 1)
assert controller.shown() == bytes(reference_bytes)
screen.show("")
assert controller.shown() == bytes(1024)
present = False
screen.show("its plug is out")
assert not screen.is_there()
print("ok")
