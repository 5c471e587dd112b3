"""The Banana Pi BPI:bit (revisions 1.2 and 1.4): its name and its LEDs.

Its pins stand in pins.csv. Nothing here touches a pin.
"""

from micropython import const

NAME = "bpi-bit"

LED_COUNT = const(25)
LED_COLUMNS = const(5)
# 25 LEDs x 60 mA x 0.1 = 150 mA at full white: USB's 500 mA must feed the chip's radio too.
LED_BRIGHTNESS = const(10)  # percent


def led_index(x, y):
    """Return the strip index of column x from the left, row y from the top (0..4 each).

    The strip begins in the top right corner and runs down each column.
    """
    return y + 5 * (4 - x)
