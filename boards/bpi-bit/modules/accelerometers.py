"""Which accelerometers the board may have, and how each is mounted: device/sensors/accelerometer.py."""

from micropython import const

FREQUENCY = const(200000)  # Hz, as in the maker's firmware
# It is on the back: in the maker's tutorial of the ball, y grows when the right edge goes down, and x
# when the top does.
CHIPS = (("mpu9250", -1, -2, 3),)
