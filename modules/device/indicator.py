"""The status LED: the first one, while the link is not there and the lamp is off.

It covers what is drawn on that LED, at the board's own brightness, and uncovers it afterwards. The
command `identify` makes all LEDs blink, so that a person sees which of many boards it is.
"""

import time
from micropython import const

from .link import MQTT, REFUSED, TIME, WIFI
from .report import is_command

_COLOURS = {
    WIFI: (0, 0, 255),
    TIME: (160, 0, 255),
    MQTT: (255, 160, 0),
    REFUSED: (255, 0, 0),
}


# White and dark in turn, beginning and ending with dark: ten blinks. Milliseconds.
_BLINK_TIME = const(5000)
_BLINK_HALF = const(250)
_BLINK_COLOURS = ((0, 0, 0), (255, 255, 255))


class Indicator:
    """The part that shows states of the link on `leds`, the board's RGB.

    override: a colour to show in their place, or None. An update has it, and a person must see
    that the board is not to be switched off.
    """

    override = None

    def __init__(self, leds, link, settings):
        """`settings` is what platforms.resolve() returned."""
        self._leds = leds
        self._link = link
        self._obeys = settings["mode"] == "lights"  # else the command topic is for echoes
        self._shown = None
        self._blink_begin = None  # ticks_ms, while it blinks

    def filters(self):
        return ((self._link.topics["command"], self.answer, 1),) if self._obeys else ()

    def answer(self, topic, message):
        """Obey the command `identify`."""
        if is_command(message, b"identify"):
            self._blink_begin = time.ticks_ms()

    def show(self, state, lamp_is_on=False):
        """Show a state by its name; one without a colour shows what is drawn on the LEDs.

        A lamp that is on stays as it is: the outage is the network's, not the lamp's; but for
        blinking. Writes to the LEDs only if something changes.
        """
        colour = self.override or (None if lamp_is_on else _COLOURS.get(state))
        count = 1
        if self._blink_begin is not None:
            passed = time.ticks_diff(time.ticks_ms(), self._blink_begin)
            if 0 <= passed < _BLINK_TIME:
                colour = _BLINK_COLOURS[passed // _BLINK_HALF % 2]
                count = len(self._leds)
            else:
                self._blink_begin = None
        if colour != self._shown:
            self._shown = colour
            self._leds.cover(colour, count)
            self._leds.write()
