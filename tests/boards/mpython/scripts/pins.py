# mpython: MPythonPin, numberMap, uuid.
from mpython import *

for number, gpio in enumerate(pins_remap_esp32):
    try:
        assert Pin("P%d" % number) is Pin(gpio)
    except ValueError:
        assert gpio == -1 and not hasattr(Pin.board, "P%d" % number), number


def raised(function, *args):
    try:
        function(*args)
    except Exception as error:
        return type(error), str(error)
    return None, ""


pin = MPythonPin(8, PinMode.OUT)
assert pin.id == 26 and pin.mode == PinMode.OUT
pin.write_digital(1)
assert pin.Pin.value() == 1
pin.write_digital(0)
assert pin.Pin.value() == 0
assert raised(pin.read_digital) == (TypeError, "the pin is not in IN mode")
assert raised(pin.read_analog) == (TypeError, "the pin is not in ANALOG mode")
assert raised(pin.write_analog, 1) == (TypeError, "the pin is not in PWM mode")
assert raised(pin.irq) == (TypeError, "the pin is not in IN mode")

pin = MPythonPin(0)
assert pin.mode == PinMode.IN and pin.read_digital() in (0, 1)
assert raised(pin.write_digital, 1) == (TypeError, "the pin is not in OUT or OUT_DRAIN mode")
assert MPythonPin(1, PinMode.IN, Pin.PULL_UP).read_digital() in (0, 1)

pin = MPythonPin(1, PinMode.ANALOG)
assert pin.read_analog() == 1000  # what the simulated board's inputs read

pin = MPythonPin(13, PinMode.PWM)
assert pin.pwm.duty() == 0, "nothing must move before it is told to"
pin.write_analog(512)
assert (pin.pwm.duty(), pin.pwm.freq()) == (512, 1000)
pin.write_analog(77, freq=50)
assert (pin.pwm.duty(), pin.pwm.freq()) == (77, 50)

MPythonPin(14, PinMode.OUT_DRAIN).write_digital(0)

# Every pin in every mode: what the chip cannot do is a TypeError that names mode and pin.
inputs_only = (2, 3, 4, 10)
analogue = (0, 1, 2, 3, 4, 10)
absent = (12, 17, 18, 21, 22)
for number in range(29):
    for mode in (PinMode.IN, PinMode.OUT, PinMode.PWM, PinMode.ANALOG, PinMode.OUT_DRAIN):
        possible = number not in absent
        if mode == PinMode.ANALOG:
            possible = number in analogue
        elif mode != PinMode.IN and number in inputs_only:
            possible = False
        kind, text = raised(MPythonPin, number, mode)
        if possible:
            assert kind is None, (number, mode, text)
        else:
            assert kind is TypeError and text.endswith("not supported on P%d" % number), text
for number, gpio in enumerate(pins_remap_esp32):
    if gpio < 0:
        assert raised(Pin, "P%d" % number)[0] is ValueError
    else:
        assert Pin("P%d" % number) is Pin(gpio)
for number in (-1, 29):
    assert raised(MPythonPin, number)[0] is IndexError
for mode in (0, 6, "IN"):
    assert raised(MPythonPin, 0, mode)[0] is TypeError

assert numberMap(5, 0, 10, 0, 100) == 50
assert numberMap(1023, 0, 4092, 0, 255) == 63.75
assert numberMap(0, -1, 1, 10, 20) == 15
assert numberMap(3, 0, 10, 10, 0) == 7

assert uuid() == "02514D000001"
print("ok")
