"""The board's LEDs as one lamp, which messages and /handlers.py switch.

Understood payloads, upper or lower case: `on`, `off`, `#rrggbb`, `r,g,b`, `40%`, and JSON as
home automation sends it: {"state": "ON", "color": {"r": 0, "g": 0, "b": 0}, "brightness": 255}.
"""

import board
import json
from .json_text import find_error
from .report import REQUEST, SUBTOPIC
from micropython import const

# Bytes of a payload; far more than any of them needs. Each step of reading one makes a copy.
_MAX_BYTES = const(1024)

_UNDERSTOOD = 'on, off, #ff8000, 255,128,0, 40% or {"state": "ON"}'


def _number(value, most):
    # bool is an int in Python, but no number to a person.
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("%r is not a whole number from 0 to %d" % (value, most))
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


class Lamp:
    """The part that is the lamp: on or off, a colour, a brightness in percent.

    100 % is what the configuration allows, so that nobody can ask for more current than the
    supply has. What commands or the methods `on`, `off`, `colour` and `brightness` change is
    published on the state topic.
    """

    def __init__(self, link, settings, leds):
        """`settings` is what platforms.resolve() returned, `leds` the board's RGB."""
        self._link = link
        status = link.topics["status"]
        self._own_topics = (link.topics["state"], status, status + SUBTOPIC)
        self._obeys = settings["mode"] == "lights"
        self._frame = settings["frame"]
        self._leds = leds
        self._most = (settings["brightness"] or board.LED_BRIGHTNESS) / 100
        self._setting = (False, (255, 255, 255), 100)  # on, colour, brightness

    def __str__(self):
        on, colour, brightness = self._setting
        return "on #%02x%02x%02x %d%%" % (colour + (brightness,)) if on else "off"

    # For /handlers.py -------------------------------------------------------------------

    def is_on(self):
        """Return whether the lamp is on."""
        return self._setting[0]

    def on(self):
        """Switch on, in the last colour and brightness."""
        self._order(True, *self._setting[1:])

    def off(self):
        """Switch off."""
        self._order(False, *self._setting[1:])

    def colour(self, *colour):
        """Switch on in a colour, three numbers of 0 to 255; without any return it.

        Takes colour(255, 128, 0) as well as colour((255, 128, 0)). Raises ValueError.
        """
        if not colour:
            return self._setting[1]
        red, green, blue = colour if len(colour) > 1 else colour[0]
        colour = (_number(red, 255), _number(green, 255), _number(blue, 255))
        self._order(True, colour, self._setting[2])

    def brightness(self, *percent):
        """Switch on at a brightness of 0 to 100 percent; without one return it.

        Raises ValueError.
        """
        if not percent:
            return self._setting[2]
        self._order(True, self._setting[1], _number(percent[0], 100))

    def _order(self, *setting):
        before = self._setting
        self._set(setting)
        self._tell(before)

    # For messages -----------------------------------------------------------------------

    def filters(self):
        return ((self._link.topics["command"], self._follow, 1),) if self._obeys else ()

    def online(self):
        self._publish_state()
        if self._link.topics["last"]:  # where nothing is retained, ask for the last command
            self._link.publish(self._link.topics["last"], b"")

    def _follow(self, topic, message):
        if topic in self._own_topics:
            return  # what we say ourselves comes in, too, if the command topic covers it
        before = self._setting
        if message == REQUEST:
            pass  # answered by the report
        elif self.obey(message):
            self._tell(before)
        else:
            print("lights: %r is not understood; send %s" % (bytes(message[:40]), _UNDERSTOOD))

    def _tell(self, before):
        print("lights: %s" % self)
        # Only changes are published: less to come back if the command topic covers another's
        # state. What changes in an outage is told after it.
        if self._setting != before and self._link.is_online():
            self._publish_state()

    def obey(self, payload):
        """Do what a message's payload (bytes) says; return whether it was understood.

        A payload that is not understood changes nothing.
        """
        if len(payload) > _MAX_BYTES:
            return False
        try:
            setting = self._parse(payload.decode().strip().lower())
        except (ValueError, KeyError, TypeError):  # UnicodeError is a ValueError
            return False
        self._set(setting)
        return True

    def _parse(self, text):
        _, colour, brightness = self._setting
        if text == "on":
            return True, colour, brightness
        if text == "off":
            return False, colour, brightness
        if text[:1] == "{":
            if find_error(text):  # MicroPython's json lets commas, colons and brackets be missing
                raise ValueError
            return self._parse_json(json.loads(text))
        if text[:1] == "#":
            return True, _hex_colour(text[1:]), brightness
        if text[-1:] == "%":
            return True, colour, _decimal(text[:-1], 100)
        red, green, blue = [_decimal(part, 255) for part in text.split(",")]
        return True, (red, green, blue), brightness

    def _parse_json(self, wanted):
        # The text is in lower case by now, keys and "ON" alike.
        state = wanted.get("state", "on")
        if state not in ("on", "off"):
            raise ValueError
        _, colour, brightness = self._setting
        if "color" in wanted:
            colour = tuple([_number(wanted["color"][channel], 255) for channel in "rgb"])
        if "brightness" in wanted:
            brightness = (_number(wanted["brightness"], 255) * 100 + 127) // 255
        return state == "on", colour, brightness

    def _set(self, setting):
        self._setting = on, colour, brightness = setting
        self._leds.brightness(self._most * brightness / 100)
        self._leds.fill(colour if on else (0, 0, 0))
        self._leds.write()

    def state(self):
        """Return the lamp's state as JSON (bytes), in the form that `obey` understands."""
        on, colour, brightness = self._setting
        return json.dumps(
            {
                "state": "ON" if on else "OFF",
                "color": dict(zip("rgb", colour)),
                "brightness": brightness * 255 // 100,
            }
        ).encode()

    def _publish_state(self):
        topic = self._link.topics["state"]
        if topic:
            state = self.state()
            state = self._frame(state) if self._frame else state
            self._link.publish(topic, state, retain=True, qos=1)
