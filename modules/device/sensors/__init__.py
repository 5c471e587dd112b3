"""What the board feels with, as parts of the program: touch pads, movement, and what is measured.

Each is a module of this folder, loaded if its topic is wanted, and left out if its hardware does not
answer. All are asked in the program's loop and none by an interrupt, so nothing is published by one.
"""

from machine import Pin


def _find_pads():
    return "".join([letter for letter in "PYTHON" if hasattr(Pin.board, "TOUCH_" + letter)])


def make(link, settings):
    """Return the parts. `settings` is what platforms.resolve() returned.

    Blocks for two milliseconds while the accelerometer is asked, or 0.8 s if something holds its bus.
    """
    topics = link.topics
    parts = []
    if topics.get("touch"):
        pads = _find_pads()
        if pads:
            from .touch import Touch

            parts.append(Touch(link, pads))
        elif settings["telemetry"]["touch"]:
            print("touch: this board has no touch pads")
    accelerometer = None
    if topics.get("motion") or topics.get("sensors"):
        from . import accelerometer as module

        accelerometer = module.find()
    if topics.get("motion"):
        if accelerometer is not None:
            from .motion import Motion

            parts.append(Motion(link, accelerometer))
        elif settings["telemetry"]["motion"]:
            print("motion: no accelerometer answers")
    if topics.get("sensors"):
        sensors = _find_sensors()
        if accelerometer is not None:
            sensors.append(accelerometer)
        if sensors:
            from .readings import Readings

            parts.append(Readings(link, settings, sensors))
    return parts


# Pins, what they tell, and the smallest change of that which is told at once. Percent.
_LEVELS = (
    ("LIGHT", "light_level", 5),
    ("LIGHT_L", "light_left", 5),
    ("LIGHT_R", "light_right", 5),
    ("SOUND", "sound", 10),
)


def _find_sensors():
    found = []
    for pin, name, least in _LEVELS:
        if hasattr(Pin.board, pin):
            from .level import Level

            found.append(Level(pin, name, least))
    if hasattr(Pin.board, "TEMPERATURE"):
        from .warmth import Warmth

        sensor = Warmth("TEMPERATURE")
        if sensor.is_there():
            found.append(sensor)
    return found
