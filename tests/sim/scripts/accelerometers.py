# The accelerometers have their registers, start as the real ones do, and measure what the board feels.
import os
import struct
from machine import I2C, Pin, SoftI2C

i2c = I2C(0, scl=Pin("I2C_SCL"), sda=Pin("I2C_SDA"))


def exchange(names):
    os.putenv("SIM_CHIPS", names)
    I2C._chips = None


def fails(transfer, *arguments):
    try:
        transfer(*arguments)
    except OSError as error:
        return error.errno == 19
    return False


# The board lies face up: -1 g along its z. An MSA300 has that axis turned around.
assert i2c.scan() == [0x26]
assert i2c.readfrom_mem(0x26, 0x01, 1) == b"\x00"
assert i2c.readfrom_mem(0x26, 0x02, 6) == bytes(6)  # suspended
i2c.writeto_mem(0x26, 0x11, b"\x00")
assert struct.unpack("<hhh", i2c.readfrom_mem(0x26, 0x02, 6)) == (0, 0, 4096 << 2)
i2c.writeto_mem(0x26, 0x0F, b"\x01")
data = bytearray(6)
i2c.readfrom_mem_into(0x26, 0x02, data)
assert struct.unpack("<hhh", data) == (0, 0, 2048 << 2)
i2c.writeto_mem(0x26, 0x10, b"\x20")  # without z
assert i2c.readfrom_mem(0x26, 0x02, 6) == bytes(6)
i2c.writeto(0x26, b"\x0f")
assert i2c.readfrom(0x26, 1) == b"\x01"

# A QMI8658C stays at one register until CTRL1 has it count.
exchange("qmi8658")
assert fails(i2c.readfrom_mem, 0x26, 0x01, 1)
assert i2c.readfrom_mem(0x6B, 0x00, 2) == b"\x05\x05"
i2c.writeto_mem(0x6B, 0x02, b"\x60")
assert i2c.readfrom_mem(0x6B, 0x35, 6) == bytes(6)  # switched off
i2c.writeto_mem(0x6B, 0x03, b"\x16")
i2c.writeto_mem(0x6B, 0x08, b"\x01")
assert struct.unpack("<hhh", i2c.readfrom_mem(0x6B, 0x35, 6)) == (0, 0, -8192)

exchange("mpu9250")
assert i2c.readfrom_mem(0x68, 0x75, 1) == b"\x71"
assert struct.unpack(">hhh", i2c.readfrom_mem(0x68, 0x3B, 6)) == (0, 0, -16384)
i2c.writeto_mem(0x68, 0x1C, b"\x08")
assert struct.unpack(">hhh", i2c.readfrom_mem(0x68, 0x3B, 6)) == (0, 0, -8192)
exchange("mpu9250-1.2")
assert i2c.scan() == [0x69]

# Other pins are another bus, where nothing answers.
assert I2C(1, scl=Pin(25), sda=Pin(26)).scan() == []
assert SoftI2C(Pin("I2C_SCL"), Pin("I2C_SDA")).scan() == [0x69]
exchange("")
assert i2c.scan() == []
assert fails(i2c.writeto, 0x69, b"\x75")
print("ok")
