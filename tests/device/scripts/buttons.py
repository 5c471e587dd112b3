# Buttons: which events presses make, and when; contacts that bounce make none.
import time
from device import buttons


class Pin:
    IN = 1
    down = False

    def __init__(self, name, mode):
        pass

    def value(self):
        return 0 if Pin.down else 1


buttons.Pin = Pin
NAMES = {
    buttons._PRESS: "press",
    buttons._RELEASE: "release",
    buttons._LONG_PRESS: "long_press",
    buttons._DOUBLE_PRESS: "double_press",
}
for payload, name in NAMES.items():
    assert payload == b'{"event_type": "%s"}' % name.encode()


def events(*times):
    """Return (ms, event) of all that happens; the button goes down and up in turn at `times`."""
    button = buttons._Button("BUTTON_A")
    begin = time.ticks_ms()
    seen = []
    for passed in range(100, times[-1] + 1500, 10):
        Pin.down = len([each for each in times if each <= passed]) % 2 == 1
        for event in button.events(time.ticks_add(begin, passed)):
            seen.append((passed, NAMES[event]))
    return seen


assert events(200, 300) == [(200, "press"), (300, "release")]
assert events(200, 1200) == [(200, "press"), (1000, "long_press"), (1200, "release")]
assert events(200, 300, 500, 550) == [
    (200, "press"),
    (300, "release"),
    (500, "press"),
    (500, "double_press"),
    (550, "release"),
]
# The third press of three begins a new pair.
third = events(200, 250, 400, 450, 600, 650, 800, 850)
assert [name for _, name in third] == [
    "press",
    "release",
    "press",
    "double_press",
    "release",
    "press",
    "release",
    "press",
    "double_press",
    "release",
], third
assert events(200, 300, 700, 800)[2:] == [(700, "press"), (800, "release")]  # too slow
# 10 ms each, down and up: what settles counts.
assert events(200, 210, 220, 400, 410, 420) == [(200, "press"), (400, "release")]
assert events(200, 210, 220, 230, 240, 300)[0] == (200, "press")
print("ok")
