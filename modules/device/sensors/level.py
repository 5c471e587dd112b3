"""A voltage in percent of the highest that can be measured: light and sound.

A light sensor is a phototransistor above a resistor. It gives no lux: how much current a lux makes
differs from part to part, and the resistor between a board's versions. The mPython board's microphone
has an amplifier and a rectifier behind it (schematic V2.0.3: GPIO36 gets the envelope of the sound,
GPIO38 the sound itself), so what is louder is higher, and it gives no decibels.
"""

from machine import ADC, Pin


class Level:
    """What is at a pin: the highest since the last reading, so that no clap is missed."""

    def __init__(self, pin, name, least):
        self.names = (name,)
        self.least = least
        self._adc = ADC(Pin(pin), atten=ADC.ATTN_11DB)
        self._highest = 0

    def sample(self):
        self._highest = max(self._highest, self._adc.read_u16())

    def read(self):
        self.sample()
        highest = self._highest
        self._highest = 0
        return (round(highest / 655.35, 1),)
