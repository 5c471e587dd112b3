# Prints set-up's picture as the display gets it, one line a row, for test_qr_code.py to read.
import setup_screen
import sys


class Display:
    def __init__(self):
        import framebuf

        self.picture = bytearray(128 * 64 // 8)
        self.frame = framebuf.FrameBuffer(self.picture, 128, 64, framebuf.MONO_VLSB)
        self.shown = 0
        for name in ("fill", "fill_rect", "text"):
            setattr(self, name, getattr(self.frame, name))

    def show(self):
        self.shown += 1


def finish():
    while screen._work:
        screen.step()


screen = setup_screen.Screen()
screen.invite("absent", "0123456789", "4.3.2.1")  # no display answers: nothing happens
finish()
screen.close()

display = Display()
screen._display = display
name, key = sys.argv[1:] if len(sys.argv) > 2 else ("mpython-a1b2c3", "1234567890")
screen.invite(name, key, "4.3.2.1")
screen.step()
screen.show("open")  # before the code was whole
screen.step()
assert display.shown == 1, "words are drawn at once"
screen.invite(name, key, "4.3.2.1")
finish()
screen.invite(name, key, "4.3.2.1")
finish()
assert display.shown == 2, "drawn once"
for y in range(64):
    print("row", "".join(str(display.frame.pixel(x, y)) for x in range(128)))
screen.show("trying", "a network with a long name")
screen.step()
assert display.shown == 3
screen.invite(name, key, "4.3.2.1")
screen.close()
screen.step()
assert display.shown == 4, "nothing is drawn after the end"
assert bytes(display.picture) == bytes(1024)

import qr_code

try:
    next(qr_code.encode(b"x" * 54))
    assert False
except ValueError:
    pass
print("ok")
