"""The Banana Pi BPI:bit (revisions 1.2 and 1.4): what is wired where.

GPIO numbers from the schematics V1.2 and V1.4 and docs/boards/bpi-bit.md. Nothing here touches
a pin.
"""

from micropython import const

NAME = "bpi-bit"

LED_PIN = const(4)
LED_COUNT = const(25)
LED_COLUMNS = const(5)
# Revision 1.2 has a switch in the LEDs' supply, enabled by this pin; 1.4 has none.
LED_POWER_PIN = const(2)
# 25 LEDs x 60 mA x 0.1 = 150 mA at full white: USB's 500 mA must feed the chip's radio too.
LED_BRIGHTNESS = const(10)  # percent

BUTTON_A_PIN = const(35)
BUTTON_B_PIN = const(27)


def led_index(x, y):
    """Return the strip index of column x from the left, row y from the top (0..4 each).

    The strip begins in the top right corner and runs down each column.
    """
    return y + 5 * (4 - x)
