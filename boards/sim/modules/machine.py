"""The simulated board's `machine`: the part of ESP32's that the firmware and its users need.

Signatures, limits and error texts follow ports/esp32 of MicroPython v1.28. Hardware state lives
in the C module `_sim`; this file only gives it ESP32's names.
"""

import _sim
import os
import time
from micropython import const
from named_pins import GPIO

PWRON_RESET = const(1)
HARD_RESET = const(2)
WDT_RESET = const(3)
DEEPSLEEP_RESET = const(4)
SOFT_RESET = const(5)

_CAUSES = {
    "power": PWRON_RESET,
    "hard": HARD_RESET,
    "watchdog": WDT_RESET,
    "deepsleep": DEEPSLEEP_RESET,
    "soft": SOFT_RESET,
}

_INPUT_ONLY_FROM = const(34)
_ADC1_FROM = const(32)
_MISSING_PINS = (20, 24, 28, 29, 30, 31)


def _pin_id(pin):
    if isinstance(pin, Pin):
        return pin._id
    if isinstance(pin, str):
        pin = GPIO.get(pin)
    if isinstance(pin, int) and 0 <= pin < 40 and pin not in _MISSING_PINS:
        return pin
    raise ValueError("invalid pin")


class Pin:
    IN = const(1)
    OUT = const(3)
    OPEN_DRAIN = const(7)
    PULL_DOWN = const(1)
    PULL_UP = const(2)
    IRQ_RISING = const(1)
    IRQ_FALLING = const(2)
    WAKE_LOW = const(4)
    WAKE_HIGH = const(5)
    DRIVE_0 = const(0)
    DRIVE_1 = const(1)
    DRIVE_2 = const(2)
    DRIVE_3 = const(3)

    _all = {}

    def __new__(cls, id, *args, **kwargs):
        id = _pin_id(id)
        if id not in cls._all:
            cls._all[id] = super().__new__(cls)
        return cls._all[id]

    def __init__(self, id, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        self._id = _pin_id(id)
        if mode is not None or pull != -1 or value is not None:
            self.init(mode, pull, value=value)

    def init(self, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        if value is not None:
            _sim.pin_write(self._id, value)
        if mode is not None:
            if self._id >= _INPUT_ONLY_FROM and mode != Pin.IN:
                raise ValueError("pin can only be input")
            _sim.pin_mode(self._id, mode)

    def value(self, *value):
        if value:
            _sim.pin_write(self._id, value[0])
            return None
        return _sim.pin_read(self._id)

    __call__ = value

    def on(self):
        _sim.pin_write(self._id, 1)

    def off(self):
        _sim.pin_write(self._id, 0)

    def toggle(self):
        _sim.pin_write(self._id, not _sim.pin_read(self._id))

    def irq(self, handler=None, trigger=IRQ_RISING | IRQ_FALLING, wake=None):
        _sim.pin_irq(self._id, 0 if handler is None else trigger, handler, self)

    def __repr__(self):
        return "Pin(%d)" % self._id


class _Names:
    def __getattr__(self, name):
        if name not in GPIO:
            raise AttributeError("type object 'board' has no attribute '%s'" % name)
        return Pin(name)


Pin.board = _Names()


class Timer:
    """One of the chip's four timers. Callbacks are soft: they run between two bytecodes of the
    main program or while it waits, and a full queue of eight drops them."""

    ONE_SHOT = const(0)
    PERIODIC = const(1)

    _all = {}

    def __new__(cls, id, *args, **kwargs):
        if not isinstance(id, int):
            raise TypeError("can't convert %s to int" % type(id).__name__)
        if not 0 <= id < 4:
            raise ValueError("invalid Timer number")
        if id not in cls._all:
            cls._all[id] = super().__new__(cls)
        return cls._all[id]

    def __init__(self, id, **kwargs):
        self._id = id
        if kwargs:
            self.init(**kwargs)

    def init(
        self,
        *,
        mode=PERIODIC,
        callback=None,
        period=0xFFFFFFFF,
        tick_hz=1000,
        freq=None,
        hard=False,
    ):
        if hard:
            raise ValueError("hard Timers are not implemented")
        self.deinit()
        period_us = int(1000000 / freq) if freq is not None else period * 1000000 // tick_hz
        _sim.timer_start(self._id, period_us, mode, callback, self)

    def deinit(self):
        _sim.timer_stop(self._id)

    def value(self):
        return _sim.timer_value(self._id) // 1000


class ADC:
    """An analogue input. As in the port, attenuation is the pin's, and width the whole converter's."""

    ATTN_0DB = const(0)
    ATTN_2_5DB = const(1)
    ATTN_6DB = const(2)
    ATTN_11DB = const(3)
    WIDTH_9BIT = const(9)
    WIDTH_10BIT = const(10)
    WIDTH_11BIT = const(11)
    WIDTH_12BIT = const(12)

    # (reading, millivolts) by attenuation, between which it is straight: ESP-IDF's calibration
    # for 1100 mV (esp_adc/esp32/adc_cali_line_fitting.c), within 15 mV of its table above 2880.
    # What is below the first reads as 0, and what is above the last as 4095.
    _curves = (
        ((0, 75), (4096, 1039)),
        ((0, 78), (4096, 1358)),
        ((0, 107), (4096, 1877)),
        ((0, 142), (2880, 2462), (3520, 2868), (4096, 3135)),
    )

    _attenuations = {}  # by pin
    _bits = [12, 12]  # of the first and the second converter

    def __init__(self, pin, *, atten=None):
        self._id = _pin_id(pin)
        if self._id not in (0, 2, 4, 12, 13, 14, 15, 25, 26, 27) and not 32 <= self._id <= 39:
            raise ValueError("invalid pin")
        self._converter = 0 if self._id >= _ADC1_FROM else 1
        self.init(atten=atten)

    def init(self, *, atten=None):
        if atten is not None:
            self.atten(atten)
        elif self._id not in self._attenuations:
            self.atten(ADC.ATTN_0DB)

    def atten(self, atten):
        if not 0 <= atten < len(self._curves):
            raise ValueError("invalid atten")
        self._attenuations[self._id] = atten

    def width(self, width):
        if not 9 <= width <= 12:
            raise ValueError("invalid bits")
        self._bits[self._converter] = width

    def _points(self):
        return self._curves[self._attenuations[self._id]]

    def _raw(self):
        # The radio keeps the second ADC; adc.c of v1.28 does not look at the error, and says 0.
        if self._converter == 1 and _is_radio_on():
            return 0
        millivolts = _sim.voltage_read(self._id)
        if millivolts < 0:
            return _sim.analogue_read(self._id)
        return max(0, min(4095, _interpolate(self._points(), millivolts, 1)))

    def read(self):
        return self._raw() >> (12 - self._bits[self._converter])

    def read_u16(self):
        bits = self._bits[self._converter]
        raw = self.read()
        return raw << (16 - bits) | raw >> (2 * bits - 16)

    def read_uv(self):
        return _interpolate(self._points(), self._raw(), 0) * 1000


def _interpolate(points, value, given):
    # Of pairs, one number of which is given: what the other is.
    wanted = 1 - given
    for i in range(1, len(points)):
        low, high = points[i - 1], points[i]
        if value < high[given]:
            break
    part = (value - low[given]) * (high[wanted] - low[wanted])
    return low[wanted] + part // (high[given] - low[given])


def _is_radio_on():
    import network  # which imports this module

    return any(wlan._active for wlan in network.WLAN._all.values())


class TouchPad:
    def __init__(self, pin):
        self._id = _pin_id(pin)
        if self._id not in (0, 2, 4, 12, 13, 14, 15, 27, 32, 33):
            raise ValueError("invalid pin for touchpad")

    def read(self):
        return _sim.analogue_read(self._id)

    def config(self, threshold):
        pass


class PWM:
    def __init__(self, pin, freq=5000, duty=512, **kwargs):
        self._id = _pin_id(pin)
        self._freq = freq
        self._duty = duty

    def freq(self, *value):
        if value:
            self._freq = value[0]
            return None
        return self._freq

    def duty(self, *value):
        if value:
            self._duty = value[0]
            return None
        return self._duty

    def duty_u16(self, *value):
        if value:
            self._duty = value[0] >> 6
            return None
        return self._duty << 6

    def init(self, *, freq=-1, duty=-1, **kwargs):
        if freq >= 0:
            self._freq = freq
        if duty >= 0:
            self._duty = duty

    def deinit(self):
        self._duty = 0


class I2C:
    """A bus. The board's chips are where it has them, at the pins I2C_SCL and I2C_SDA."""

    _chips = None  # by address, made at the first transfer

    def __init__(self, id=0, *, scl=18, sda=19, freq=400000, timeout=50000):
        if id not in (0, 1):
            raise ValueError("I2C(%d) doesn't exist" % id)
        pins = (_pin_id(scl), _pin_id(sda))
        self._is_boards = pins == (GPIO.get("I2C_SCL"), GPIO.get("I2C_SDA"))

    def _on_bus(self):
        if not self._is_boards or not _sim.i2c_answers():
            return {}
        if I2C._chips is None:
            from _frozen import i2c_chips

            I2C._chips = i2c_chips.make()
        return I2C._chips

    def _chip(self, addr):
        chip = self._on_bus().get(addr)
        if chip is None:
            raise OSError(19)  # ENODEV, as the port
        return chip

    def scan(self):
        return sorted(self._on_bus())

    def writeto(self, addr, buf, stop=True):
        self._chip(addr).write(bytes(buf))
        return len(buf)

    def readfrom(self, addr, nbytes, stop=True):
        return bytes(self._chip(addr).read(nbytes))

    def readfrom_into(self, addr, buf, stop=True):
        buf[:] = self._chip(addr).read(len(buf))

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self._chip(addr).write(bytes((memaddr,)) + bytes(buf))

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        chip = self._chip(addr)
        chip.write(bytes((memaddr,)))
        return bytes(chip.read(nbytes))

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        chip = self._chip(addr)
        chip.write(bytes((memaddr,)))
        buf[:] = chip.read(len(buf))

    def writevto(self, addr, vector, stop=True):
        self._chip(addr).write(b"".join([bytes(part) for part in vector]))


class SoftI2C(I2C):
    def __init__(self, scl, sda, *, freq=400000, timeout=50000):
        super().__init__(scl=scl, sda=sda)


class WDT:
    """The task watchdog, one for the whole chip. It cannot be stopped once it runs; fed too late,
    it resets the board. Making it again changes its timeout, for whoever feeds it."""

    _timeout = 0

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError()
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        WDT._timeout = timeout
        self.feed()

    def feed(self):
        _sim.watchdog_feed(WDT._timeout)


class RTC:
    """The clock of the host shows through: setting it is accepted and has no effect. `memory` is
    kept in the environment, which a reset leaves alone and power-on does not know.
    """

    def memory(self, *data):
        if not data:
            return bytes.fromhex(os.getenv("SIM_RTC_MEMORY") or "")
        if len(data[0]) > 2048:
            raise ValueError("buffer too long")
        os.putenv("SIM_RTC_MEMORY", bytes(data[0]).hex())

    def datetime(self, *value):
        if value:
            year, month, day, weekday, hour, minute, second, subsecond = value[0]
            return None
        now = time.gmtime()
        return now[:3] + (now[6] + 1,) + now[3:6] + (0,)


def bitstream(pin, encoding, timing, data):
    _sim.frame(_pin_id(pin), data)


def unique_id():
    """The station's MAC address: SIM_ID in the environment tells boards in one run apart."""
    number = int(os.getenv("SIM_ID") or 1)
    return bytes((0x02, 0x51, 0x4D, 0, number >> 8, number & 0xFF))


def reset():
    _sim.restart("hard")


def soft_reset():
    raise SystemExit


def reset_cause():
    return _CAUSES[os.getenv("SIM_RESET_CAUSE") or "power"]


def freq(*hz):
    return None if hz else 160000000


def idle():
    pass


def disable_irq():
    return 0


def enable_irq(state=0):
    pass
