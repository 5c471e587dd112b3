# config.save: whatever fails and wherever the power goes, the old file or the new one is whole.
import errno
import io
import json
import os
import vfs
from device import config

PATH = "/flash/config.json"
ENOSPC = 28  # not in MicroPython's errno
EROFS = 30
OLD = {
    "wifi": {"ssid": "old"},
    "mqtt": {"server": "a.local", "user": "a", "password": "first password"},
}
NEW = {"wifi": {"ssid": "new"}, "mqtt": {"server": "b.local", "user": "u" * 200}, "mode": "echo"}


class PowerCut(BaseException):
    pass


def saved():
    with open(PATH) as file:
        return json.load(file)


# 1. A filesystem that loses everything that was not flushed, and dies or fails at a chosen call.
#    Every byte written is a call of its own, and so are open, flush, close, rename and remove.


class Calls:
    def __init__(self):
        self.count = 0
        self.stop_at = None  # number of the call that does not happen
        self.failure = None  # an OSError code, or None for a power cut
        self.dead = False

    def __call__(self):
        if self.dead:
            raise PowerCut
        self.count += 1
        if self.count == self.stop_at:
            if self.failure is not None:
                raise OSError(self.failure)
            self.dead = True
            raise PowerCut


calls = Calls()


class Disk:
    def __init__(self, flushed_only):
        self.flushed_only = flushed_only  # littlefs; otherwise each byte stays, as with FAT
        self.files = {}

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def open(self, path, mode):
        if "r" in mode:
            if path not in self.files:
                raise OSError(errno.ENOENT)
            return (io.BytesIO if "b" in mode else io.StringIO)(
                self.files[path] if "b" in mode else self.files[path].decode()
            )
        calls()
        return File(self, path)

    def rename(self, old, new):
        calls()
        self.files[new] = self.files.pop(old)

    def remove(self, path):
        calls()
        if path not in self.files:
            raise OSError(errno.ENOENT)
        del self.files[path]

    def stat(self, path):
        raise OSError(errno.ENOENT)


class File(io.IOBase):
    def __init__(self, disk, path):
        self.disk = disk
        self.path = path
        self.data = b""
        disk.files[path] = b""

    def write(self, text):
        for letter in text:
            calls()
            self.data += letter.encode()
            if not self.disk.flushed_only:
                self.disk.files[self.path] = self.data
        return len(text)

    def flush(self):
        calls()
        self.disk.files[self.path] = self.data

    def close(self):
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def try_everywhere(flushed_only, failure):
    """Save once for each call that may fail; return how many calls a save makes."""
    outcomes = set()
    stop_at = 1
    while True:
        disk = Disk(flushed_only)
        vfs.mount(disk, "/flash")
        calls.stop_at = None
        config.save(OLD, PATH)
        calls.count = 0
        calls.stop_at = stop_at
        calls.failure = failure
        done = False
        try:
            config.save(NEW, PATH)
            done = True
        except PowerCut:
            assert failure is None
        except OSError as error:
            assert error.errno == failure, error
            # The board lives on: nothing is left over, and the next attempt succeeds.
            assert list(disk.files) == ["/config.json"], (stop_at, disk.files)
            assert saved() == OLD
            config.save(NEW, PATH)
            assert saved() == NEW
            config.save(OLD, PATH)
        calls.dead = False
        calls.stop_at = None
        found = saved()
        assert found in (OLD, NEW), (stop_at, found)
        assert not done or found == NEW
        outcomes.add(found["wifi"]["ssid"])
        # What is left over from a power cut is in nobody's way.
        config.save(OLD, PATH)
        assert list(disk.files) == ["/config.json"]
        vfs.umount("/flash")
        if done:
            assert outcomes == {"old", "new"}
            return calls.count, stop_at
        stop_at += 1


for flushed_only in (True, False):
    for failure in (None, errno.EIO, ENOSPC):
        _, points = try_everywhere(flushed_only, failure)
        assert points > len(json.dumps(NEW)), points


# 2. The real filesystem: littlefs on a flash memory in RAM whose power goes in the middle of any
#    erase or program operation, half of the block's bytes changed.


class Flash:
    SIZE = 4096
    EIO = -5

    def __init__(self, blocks, memory=None):
        self.memory = memory or [bytearray(b"\xff" * self.SIZE) for _ in range(blocks)]
        self.operations = 0
        self.stop_at = None
        self.dead = False

    def reboot(self):
        """Return the same memory with power. What still holds the old one can change nothing."""
        return Flash(0, [bytearray(block) for block in self.memory])

    def readblocks(self, block, buffer, offset=0):
        if self.dead:
            return self.EIO
        buffer[:] = memoryview(self.memory[block])[offset : offset + len(buffer)]

    def _change(self, block, data, offset):
        self.operations += 1
        self.dead = self.operations == self.stop_at
        stop = len(data) // 2 if self.dead else len(data)
        self.memory[block][offset : offset + stop] = data[:stop]
        return self.EIO if self.dead else 0

    def writeblocks(self, block, buffer, offset=0):
        return self.EIO if self.dead else self._change(block, bytes(buffer), offset)

    def ioctl(self, operation, argument):
        if operation == 4:
            return len(self.memory)
        if operation == 5:
            return self.SIZE
        if operation == 6:
            return self.EIO if self.dead else self._change(argument, b"\xff" * self.SIZE, 0)
        return 0


empty = Flash(8)
vfs.VfsLfs2.mkfs(empty)
outcomes = []
stop_at = 1
while not outcomes or outcomes[-1] != "done":
    flash = empty.reboot()
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    for _ in range(1 + stop_at % 3):  # littlefs writes elsewhere each time
        config.save(OLD, PATH)
    flash.operations = 0
    flash.stop_at = stop_at
    try:
        config.save(NEW, PATH)
        done = True
    except OSError:
        done = False
    vfs.umount("/flash")
    flash = flash.reboot()
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    found = saved()
    assert found in (OLD, NEW), (stop_at, found)
    assert not done or found == NEW
    outcomes.append("done" if done else found["wifi"]["ssid"])
    config.save(NEW, PATH)  # and it can be written again
    assert saved() == NEW
    assert os.listdir("/flash") == ["config.json"]
    vfs.umount("/flash")
    stop_at += 1
assert "old" in outcomes and len(outcomes) > 5, outcomes

# 3. A full filesystem refuses, and keeps the old file.
flash = Flash(6)
vfs.VfsLfs2.mkfs(flash)
vfs.mount(vfs.VfsLfs2(flash), "/flash")
config.save(OLD, PATH)
try:
    for number in range(99):
        with open("/flash/filler%d" % number, "wb") as file:
            file.write(bytes(Flash.SIZE // 2))
    assert False, "there was no end of room"
except OSError as error:
    assert error.errno == ENOSPC
files = sorted(os.listdir("/flash"))
big = json.loads(json.dumps(NEW))
big["mqtt"]["password"] = "p" * 1024
try:
    config.save(big, PATH)
    assert False, "there was room"
except OSError as error:
    assert error.errno == ENOSPC, error
assert saved() == OLD
assert sorted(os.listdir("/flash")) == files
vfs.umount("/flash")

# 4. A file that is there but cannot be read is left alone; no template takes its place.


class Unreadable(Disk):
    def open(self, path, mode):
        assert "r" in mode, "the file would be replaced"
        raise OSError(errno.EIO)


vfs.mount(Unreadable(True), "/flash")
settings, problems = config.load("mpython", "0a1b", PATH)
assert settings == {} and problems == ["%s: cannot be read (error %d)" % (PATH, errno.EIO)]
vfs.umount("/flash")


class ReadOnly(Disk):
    def open(self, path, mode):
        raise OSError(errno.ENOENT if "r" in mode else EROFS)


vfs.mount(ReadOnly(True), "/flash")
settings, problems = config.load("mpython", "0a1b", PATH)
assert settings == {} and len(problems) == 1
assert "is missing, and no template can be written (error %d)" % EROFS in problems[0]
vfs.umount("/flash")
print("ok")
