"""What the simulated chip does after power-on, in ESP32's order: filesystem, /boot.py, main.py
(the frozen one first), prompt. A soft reset begins again.

The flash filesystem is a folder on the host, SIM_FLASH (./flash if unset). It becomes `/`; the
host's other files are out of reach from then on.
"""

import sys

sys.path[:] = [".frozen"]

import _sim
import gc
import os
import vfs

# Built into the chip's firmware, and frozen here: loaded before any file can take their names.
import esp32, machine, network


class Flash:
    """The flash filesystem: a host folder behind MicroPython's VFS protocol."""

    def __init__(self, folder):
        try:
            os.stat(folder)
        except OSError:
            os.mkdir(folder)
        self._folder = folder
        posix = vfs.VfsPosix(folder)
        self.open = posix.open
        self.chdir = posix.chdir
        self.getcwd = posix.getcwd
        self._ilistdir = posix.ilistdir
        self.mkdir = posix.mkdir
        self.remove = posix.remove
        self.rmdir = posix.rmdir
        self._stat = posix.stat
        self.statvfs = posix.statvfs

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def ilistdir(self, path):
        for name, kind, inode in self._ilistdir(path):
            full = path.rstrip("/") + "/" + name if path else name
            yield name, kind, inode, self._stat(full)[6]  # littlefs tells the size, too

    def stat(self, path):
        _sim.looked_up(path)
        return self._stat(path)

    def rename(self, old, new):
        # VfsPosix.rename of a folder other than / gives both names the same buffer (1.25, 1.28).
        _sim.rename(self._folder + old, self._folder + new)


if os.getenv("SIM_VERSION"):  # of the image in the slot
    import version

    version.VERSION = os.getenv("SIM_VERSION")
if os.getenv("SIM_BAD"):
    import bad_image

    bad_image.play(os.getenv("SIM_BAD"))

flash = Flash(os.getenv("SIM_FLASH"))
vfs.umount("/")
vfs.mount(flash, "/")
os.chdir("/")
sys.path[:] = ["", ".frozen", "/lib"]
gc.collect()

# ports/esp32/main.c: a boot.py that fails, or is stopped, leads to the prompt; a program that has
# reset the board from the raw prompt wants that prompt; SystemExit is a soft reset.
ended = "boot.py" not in os.listdir("/") or _sim.run("boot.py")
if ended and not _sim.prompt_is_raw():
    ended = _sim.run("main.py")
if ended is not None:
    _sim.prompt()
_sim.soft_reset()
