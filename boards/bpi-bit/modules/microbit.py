"""What micro:bit programs use after `from microbit import *`. docs/names.md lists every name.

Importing it listens to the two buttons; LEDs, sensors and pins begin at their first use.
"""

import machine
from machine import ADC, PWM, Pin
from time import sleep_ms as sleep, ticks_ms as running_time

import board as _board
from button import Button as _Button
from display import Display as _Display, Image
from temperature import Temperature as _Temperature

reset = machine.reset

display = _Display()
button_a = _Button(_board.BUTTON_A_PIN)
button_b = _Button(_board.BUTTON_B_PIN)


def temperature():
    """Return degrees Celsius, as temperature.Temperature does for a board of revision 1.4."""
    adc = ADC(Pin(34))
    adc.atten(ADC.ATTN_11DB)
    return _Temperature(adc).temperature()


class MicroBitPin:
    """A pin of the edge connector, with micro:bit's methods; `gpio` is the chip's number.

    What the chip cannot do with it is a ValueError: GPIO35 to 39 are inputs only, and while
    Wi-Fi is on only GPIO32 to 39 (pins 1, 2 and 5) read voltages.
    """

    def __init__(self, gpio):
        self.gpio = gpio
        self._pwm = None

    def _end_pwm(self):
        if self._pwm is not None:
            self._pwm.deinit()
            self._pwm = None

    def read_digital(self):
        """Make it an input and return its level, 0 or 1."""
        self._end_pwm()
        return Pin(self.gpio, Pin.IN).value()

    def write_digital(self, value):
        """Make it an output with this level, 0 or 1."""
        self._end_pwm()
        Pin(self.gpio, Pin.OUT, value=value)

    def read_analog(self):
        """Return its voltage, 0 to 1023 for 0 to about 3.1 V."""
        self._end_pwm()
        adc = ADC(Pin(self.gpio))
        adc.atten(ADC.ATTN_11DB)
        return adc.read() >> 2

    def write_analog(self, value):
        """Put it at 3.3 V for this share of time, 0 to 1023, at 50 Hz at first."""
        if self._pwm is None:
            self._pwm = PWM(Pin(self.gpio), freq=50, duty=value)
        else:
            self._pwm.duty(value)

    def set_analog_period(self, period):
        """Set the period of `write_analog`, 1 to 1000 ms."""
        if self._pwm is None:
            self.write_analog(0)
        self._pwm.freq(1000 // period)


pin0 = MicroBitPin(25)
pin1 = MicroBitPin(32)
pin2 = MicroBitPin(33)
pin3 = MicroBitPin(13)
# The maker's schematic of revision 1.4 and Arduino's pin table have 15. BPI's old code has 16,
# which is P8: two pins of the connector would be one.
pin4 = MicroBitPin(15)
pin5 = MicroBitPin(35)
pin6 = MicroBitPin(12)
pin7 = MicroBitPin(14)
pin8 = MicroBitPin(16)
pin9 = MicroBitPin(17)
pin10 = MicroBitPin(26)
pin11 = MicroBitPin(27)
pin12 = MicroBitPin(2)
pin13 = MicroBitPin(18)
pin14 = MicroBitPin(19)
pin15 = MicroBitPin(23)
pin16 = MicroBitPin(5)
pin19 = MicroBitPin(22)
pin20 = MicroBitPin(21)
