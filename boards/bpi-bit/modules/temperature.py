"""The temperature that the thermistor at GPIO34 feels: the air's, and some of the board's heat."""

import math
from micropython import const

# MF0805, 10 kOhm at 25 degrees Celsius, B = 3950 K, from 3.3 V to the pin; from there a resistor
# to ground, 5.1 kOhm on revision 1.4 and 4.7 kOhm on revision 1.2 (schematics).
_SUPPLY = const(3300000)  # microvolts
# What an ESP32 with 11 dB reads without a thermistor, or with one that is shorted: not 0 and 3.3 V,
# for its ADC begins at about 142 mV and ends at about 3.1 V. In between lie -21 and 127 degrees.
_LOWEST = const(150000)
_HIGHEST = const(3050000)
_AT_25 = const(10000)  # ohm
_B = const(3950)  # kelvin
_ZERO = 273.15  # kelvin


class Temperature:
    """`adc` reads the thermistor; `resistor` in ohm is 4700 on a board of revision 1.2."""

    def __init__(self, adc, resistor=5100):
        self._adc = adc
        self._resistor = resistor

    def temperature(self):
        """Return degrees Celsius with one decimal, within about 2; OSError if nothing is there."""
        voltage = self._adc.read_uv()
        if not _LOWEST < voltage < _HIGHEST:
            raise OSError("the thermistor reads %d mV, which cannot be" % (voltage // 1000))
        thermistor = self._resistor * (_SUPPLY / voltage - 1)
        kelvin = 1 / (1 / (25 + _ZERO) + math.log(thermistor / _AT_25) / _B)
        return round(kelvin - _ZERO, 1)
