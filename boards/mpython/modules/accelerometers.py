"""Which accelerometers the board may have, and how each is mounted: device/sensors/accelerometer.py."""

from micropython import const

FREQUENCY = const(400000)  # Hz, labplus's
# labplus's firmware has the MSA300 exchange x and y and turn z around (register 0x12), and reads the
# QMI8658C, which boards from version 2.1 on have in its place, as it is.
CHIPS = (("msa300", 2, 1, -3), ("qmi8658", 1, 2, 3))
