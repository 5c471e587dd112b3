# Mount the filesystem of a factory image with MicroPython's own LittleFS and read its files.
# Arguments: the filesystem's bytes in a file, the size of the flash's sectors.

import json
import sys

import vfs
from device import config


class Flash:
    """The flash as ESP32's Partition shows it: erased and written in whole sectors."""

    def __init__(self, path, sector):
        self.file = open(path, "r+b")
        self.sectors = self.file.seek(0, 2) // sector
        self.sector = sector

    def readblocks(self, block, buffer, offset=0):
        self.file.seek(block * self.sector + offset)
        self.file.readinto(buffer)

    def writeblocks(self, block, data, offset=0):
        self.file.seek(block * self.sector + offset)
        self.file.write(data)

    def ioctl(self, operation, argument):
        if operation == 4:
            return self.sectors
        if operation == 5:
            return self.sector
        if operation == 6:
            self.writeblocks(argument, b"\xff" * self.sector)
        return 0


flash = Flash(sys.argv[1], int(sys.argv[2]))
vfs.mount(flash, "/flash")

with open("/flash/config.json") as file:
    assert json.load(file) == config.TEMPLATE
values, problems = config.read("/flash/config.json")
assert not values
assert any(problem.startswith("wifi.ssid") for problem in problems), problems

# A person fills it in; the board then takes it, also after it was switched off.
values = dict(config.TEMPLATE)
values["wifi"] = {"ssid": "class", "password": ""}
values["mqtt"] = {"server": "192.0.2.1"}
config.save(values, "/flash/config.json")
vfs.umount("/flash")
vfs.mount(flash, "/flash")
assert config.read("/flash/config.json") == (values, [])
with open("/flash/README.txt") as file:
    assert "config.json" in file.read()
print("ok")
