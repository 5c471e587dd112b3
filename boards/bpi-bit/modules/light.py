"""The two light sensors: GPIO36 left, GPIO39 right."""

from machine import ADC, Pin


class Intensity:
    """One sensor. Revision 1.2 reads higher than 1.4: its load resistor is 510 kOhm, not 11."""

    def __init__(self, pin):
        self._adc = ADC(Pin(pin))
        self._adc.atten(ADC.ATTN_11DB)

    def read(self):
        """Return the brightness, 0 to 1000."""
        return self._adc.read() * 1000 // 4095
