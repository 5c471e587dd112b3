# Touch pads: what a pad's usual count is, when a finger comes and goes, and what is no finger.
from device.sensors import touch


class TouchPad:
    count = 0

    def __init__(self, pin):
        pass

    def read(self):
        if TouchPad.count is None:
            raise ValueError("Touch pad error")
        return TouchPad.count


touch.TouchPad = TouchPad
touch.Pin = lambda name: name


def look(pad, count, looks=2):
    """Return whether it is touched after so many looks, and how often that has changed."""
    TouchPad.count = count
    changes = sum([pad.look() for _ in range(looks)])
    return pad.are_touched[0], changes


MINUTE = 60000 // 50  # looks: the program's loop takes 50 ms at rest

# Nothing at first, and 643 counts as on labplus's page; a finger leaves 8.
pad = touch.Pads("P")
assert pad.letters == "p"
assert look(pad, None, 5) == (False, 0)
assert look(pad, 643, 100) == (False, 0)
assert look(pad, 8, 1) == (False, 0)  # one look may be wrong
assert look(pad, 8, 1) == (True, 1)
assert look(pad, 8, 100) == (True, 0)
assert look(pad, 643) == (False, 1)

# A pad that reads little, and one through a sheet of paper.
for usual, finger in ((60, 30), (900, 600)):
    pad = touch.Pads("P")
    assert look(pad, usual, 10) == (False, 0)
    assert look(pad, finger) == (True, 1)
    # It goes only when most of the way is back.
    assert look(pad, usual * 80 // 100, 10) == (True, 0)
    assert look(pad, usual * 90 // 100) == (False, 1)

# Moisture that comes slowly is no finger, and afterwards a finger is still one.
pad = touch.Pads("P")
for count in range(900, 500, -1):
    assert look(pad, count, 10) == (False, 0), count
assert look(pad, 300) == (True, 1)

# A drop of water is one for a while.
pad = touch.Pads("P")
look(pad, 643, 10)
assert look(pad, 300) == (True, 1)
assert look(pad, 300, MINUTE // 2) == (True, 0)
assert look(pad, 300, MINUTE * 2) == (False, 1)
# Wiped off, the pad is soon as it was.
assert look(pad, 643, 20) == (False, 0)
assert look(pad, 300) == (True, 1)

# A finger that lies there at the start is none; it is seen when it comes again.
pad = touch.Pads("P")
assert look(pad, 8, 100) == (False, 0)
assert look(pad, 643, 20) == (False, 0)
assert look(pad, 8) == (True, 1)
print("ok")
