"""The labplus mPython board (ESP32 revisions v1 and v2): what is wired where.

GPIO numbers from the schematic V2.0.3 and docs/boards/mpython.md. Nothing here touches a pin.
"""

from micropython import const

NAME = "mpython"

LED_PIN = const(17)
LED_COUNT = const(3)
LED_COLUMNS = const(3)
LED_POWER_PIN = None
# labplus's own default. 3 LEDs at 60 mA x 0.3 are far below what USB gives.
LED_BRIGHTNESS = const(30)  # percent

BUTTON_A_PIN = const(0)
BUTTON_B_PIN = const(2)


def led_index(x, y):
    """Return the strip index of column x from the left (0..2) in row y (0)."""
    return x
