"""The labplus mPython board (ESP32 revisions v1 and v2): its name and its LEDs.

Its pins stand in pins.csv. Nothing here touches a pin.
"""

from micropython import const

NAME = "mpython"
PRODUCT = "labplus mPython"
VENDOR = "labplus"

LED_COUNT = const(3)
LED_COLUMNS = const(3)
# labplus's own default.
LED_BRIGHTNESS = const(30)  # percent
# USB gives 500 mA, and the chip's radio takes up to 240 of them; three LEDs never take more than 180.
LED_MAX_CURRENT = const(250)  # milliamperes


def led_index(x, y):
    """Return the strip index of column x from the left (0..2) in row y (0)."""
    return x
