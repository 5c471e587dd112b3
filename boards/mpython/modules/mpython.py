"""What labplus's programs use after `from mpython import *`. docs/names.md lists every name.

Importing it blanks the LEDs and listens to the two buttons. Everything else, display and touch
pads among it, begins at its first use, so hardware that is missing troubles nobody else.
"""

import array
import framebuf
import machine
import math
import network
import struct
import time
import ubinascii
from machine import ADC, I2C, PWM, Pin, TouchPad
from micropython import const, schedule
from time import sleep, sleep_ms, sleep_us

from _frozen import (
    button as _button,
    neopixel as _neopixel,
    rgb as _rgb,
    ssd1106 as _ssd1106,
    timers as _timers,
)

Button = _button.Button
NeoPixel = _neopixel.NeoPixel
SSD1106_I2C = _ssd1106.SSD1106_I2C

ustruct = struct  # the name in older programs

# On the board --------------------------------------------------------------------

i2c = I2C(0, scl=Pin("I2C_SCL"), sda=Pin("I2C_SDA"), freq=400000)

rgb = _rgb.leds()

light = ADC(Pin("LIGHT"))
light.atten(ADC.ATTN_11DB)
sound = ADC(Pin("SOUND"))
sound.atten(ADC.ATTN_11DB)

button_a = Button(Pin("BUTTON_A", Pin.IN, Pin.PULL_UP))
button_b = Button(Pin("BUTTON_B", Pin.IN, Pin.PULL_UP))


# Touch pads ----------------------------------------------------------------------

# A pad reads several hundred, and below this when a finger is on it; `config` changes it.
_TOUCHED = const(400)

# MicroPython's TouchPad has no interrupt, so pads are looked at in this rhythm. Milliseconds.
_TOUCH_PERIOD = const(50)

_watched_pads = []


def _watch_pads():
    for pad in _watched_pads:
        pad._look()


class Touch(_button.Presses):
    """A touch pad. `read` and `is_pressed` look at it when they are called.

    `event_pressed` and `event_released` may be set to functions, which are called with 1 and 0.
    From then on, or from the first `was_pressed` or `get_presses`, a job of `timers` looks at the
    pad every 50 ms; OSError if no timer is free for that.
    """

    def __init__(self, pin):
        super().__init__(False)
        self._pin = pin
        self._pad = None  # made at its first use: that starts the chip's touch sensor
        self._threshold = _TOUCHED
        self._events = [None, None]  # released, pressed

    def read(self):
        """Return the pad's reading: the less, the more it is touched."""
        if self._pad is None:
            self._pad = TouchPad(self._pin)
        return self._pad.read()

    def config(self, threshold):
        """Set the reading below which the pad counts as touched."""
        self._threshold = threshold

    def is_pressed(self):
        """Return whether the pad is touched now."""
        return self.read() < self._threshold

    def was_pressed(self):
        """Return whether the pad was touched since this was asked last."""
        self._watch()
        return super().was_pressed()

    def get_presses(self):
        """Return how often the pad was touched since this was asked last, 100 at most."""
        self._watch()
        return super().get_presses()

    @property
    def event_pressed(self):
        return self._events[1]

    @event_pressed.setter
    def event_pressed(self, event):
        self._events[1] = event
        self._watch()

    @property
    def event_released(self):
        return self._events[0]

    @event_released.setter
    def event_released(self, event):
        self._events[0] = event
        self._watch()

    def _watch(self):
        if self in _watched_pads:
            return
        if not _watched_pads:
            _timers.every(_TOUCH_PERIOD, _watch_pads)
        self._look()
        _watched_pads.append(self)

    def _look(self):
        if self._note(self.is_pressed()):
            event = self._events[self._is_down]
            if event is not None:
                event(int(self._is_down))


touchPad_P = touchpad_p = Touch(Pin("TOUCH_P"))
touchPad_Y = touchpad_y = Touch(Pin("TOUCH_Y"))
touchPad_T = touchpad_t = Touch(Pin("TOUCH_T"))
touchPad_H = touchpad_h = Touch(Pin("TOUCH_H"))
touchPad_O = touchpad_o = Touch(Pin("TOUCH_O"))
touchPad_N = touchpad_n = Touch(Pin("TOUCH_N"))


# The edge connector --------------------------------------------------------------

# P0 to P28 as GPIO numbers, as in pins.csv; -1 carries no signal of the chip.
# fmt: off
pins_remap_esp32 = (
    33, 32, 35, 34, 39, 0, 16, 17, 26, 25, 36, 2, -1, 18, 19,
    21, 5, -1, -1, 22, 23, -1, -1, 27, 14, 12, 13, 15, 4,
)
# fmt: on


class PinMode:
    IN = 1
    OUT = 2
    PWM = 3
    ANALOG = 4
    OUT_DRAIN = 5


_MODES = ("", "IN", "OUT", "PWM", "ANALOG", "OUT_DRAIN")

# GPIO34 to 39 are inputs only. The chip's second ADC is taken while Wi-Fi is on, so only the
# first one's pins, GPIO32 to 39, are offered as analogue inputs.
_INPUTS_ONLY = const(34)
_ADC1 = const(32)


class MPythonPin:
    """Pin P0 to P28 of the edge connector, in one mode of PinMode; `pull` as in machine.Pin.

    Raises IndexError for a pin that is not there, TypeError for a mode that it cannot have, and
    in its methods TypeError in the wrong mode.
    """

    def __init__(self, pin, mode=PinMode.IN, pull=None):
        if mode not in (1, 2, 3, 4, 5):
            raise TypeError("mode must be PinMode.IN, OUT, PWM, ANALOG or OUT_DRAIN")
        if not 0 <= pin < len(pins_remap_esp32):
            raise IndexError("there is no P%d, only P0 to P28" % pin)
        self.id = pins_remap_esp32[pin]
        self.mode = mode
        drives = mode not in (PinMode.IN, PinMode.ANALOG)
        if (
            self.id < 0
            or (drives and self.id >= _INPUTS_ONLY)
            or (mode == PinMode.ANALOG and self.id < _ADC1)
        ):
            raise TypeError("%s not supported on P%d" % (_MODES[mode], pin))
        if mode == PinMode.PWM:
            self.pwm = PWM(Pin(self.id), freq=1000, duty=0)
        elif mode == PinMode.ANALOG:
            self.adc = ADC(Pin(self.id))
            self.adc.atten(ADC.ATTN_11DB)
        else:
            direction = (Pin.IN, Pin.OUT, None, None, Pin.OPEN_DRAIN)[mode - 1]
            self.Pin = Pin(self.id, direction)
            if pull is not None:
                self.Pin.init(pull=pull)

    def _check(self, *modes):
        if self.mode not in modes:
            raise TypeError("the pin is not in %s mode" % " or ".join(_MODES[m] for m in modes))

    def irq(self, handler=None, trigger=Pin.IRQ_RISING):
        """Call `handler` with the Pin at each edge of `trigger`."""
        self._check(PinMode.IN)
        return self.Pin.irq(handler, trigger)

    def read_digital(self):
        """Return the pin's level, 0 or 1."""
        self._check(PinMode.IN)
        return self.Pin.value()

    def write_digital(self, value):
        """Set the pin's level, 0 or 1."""
        self._check(PinMode.OUT, PinMode.OUT_DRAIN)
        self.Pin.value(value)

    def read_analog(self):
        """Return the voltage, 0 to 4095 for 0 to about 3.1 V."""
        self._check(PinMode.ANALOG)
        return self.adc.read()

    def write_analog(self, duty, freq=1000):
        """Set the share of time at 3.3 V, 0 to 1023, and the frequency in Hz."""
        self._check(PinMode.PWM)
        self.pwm.freq(freq)
        self.pwm.duty(duty)


# The display ---------------------------------------------------------------------


class TextMode:
    normal = 1  # light on dark
    rev = 2  # dark on light
    trans = 3  # light on what is there
    xor = 4  # turns over what is there


_LINE = const(16)  # labplus's programs place their lines so


class OLED(SSD1106_I2C):
    """The board's display, 128x64. If none answers, its first use raises OSError."""

    def __init__(self):
        super().__init__(128, 64, i2c)
        self._font = None  # found at the first text

    def DispChar(self, s, x, y, mode=TextMode.normal, auto_return=False):
        """Draw the text `s` with its top left corner at (x, y).

        Letters are 8 dots wide, Chinese characters 16, both 16 high; 8 x 8 in MicroPython's font, on
        a board without a Chinese one. What the font does not have becomes an empty box. With
        `auto_return` text goes on in the next line of 16 dots, and from the last line in the first.
        Returns (width, (x, y)): the dots used and where the text ended.
        """
        if self._font is None:
            from _frozen import display_font

            self._font = display_font.find()
        font = self._font
        start = x
        used = 0
        for character in s:
            width = font.load(character)
            if auto_return and x > self.width - width:
                used += self.width - start
                x = start = 0
                y = y + _LINE if y <= self.height - 2 * _LINE else 0
            self._draw(font.glyph, x, y, width, font.height, mode)
            x += width
        return used + x - start, (x, y)

    def DispChar_font(self, font, s, x, y, invert=False):
        """Draw the text `s` in a font of one's own, with its top left corner at (x, y).

        `font` is a module that font_to_py.py has made with its option -x. Characters are a dot
        apart; text goes on in the next line, and from the last line in the first. Returns (width,
        (x, y)): the dots used and where the text ended. Raises ValueError for a font without -x.
        """
        if not font.hmap():
            raise ValueError("the font must be horizontally mapped: make it with -x")
        order = framebuf.MONO_HMSB if font.reverse() else framebuf.MONO_HLSB
        used = 0
        for character in s:
            dots, height, width = font.get_ch(character)
            if x + width >= self.width:
                used += self.width - x
                x = 0
                y += height
            if y + height > self.height + 2:
                y = 0
            glyph = framebuf.FrameBuffer(bytearray(dots), width, height, order)
            self._draw(glyph, x, y, width, height, TextMode.rev if invert else TextMode.normal)
            x += width + 1
            used += width + 1
        return used - 1, (x - 1, y)

    def _draw(self, glyph, left, top, width, height, mode):
        if mode == TextMode.xor:
            # Where the character has a dot, light becomes dark and dark light.
            for y in range(height):
                for x in range(width):
                    if glyph.pixel(x, y):
                        self.pixel(left + x, top + y, not self.pixel(left + x, top + y))
        elif mode == TextMode.trans:
            self.blit(glyph, left, top, 0)
        elif mode == TextMode.rev:
            swapped = framebuf.FrameBuffer(bytearray(b"\1\0"), 2, 1, framebuf.MONO_VLSB)
            self.blit(glyph, left, top, -1, swapped)
        else:
            self.blit(glyph, left, top)


oled = display = OLED()


# Wi-Fi ---------------------------------------------------------------------------

# One dot is printed in this rhythm. Milliseconds.
_DOT = const(500)

# The radio takes 2.4 s to search all channels; a network must be missing twice.
_MISSING_DOTS = const(10)


def _is_connected_after_dot(keeper):
    # Wait for a dot's time, or until there is an address.
    for _ in range(_DOT // 50):
        if keeper.step():
            return True
        sleep_ms(50)
    return False


class wifi:
    """Joins a network, or opens one. `sta` and `ap` are the two network.WLAN interfaces."""

    def __init__(self):
        self.sta = network.WLAN(network.STA_IF)
        self.ap = network.WLAN(network.AP_IF)

    def connectWiFi(self, ssid, passwd, timeout=10):
        """Join the network and wait for an address, `timeout` seconds at most.

        An empty password means an open network; hidden networks can be joined. Leaves the
        previous network. Raises OSError if the network is not found, or there is no address in
        time; the radio goes on trying then.
        """
        from _frozen import wifi as _wifi

        sta = self.sta
        # Patient, so that it never begins again: the dots end first.
        wanted = _wifi.Network(ssid, passwd, timeout=timeout + 1)
        keeper = _wifi.WiFi([wanted], log=lambda line: None)
        print("Connection WiFi", end="")
        keeper.start()
        print(".", end="")  # for the search of access points, which took 2.4 s
        start = time.ticks_ms()
        missing = 0
        while not _is_connected_after_dot(keeper):
            missing = missing + 1 if sta.status() == network.STAT_NO_AP_FOUND else 0
            late = _timers.elapsed(start, timeout * 1000)
            if missing > _MISSING_DOTS or (missing and late):
                print()
                raise OSError("SSID invalid / failed to scan this wifi")
            if late:
                print()
                print(keeper.reason().split(";")[0])
                raise OSError("Timeout!,check your wifi password and keep your network unblocked")
            print(".", end="")
        print()
        print(
            "WiFi(%s,%sdBm) Connection Successful, Config:%s"
            % (ssid, sta.status("rssi"), sta.ifconfig())
        )

    def disconnectWiFi(self):
        """Leave the network and switch the interface off."""
        if self.sta.isconnected():
            self.sta.disconnect()
        self.sta.active(False)
        print("disconnect WiFi...")

    def enable_APWiFi(self, essid, password=b"", channel=10):
        """Open a network: without a password for everybody, else WPA2; 8 characters at least."""
        self.ap.active(True)
        if password:
            security = network.AUTH_WPA_WPA2_PSK
            self.ap.config(ssid=essid, channel=channel, security=security, key=password)
        else:
            self.ap.config(ssid=essid, channel=channel, security=network.AUTH_OPEN)

    def disable_APWiFi(self):
        """Close the network."""
        self.ap.active(False)
        print("disable AP WiFi...")


def try_connect_wifi(_wifi, _ssid, _pass, _times):
    """Try `_wifi.connectWiFi` up to `_times` times, 5 s apart; return whether one succeeded."""
    for attempt in range(_times):
        if attempt:
            sleep(5)
        print("Try Connect WiFi ... %d Times" % (attempt + 1))
        try:
            _wifi.connectWiFi(_ssid, _pass)
            return True
        except OSError as error:
            print(error)
    return False


# Helpers -------------------------------------------------------------------------


def numberMap(inputNum, bMin, bMax, cMin, cMax):
    """Return the number that lies between cMin and cMax as inputNum between bMin and bMax."""
    return (cMax - cMin) / (bMax - bMin) * (inputNum - bMin) + cMin


def uuid():
    """Return the chip's unique id as 12 hexadecimal digits."""
    return ubinascii.hexlify(machine.unique_id()).decode().upper()
