"""What a message does to the LEDs, and how their state is told to others.

Understood payloads, upper or lower case: `on`, `off`, `#rrggbb`, `r,g,b`, `40%`, and JSON as
home automation sends it: {"state": "ON", "color": {"r": 0, "g": 0, "b": 0}, "brightness": 255}.
"""

import json
from .json_text import find_error
from micropython import const

# Bytes of a payload; far more than any of them needs. Each step of reading one makes a copy.
LONGEST = const(1024)

UNDERSTOOD = 'on, off, #ff8000, 255,128,0, 40% or {"state": "ON"}'


def _number(value, most):
    # bool is an int in Python, but no number to a person.
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError
    return value


def _decimal(text, most):
    # int() alone also takes signs, underscores and spaces.
    text = text.strip()
    if not text.isdigit():
        raise ValueError
    return _number(int(text), most)


def _hex_colour(text):
    if len(text) != 6 or not all(digit in "0123456789abcdef" for digit in text):
        raise ValueError
    value = int(text, 16)
    return value >> 16, value >> 8 & 255, value & 255


class Lights:
    """The board's LEDs as one lamp: on or off, a colour, a brightness.

    `brightness` is in percent of what the configuration allows, so that a message can never ask
    for more current than the supply has.
    """

    def __init__(self, leds, most):
        """`leds` is the board's RGB; `most` the brightness, 0.0 to 1.0, that 100 % stands for."""
        self.on = False
        self.colour = (255, 255, 255)
        self.brightness = 100
        self._leds = leds
        self._most = most

    def obey(self, payload):
        """Do what a message's payload (bytes) says; return whether it was understood.

        A payload that is not understood changes nothing.
        """
        if len(payload) > LONGEST:
            return False
        try:
            text = payload.decode().strip().lower()
            on, colour, brightness = self._parse(text)
        except (ValueError, KeyError, TypeError):  # UnicodeError is a ValueError
            return False
        self.on = on
        self.colour = colour
        self.brightness = brightness
        self.show()
        return True

    def _parse(self, text):
        if text == "on":
            return True, self.colour, self.brightness
        if text == "off":
            return False, self.colour, self.brightness
        if text[:1] == "{":
            if find_error(text):  # MicroPython's json lets commas, colons and brackets be missing
                raise ValueError
            return self._parse_json(json.loads(text))
        if text[:1] == "#":
            return True, _hex_colour(text[1:]), self.brightness
        if text[-1:] == "%":
            return True, self.colour, _decimal(text[:-1], 100)
        red, green, blue = [_decimal(part, 255) for part in text.split(",")]
        return True, (red, green, blue), self.brightness

    def _parse_json(self, wanted):
        # The text is in lower case by now, keys and "ON" alike.
        state = wanted.get("state", "on")
        if state not in ("on", "off"):
            raise ValueError
        colour = self.colour
        brightness = self.brightness
        if "color" in wanted:
            colour = tuple([_number(wanted["color"][channel], 255) for channel in "rgb"])
        if "brightness" in wanted:
            brightness = (_number(wanted["brightness"], 255) * 100 + 127) // 255
        return state == "on", colour, brightness

    def show(self):
        """Send the lamp's state to the LEDs."""
        self._leds.brightness(self._most * self.brightness / 100)
        self._leds.fill(self.colour if self.on else (0, 0, 0))
        self._leds.write()

    def __str__(self):
        if not self.on:
            return "off"
        return "on #%02x%02x%02x %d%%" % (self.colour + (self.brightness,))

    def setting(self):
        """Return (on, colour, brightness), to see whether a message has changed anything."""
        return self.on, self.colour, self.brightness

    def state(self):
        """Return the lamp's state as JSON (bytes), in the form that `obey` understands."""
        return json.dumps(
            {
                "state": "ON" if self.on else "OFF",
                "color": dict(zip("rgb", self.colour)),
                "brightness": self.brightness * 255 // 100,
            }
        ).encode()
