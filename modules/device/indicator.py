"""The status LED: the first one, while the link is not there and the lamp is off.

It covers what is drawn on that LED, at the board's own brightness, and uncovers it afterwards.
"""

from .link import MQTT, REFUSED, TIME, WIFI

_COLOURS = {
    WIFI: (0, 0, 255),
    TIME: (160, 0, 255),
    MQTT: (255, 160, 0),
    REFUSED: (255, 0, 0),
}


class Indicator:
    """Shows states of the link on `leds`, the board's RGB."""

    def __init__(self, leds):
        self._leds = leds
        self._shown = None

    def show(self, state, lamp_is_on=False):
        """Show a state by its name; one without a colour shows what is drawn on the LEDs.

        A lamp that is on stays as it is: the outage is the network's, not the lamp's. Writes to
        the LEDs only if something changes.
        """
        colour = None if lamp_is_on else _COLOURS.get(state)
        if colour != self._shown:
            self._shown = colour
            self._leds.cover(colour)
            self._leds.write()
