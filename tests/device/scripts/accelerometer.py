# Accelerometer: found by what answers, axes turned as it is mounted, and left alone when it fails.
import _sim
import accelerometers
import board
import os
import time
import timers
from machine import I2C
from device.sensors import accelerometer
from device.sensors.accelerometer import G


class Clock:
    ticks_diff = time.ticks_diff
    now = 0

    def ticks_ms(self):
        return self.now


timers.time = accelerometer.time = clock = Clock()
CHIPS = {"mpython": ("msa300", "qmi8658"), "bpi-bit": ("mpu9250", "mpu9250-1.2")}[board.NAME]


class World:
    axes = (500, 250, -750)
    answers = True


class FakeSim:
    """The control channel is not there: what the chips feel is put in here."""

    def acceleration(self):
        return World.axes

    def i2c_answers(self):
        return World.answers

    def __getattr__(self, name):
        return getattr(_sim, name)


import i2c_chips
import machine

i2c_chips._sim = machine._sim = FakeSim()


def exchange(names):
    os.putenv("SIM_CHIPS", names)
    I2C._chips = None


for name in CHIPS:
    exchange(name)
    found = accelerometer.find()
    assert found.measure()
    assert found.axes == [G // 2, G // 4, -G * 3 // 4], (name, found.axes)
    assert found.read() == (4.9, 2.5, -7.4)
    # The ends of what it can measure.
    World.axes = (9000, -9000, 0)
    assert found.measure() and abs(found.axes[0] - 4 * G) <= 4 and abs(found.axes[1] + 4 * G) <= 4
    World.axes = (500, 250, -750)

exchange("")
assert accelerometer.find() is None

# A chip that has gone is asked again after ten seconds, and begun with again when it is back.
World.answers = False
assert not found.measure()
assert found.read() == (None, None, None)
World.answers = True
clock.now += 9999
assert not found.measure()
exchange(name)
clock.now += 1
assert not found.measure()  # it has measured nothing yet
assert found.measure() and found.read() == (4.9, 2.5, -7.4)

# One that was reset behind the program's back measures nothing.
exchange(name)
if board.NAME == "mpython":
    assert not found.measure()
    clock.now += 10000
    assert not found.measure()
assert found.measure()

# Another chip at its address is none.
exchange(CHIPS[-1])
chip = I2C(0, scl=machine.Pin("I2C_SCL"), sda=machine.Pin("I2C_SDA"))._on_bus()
for each in chip.values():
    each._registers[0x00] = each._registers[0x75] = 0x42
accelerometers.CHIPS = (("qmi8658", 1, 2, 3), ("mpu9250", 1, 2, 3))
assert accelerometer.find() is None
print("ok")
