"""The BPI:bit's thermistor, as its own module `temperature` reads it."""

from machine import ADC, Pin
from temperature import Temperature


class Warmth:
    """Degrees Celsius: the air's, and some of the board's own heat."""

    names = ("temperature",)
    least = 0.5

    def __init__(self, pin):
        self._thermistor = Temperature(ADC(Pin(pin), atten=ADC.ATTN_11DB))

    def is_there(self):
        """Return whether there is a thermistor."""
        return self.read()[0] is not None

    def read(self):
        try:
            return (self._thermistor.temperature(),)
        except OSError:
            return (None,)
