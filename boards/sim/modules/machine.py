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
    ATTN_0DB = const(0)
    ATTN_2_5DB = const(1)
    ATTN_6DB = const(2)
    ATTN_11DB = const(3)
    WIDTH_9BIT = const(9)
    WIDTH_10BIT = const(10)
    WIDTH_11BIT = const(11)
    WIDTH_12BIT = const(12)

    def __init__(self, pin, *, atten=ATTN_0DB):
        self._id = _pin_id(pin)
        if self._id not in (0, 2, 4, 12, 13, 14, 15, 25, 26, 27) and not 32 <= self._id <= 39:
            raise ValueError("invalid pin")
        self._shift = 0

    def init(self, *, atten=ATTN_0DB):
        pass

    def atten(self, atten):
        pass

    def width(self, width):
        self._shift = 12 - width

    def _raw(self):
        # The radio keeps the second ADC; adc.c of v1.28 does not look at the error, and says 0.
        if self._id < _ADC1_FROM and _is_radio_on():
            return 0
        return _sim.analogue_read(self._id)

    def read(self):
        return self._raw() >> self._shift

    def read_u16(self):
        raw = self._raw()
        return raw << 4 | raw >> 8

    def read_uv(self):
        return self._raw() * 3100000 // 4095


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
    """A bus with nothing on it: no display, no accelerometer answers."""

    def __init__(self, id=0, *, scl=None, sda=None, freq=400000, timeout=50000):
        pass

    def scan(self):
        return []

    def writeto(self, addr, buf, stop=True):
        raise OSError(19)  # ENODEV, as the port

    def readfrom(self, addr, nbytes, stop=True):
        raise OSError(19)

    def readfrom_into(self, addr, buf, stop=True):
        raise OSError(19)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        raise OSError(19)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        raise OSError(19)

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        raise OSError(19)

    def writevto(self, addr, vector, stop=True):
        raise OSError(19)


SoftI2C = I2C


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
