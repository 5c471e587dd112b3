"""The labplus mPython board (ESP32 revisions v1 and v2): its name and its LEDs.

Its pins stand in pins.csv. Nothing here touches a pin.
"""

from micropython import const

NAME = "mpython"

LED_COUNT = const(3)
LED_COLUMNS = const(3)
# labplus's own default. 3 LEDs at 60 mA x 0.3 are far below what USB gives.
LED_BRIGHTNESS = const(30)  # percent


def led_index(x, y):
    """Return the strip index of column x from the left (0..2) in row y (0)."""
    return x
