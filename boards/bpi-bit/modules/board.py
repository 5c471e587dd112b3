"""The Banana Pi BPI:bit (revisions 1.2 and 1.4): its name and its LEDs.

Its pins stand in pins.csv. Nothing here touches a pin.
"""

from micropython import const

NAME = "bpi-bit"
PRODUCT = "BPI:bit"
VENDOR = "Banana Pi"

LED_COUNT = const(25)
LED_COLUMNS = const(5)
# At full white the LEDs take 25 x 60 mA x 0.1 = 150 mA.
LED_BRIGHTNESS = const(10)  # percent
# USB gives 500 mA, and the chip's radio takes up to 240 of them. Without a limit, full white at 100 %
# is 1.5 A: the board browns out, boots, gets the retained message again, and so on.
LED_MAX_CURRENT = const(250)  # milliamperes


def led_index(x, y):
    """Return the strip index of column x from the left, row y from the top (0..4 each).

    The strip begins in the top right corner and runs down each column.
    """
    return y + 5 * (4 - x)
