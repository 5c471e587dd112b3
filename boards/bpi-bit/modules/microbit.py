"""What micro:bit programs use after `from microbit import *`. docs/names.md lists every name.

Importing it listens to the two buttons; LEDs, sensors and pins begin at their first use.
"""

import machine
from machine import ADC, PWM, Pin
from time import sleep_ms as sleep, ticks_ms as running_time

from _frozen import button as _button, display as _display, temperature as _temperature

reset = machine.reset

Image = _display.Image
display = _display.Display()
button_a = _button.Button(Pin("BUTTON_A", Pin.IN))  # GPIO35 has no pull resistor of its own
button_b = _button.Button(Pin("BUTTON_B", Pin.IN, Pin.PULL_UP))


def temperature():
    """Return degrees Celsius, as temperature.Temperature does for a board of revision 1.4."""
    adc = ADC(Pin("TEMPERATURE"))
    adc.atten(ADC.ATTN_11DB)
    return _temperature.Temperature(adc).temperature()


class MicroBitPin:
    """A pin of the edge connector, by its name in pins.csv, with micro:bit's methods.

    What the chip cannot do with it is a ValueError: GPIO35 to 39 are inputs only, and while
    Wi-Fi is on only GPIO32 to 39 (pins 1, 2 and 5) read voltages.
    """

    def __init__(self, name):
        self.pin = Pin(name)
        self._pwm = None

    def _end_pwm(self):
        if self._pwm is not None:
            self._pwm.deinit()
            self._pwm = None

    def read_digital(self):
        """Make it an input and return its level, 0 or 1."""
        self._end_pwm()
        self.pin.init(Pin.IN)
        return self.pin.value()

    def write_digital(self, value):
        """Make it an output with this level, 0 or 1."""
        self._end_pwm()
        self.pin.init(Pin.OUT, value=value)

    def read_analog(self):
        """Return its voltage, 0 to 1023 for 0 to about 3.1 V."""
        self._end_pwm()
        adc = ADC(self.pin)
        adc.atten(ADC.ATTN_11DB)
        value = adc.read() >> 2
        # Wi-Fi keeps the second ADC to itself; MicroPython's adc.c (v1.28) then says 0.
        if value == 0 and not self._is_on_first_adc():
            from _frozen import wifi

            if wifi.is_on():
                raise ValueError("while Wi-Fi is on, only pin1, pin2 and pin5 read voltages")
        return value

    def _is_on_first_adc(self):
        return any(self.pin is Pin(number) for number in range(32, 40))  # of the ESP32

    def write_analog(self, value):
        """Put it at 3.3 V for this share of time, 0 to 1023, at 50 Hz at first."""
        if self._pwm is None:
            self._pwm = PWM(self.pin, freq=50, duty=value)
        else:
            self._pwm.duty(value)

    def set_analog_period(self, period):
        """Set the period of `write_analog`, 1 to 1000 ms."""
        if self._pwm is None:
            self.write_analog(0)
        self._pwm.freq(1000 // period)


pin0 = MicroBitPin("P0")
pin1 = MicroBitPin("P1")
pin2 = MicroBitPin("P2")
pin3 = MicroBitPin("P3")
pin4 = MicroBitPin("P4")
pin5 = MicroBitPin("P5")
pin6 = MicroBitPin("P6")
pin7 = MicroBitPin("P7")
pin8 = MicroBitPin("P8")
pin9 = MicroBitPin("P9")
pin10 = MicroBitPin("P10")
pin11 = MicroBitPin("P11")
pin12 = MicroBitPin("P12")
pin13 = MicroBitPin("P13")
pin14 = MicroBitPin("P14")
pin15 = MicroBitPin("P15")
pin16 = MicroBitPin("P16")
pin19 = MicroBitPin("P19")
pin20 = MicroBitPin("P20")
