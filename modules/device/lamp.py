"""The board's LEDs as one lamp, which messages and /handlers.py switch.

Understood payloads, upper or lower case: `on`, `off`, `toggle`, a colour as `#rrggbb`, `#rgb`,
`r,g,b` or by its name, an effect's name, `40%`, and JSON as home automation sends it:
{"state": "ON", "color": {"r": 0, "g": 0, "b": 0}, "brightness": 255}. No lamp is on and dark: a
brightness of 0 and black mean off. docs/topics.md says all of it for people.

What moves, an effect, a flash or a transition, is an object of effects.py, loaded when first used.
"""

import board
import json
from . import bad_boots
from .json_text import find_error
from .report import SUBTOPIC, is_command
from micropython import const

# Bytes of a payload; far more than any of them needs. Each step of reading one makes a copy.
_MAX_BYTES = const(1024)

_UNDERSTOOD = 'on, off, toggle, red, #ff8000, 255,128,0, 40% or {"state": "ON"}'

_NAMES = {
    "red": (255, 0, 0),
    "orange": (255, 128, 0),
    "yellow": (255, 255, 0),
    "green": (0, 255, 0),
    "cyan": (0, 255, 255),
    "blue": (0, 0, 255),
    "purple": (160, 0, 255),
    "pink": (255, 64, 128),
    "white": (255, 255, 255),
}

EFFECTS = ("rainbow", "breathe", "police", "pulse")

# Seconds that a transition or a flash may take.
_MAX_SECONDS = const(3600)


def _number(value, most):
    # bool is an int in Python, but no number to a person.
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("%r is not a whole number from 0 to %d" % (value, most))
    return value


def _seconds(value):
    # As home automation sends them: 2 or 2.5.
    if type(value) not in (int, float) or not 0 <= value <= _MAX_SECONDS:
        raise ValueError("%r is not a number of seconds" % value)
    return value


def _effect(name):
    # None for "off" and null, which end an effect.
    if name not in EFFECTS and name not in (None, "off"):
        raise ValueError("there is no effect %r" % name)
    return name if name in EFFECTS else None


def _decimal(text, most):
    # int() alone also takes signs, underscores and spaces.
    text = text.strip()
    if not text.isdigit():
        raise ValueError
    return _number(int(text), most)


def _colour(text):
    # "#ff8000", "#f80" or a name.
    if text in _NAMES:
        return _NAMES[text]
    digits = text[1:]
    if len(digits) == 3:
        digits = "".join([digit + digit for digit in digits])
    if text[:1] != "#" or len(digits) != 6 or not all(d in "0123456789abcdef" for d in digits):
        raise ValueError
    value = int(digits, 16)
    return value >> 16, value >> 8 & 255, value & 255


def _from_percent(percent):
    # 1 to 100 % as 1 to 255: each comes back as the same percent.
    return (percent * 255 + 50) // 100


def _to_percent(brightness):
    return max(1, (brightness * 100 + 127) // 255)


class Lamp:
    """The part that is the lamp: on or off, a colour, a brightness of 1 to 255, perhaps an effect.

    255, or 100 %, is what the configuration allows, so that nobody can ask for more current than
    the supply has. What commands or the methods `on`, `off`, `colour` and `brightness` change is
    published on the state topic.
    """

    def __init__(self, link, settings, leds):
        """`settings` is what platforms.resolve() returned, `leds` the board's RGB."""
        self._link = link
        topics = link.topics
        status = topics["status"]
        self._own_topics = [
            topics["state"],
            status,
            status + SUBTOPIC,
            status + bad_boots.SUBTOPIC,
        ]
        for key in ("info", "touch", "sensors", "motion"):
            if key in topics:
                self._own_topics.append(topics[key])
        if "button" in topics:
            self._own_topics.extend([topics["button"] + b"/a", topics["button"] + b"/b"])
        self._obeys = settings["mode"] == "lights"
        self._frame = settings["frame"]
        self._leds = leds
        self._most = (settings["brightness"] or board.LED_BRIGHTNESS) / 100
        self._setting = (False, (255, 255, 255), 255, None)  # on, colour, brightness, effect
        self._motion = None  # of effects.py, while one is under way
        self._is_held = False

    def __str__(self):
        on, colour, brightness, effect = self._setting
        if not on:
            return "off"
        text = "on #%02x%02x%02x %d%%" % (colour + (_to_percent(brightness),))
        return "%s %s" % (text, effect) if effect else text

    # For restore.py ---------------------------------------------------------------------

    def hold(self):
        """Tell no state before an order or `release`: an earlier one has to be read first."""
        self._is_held = True

    def is_held(self):
        """Return whether there has been neither since `hold`."""
        return self._is_held

    def release(self):
        """End `hold`, and tell the state, now or at the next CONNACK."""
        self._is_held = False
        self.tell()

    # For /handlers.py -------------------------------------------------------------------

    def is_on(self):
        """Return whether the lamp is on."""
        return self._setting[0]

    def on(self):
        """Switch on, in the last colour and brightness."""
        self._order(True, *self._setting[1:])

    def off(self):
        """Switch off."""
        self._order(False, *self._setting[1:3])

    def colour(self, *colour):
        """Switch on in a colour, three numbers of 0 to 255; without any return it.

        Takes colour(255, 128, 0) as well as colour((255, 128, 0)); black switches off. Raises
        ValueError.
        """
        if not colour:
            return self._setting[1]
        red, green, blue = colour if len(colour) > 1 else colour[0]
        colour = (_number(red, 255), _number(green, 255), _number(blue, 255))
        self._order(True, colour, self._setting[2])

    def brightness(self, *percent):
        """Switch on at a brightness of 1 to 100 percent, or off at 0; without one return it.

        Raises ValueError.
        """
        if not percent:
            return _to_percent(self._setting[2])
        percent = _number(percent[0], 100)
        self._order(True, self._setting[1], _from_percent(percent), self._setting[3])

    def _order(self, on, colour, brightness, effect=None):
        before = self._setting
        self._set((on, colour, brightness, effect))
        if self._note(before):
            self.tell()

    # For messages -----------------------------------------------------------------------

    def filters(self):
        return ((self._link.topics["command"], self._follow, 1),) if self._obeys else ()

    def online(self):
        if not self._is_held:
            self._publish_state()
        if self._link.topics["last"]:  # where nothing is retained, ask for the last command
            self._link.publish(self._link.topics["last"], b"")

    def _follow(self, topic, message):
        if topic in self._own_topics or self._is_update(topic):
            return  # what we say ourselves comes in, too, if the command topic covers it
        if self.follow(message):
            self.tell()

    def follow(self, message):
        """Do what a command says, print it, and return whether there is a new state to tell."""
        before = self._setting
        if is_command(message, b"stats", b"restart", b"identify"):
            return False  # for the report, and for the indicator
        if self.obey(message):
            return self._note(before)
        print("lights: %r is not understood; send %s" % (bytes(message[:40]), _UNDERSTOOD))
        return False

    def _is_update(self, topic):
        update = self._link.topics["update"]
        return topic.endswith(b"/update/offer") or update and topic.startswith(update + b"/")

    def _note(self, before):
        # Return whether an order has changed something. Only that is published: less to come back
        # if the command topic covers another's state.
        print("lights: %s" % self)
        is_new = self._is_held or self._setting != before
        self._is_held = False
        return is_new

    def tell(self):
        """Publish the state; what changes in an outage is told after it."""
        if self._link.is_online():
            self._publish_state()

    def obey(self, payload):
        """Do what a message's payload (bytes) says; return whether it was understood.

        A payload that is not understood changes nothing.
        """
        if len(payload) > _MAX_BYTES:
            return False
        try:
            text = payload.decode().strip().lower()
            if text[:1] == "{":
                self._obey_json(text)
            else:
                self._set(self._parse(text))
        except (ValueError, KeyError, TypeError):  # UnicodeError is a ValueError
            return False
        return True

    def _parse(self, text):
        # Return the setting that a text asks for.
        on, colour, brightness, effect = self._setting
        if text in ("on", "off", "toggle"):
            on = text == "on" or (text == "toggle" and not on)
            return on, colour, brightness, effect
        if text in EFFECTS:
            return True, colour, brightness, text
        if text[-1:] == "%":
            return True, colour, _from_percent(_decimal(text[:-1], 100)), effect
        if "," not in text:
            return True, _colour(text), brightness, None
        red, green, blue = [_decimal(part, 255) for part in text.split(",")]
        return True, (red, green, blue), brightness, None

    def _obey_json(self, text):
        if find_error(text):  # MicroPython's json lets commas, colons and brackets be missing
            raise ValueError
        wanted = json.loads(text)
        setting = self._parse_json(wanted)
        flash = _seconds(wanted.get("flash", 0))
        transition = _seconds(wanted.get("transition", 0))
        if flash:
            self._flash(setting, flash)
        else:
            self._set(setting, transition)

    def _parse_json(self, wanted):
        # The text is in lower case by now, keys and "ON" alike.
        state = wanted.get("state", "on")
        if state not in ("on", "off"):
            raise ValueError
        _, colour, brightness, effect = self._setting
        if "color" in wanted:
            effect = None
            colour = wanted["color"]
            if isinstance(colour, str):
                colour = _colour(colour)
            else:
                colour = tuple([_number(colour[channel], 255) for channel in "rgb"])
        if "brightness" in wanted:
            brightness = _number(wanted["brightness"], 255)
        if "effect" in wanted:
            effect = _effect(wanted["effect"])
        return state == "on", colour, brightness, effect

    def _set(self, setting, transition=0):
        # Show a setting from now on, after a transition of so many seconds.
        on, colour, brightness, effect = setting
        _, last_colour, last_brightness, _ = self._setting
        # What would be dark is off; switched on again, the lamp is as it was before.
        on = bool(on and brightness and any(colour))
        colour = colour if any(colour) else last_colour
        brightness = brightness or last_brightness
        self._setting = on, colour, brightness, effect if on else None
        if transition:
            from . import effects

            goal = [part * brightness // 255 if on else 0 for part in colour]
            self._motion = effects.Transition(self._leds, self._most, goal, transition)
        else:
            self._show()

    def _show(self):
        on, colour, brightness, effect = self._setting
        self._motion = None
        self._leds.brightness(self._most * brightness / 255)
        self._leds.fill(colour if on else (0, 0, 0))
        self._leds.write()
        if effect:
            from . import effects

            self._motion = effects.Effect(self._leds, effect, colour)

    def _flash(self, setting, seconds):
        # Blink in a colour; the setting stays, and is shown again afterwards.
        from . import effects

        _, colour, brightness, _ = setting
        self._leds.brightness(self._most * brightness / 255)
        self._motion = effects.Flash(self._leds, colour, seconds)

    def play(self, motion):
        """Have an object draw in place of the lamp, at the most light that is allowed, until its
        step(now) returns False or a command comes; None ends one that is under way.
        """
        self._show()
        if motion is not None:
            self._leds.brightness(self._most)
            self._motion = motion

    def step(self, now):
        if self._motion is not None and not self._motion.step(now):
            self._show()

    def state(self):
        """Return the lamp's state as JSON (bytes), in the form that `obey` understands."""
        on, colour, brightness, effect = self._setting
        return json.dumps(
            {
                "state": "ON" if on else "OFF",
                "color_mode": "rgb",  # without it Home Assistant takes no colour from a state
                "color": dict(zip("rgb", colour)),
                "brightness": brightness,
                "effect": effect,
            }
        ).encode()

    def _publish_state(self):
        topic = self._link.topics["state"]
        if topic:
            state = self.state()
            state = self._frame(state) if self._frame else state
            self._link.publish(topic, state, retain=True, qos=1)
