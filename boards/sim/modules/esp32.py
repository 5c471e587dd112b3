"""The simulated board's `esp32`: partitions and NVS in the flash chip of `SIM_FLASH_CHIP`.

As ports/esp32/esp32_partition.c and esp32_nvs.c of MicroPython v1.28 have them, over ESP-IDF v5.5's
app_update. A board without that chip has one application, not in a slot, and an NVS in memory. The
boot loader (host/boot_loader.py) says in SIM_SLOT from which address the program runs.
"""

import _sim
import gc
import hashlib
import json
import os
import struct
from binascii import crc32
from errno import EINVAL, ENOENT
from micropython import const

_SECTOR = const(4096)
_TABLE = const(0x8000)
_FACTORY = const(0)  # subtypes of applications
_OTA_0 = const(0x10)
_OTA_DATA = const(0)  # subtypes of data
_NVS = const(2)

# States of an entry of otadata.
_NEW = const(0)
_VALID = const(2)
_INVALID = const(3)
_ABORTED = const(4)

_ENTRY = "<L20sLL"  # number of the choice, label, state, checksum of the number

_ERRORS = {
    -1: "ESP_FAIL",
    0x102: "ESP_ERR_INVALID_ARG",
    0x104: "ESP_ERR_INVALID_SIZE",
    0x105: "ESP_ERR_NOT_FOUND",
    0x1102: "ESP_ERR_NVS_NOT_FOUND",
    0x1109: "ESP_ERR_NVS_KEY_TOO_LONG",
    0x110C: "ESP_ERR_NVS_INVALID_LENGTH",
    0x1503: "ESP_ERR_OTA_VALIDATE_FAILED",
}


def _error(code):
    return OSError(-code, _ERRORS[code])


def _has_chip():
    return bool(os.getenv("SIM_FLASH_CHIP"))


def _read(address, size):
    data = bytearray(size)
    _sim.flash_read(address, data)
    return data


def _table():
    # (type, subtype, address, size, label) of each partition.
    if not _has_chip():
        yield (Partition.TYPE_APP, _FACTORY, 0x10000, 0x180000, "factory")
        return
    address = _TABLE
    while True:
        magic, kind, subtype, start, size, label, _ = struct.unpack(
            "<HBBLL16sL", _read(address, 32)
        )
        if magic != 0x50AA:
            return
        yield (kind, subtype, start, size, label.rstrip(b"\0").decode())
        address += 32


def _find(kind, subtype=0xFF, label=None):
    return [
        row
        for row in _table()
        if row[0] == kind and subtype in (0xFF, row[1]) and label in (None, row[4])
    ]


def _find_first(kind, subtype=0xFF, label=None):
    return (_find(kind, subtype, label) or (None,))[0]


def _slots():
    # In the order of their numbers, which the table need not have.
    rows = [row for row in _find(Partition.TYPE_APP) if _OTA_0 <= row[1] < _OTA_0 + 16]
    return sorted(rows, key=lambda row: row[1])


class _OtaData:
    # The two entries that say which slot is started.

    def __init__(self):
        row = _find_first(Partition.TYPE_DATA, _OTA_DATA)
        if row is None:
            raise _error(0x105)
        self._address = row[2]
        self.entries = [
            struct.unpack(_ENTRY, _read(self._address + sector * _SECTOR, 32))
            for sector in range(2)
        ]

    def active(self):
        # The entry that counts; None if neither does.
        valid = [
            number
            for number, (sequence, _, state, checksum) in enumerate(self.entries)
            if sequence != 0xFFFFFFFF
            and state not in (_INVALID, _ABORTED)
            and checksum == crc32(struct.pack("<L", sequence), 0xFFFFFFFF)
        ]
        return max(valid, key=lambda number: (self.entries[number][0], -number)) if valid else None

    def write(self, sector, sequence, state):
        checksum = crc32(struct.pack("<L", sequence), 0xFFFFFFFF)
        entry = struct.pack(_ENTRY, sequence, self.entries[sector][1], state, checksum)
        _sim.flash_erase(self._address + sector * _SECTOR)
        _sim.flash_write(self._address + sector * _SECTOR, entry)

    def choose(self, slot, slots):
        active = self.active()
        if active is None:
            self.write(0, slot + 1, _NEW)
            return
        last = self.entries[active][0]
        sequence = slot + 1
        while sequence < last:
            sequence += slots
        self.write(1 - active, sequence, _NEW)


def _is_whole(address, room):
    # Whether the boot loader would start the image: segments, checksum and digest.
    header = _read(address, 24)
    if header[0] != 0xE9 or not 1 <= header[1] <= 16 or header[12:14] != b"\0\0":
        return False
    digest = hashlib.sha256(header)
    at = 24
    checksum = 0xEF
    buffer = bytearray(_SECTOR)
    for _ in range(header[1]):
        segment = _read(address + at, 8)
        size = struct.unpack_from("<L", segment, 4)[0]
        digest.update(segment)
        at += 8
        if size % 4 or at + size + 64 > room:
            return False
        while size:
            piece = memoryview(buffer)[: min(size, _SECTOR)]
            _sim.flash_read(address + at, piece)
            digest.update(piece)
            folded, width = int.from_bytes(piece, "little"), _SECTOR
            while width > 1:  # all its bytes, one over the other
                width //= 2
                folded = (folded >> 8 * width) ^ (folded & ((1 << 8 * width) - 1))
            checksum ^= folded
            at += len(piece)
            size -= len(piece)
        gc.collect()  # on the chip this is C, which leaves nothing behind
    rest = _read(address + at, 16 - at % 16)
    digest.update(rest)
    if rest[-1] != checksum:
        return False
    return not header[23] or digest.digest() == _read(address + at + len(rest), 32)


class Partition:
    BOOT = const(0)
    RUNNING = const(1)
    TYPE_APP = const(0)
    TYPE_DATA = const(1)

    def __init__(self, id, block_size=_SECTOR):
        if isinstance(id, tuple):
            row = id
        elif isinstance(id, str):
            row = _find_first(self.TYPE_APP, 0xFF, id) or _find_first(self.TYPE_DATA, 0xFF, id)
        elif id == self.BOOT:
            row = self._boot()
        elif id == self.RUNNING:
            row = self._running()
        else:
            raise ValueError
        if row is None:
            raise OSError(ENOENT)
        self._type, self._subtype, self._address, self._size, self._label = row
        self._block_size = block_size

    @classmethod
    def _running(cls):
        address = int(os.getenv("SIM_SLOT") or 0x10000)
        return [row for row in _find(cls.TYPE_APP) if row[2] <= address < row[2] + row[3]][0]

    @classmethod
    def _boot(cls):
        slots = _slots()
        try:
            data = _OtaData()
        except OSError:
            return None
        active = data.active()
        if active is not None and slots:
            return slots[(data.entries[active][0] - 1) % len(slots)]
        return _find_first(cls.TYPE_APP, _FACTORY) or (slots or (None,))[0]

    @staticmethod
    def find(type=TYPE_APP, subtype=0xFF, label=None, block_size=_SECTOR):
        return [Partition(row, block_size) for row in _find(type, subtype, label)]

    def __repr__(self):
        return "<Partition type=%u, subtype=%u, address=%u, size=%u, label=%s, encrypted=0>" % (
            self._type,
            self._subtype,
            self._address,
            self._size,
            self._label,
        )

    def info(self):
        return (self._type, self._subtype, self._address, self._size, self._label, False)

    def _check(self, offset, size):
        if not 0 <= offset <= self._size:
            raise _error(0x102)
        if offset + size > self._size:
            raise _error(0x104)

    def readblocks(self, block, buf, offset=0):
        offset += block * self._block_size
        self._check(offset, len(buf))
        if _has_chip():
            _sim.flash_read(self._address + offset, buf)
        else:
            buf[:] = b"\xff" * len(buf)

    def _check_not_running(self):
        # SPI_FLASH_DANGEROUS_WRITE_ABORTS, ESP-IDF's default.
        if self._address == self._running()[2]:
            _sim.flash_abort("abort(): a write into the slot that the program runs from")

    def _erase(self, offset, size):
        self._check(offset, size)
        if size % _SECTOR:
            raise _error(0x104)
        if offset % _SECTOR:
            raise _error(0x102)
        self._check_not_running()
        for at in range(offset, offset + size, _SECTOR):
            _sim.flash_erase(self._address + at)

    def _write(self, offset, buf):
        self._check(offset, len(buf))
        self._check_not_running()
        _sim.flash_write(self._address + offset, buf)

    def writeblocks(self, block, buf, offset=None):
        at = block * self._block_size
        if offset is not None:
            self._write(at + offset, buf)
        elif self._block_size >= _SECTOR:
            self._erase(at, len(buf))
            self._write(at, buf)
        else:
            # No update over the air may go this way: it wears the flash, and takes long.
            _sim.flash_abort("blocks smaller than a sector are not simulated")

    def ioctl(self, cmd, arg):
        if cmd in (1, 2, 3):
            return 0
        if cmd == 4:
            return self._size // self._block_size
        if cmd == 5:
            return self._block_size
        if cmd == 6:
            if self._block_size != _SECTOR:
                return -EINVAL
            self._erase(arg * _SECTOR, _SECTOR)
            return 0

    def set_boot(self):
        if not (_has_chip() and _is_whole(self._address, self._size)):
            raise _error(0x1503)
        if self._type != self.TYPE_APP:
            raise _error(0x102)
        slots = _slots()
        _OtaData().choose(self._subtype - _OTA_0, len(slots))

    def get_next_update(self):
        slots = _slots()
        later = [row for row in slots if row[1] > self._subtype]
        is_slot = self._type == self.TYPE_APP and self._subtype >= _OTA_0
        following = (later if is_slot else []) or slots
        if not following:
            raise OSError(ENOENT)
        return Partition(following[0])

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        data = _OtaData()
        active = data.active()
        if active is None or not _slots():
            raise _error(-1)
        sequence, _, state, _ = data.entries[active]
        if state != _VALID:
            data.write(active, sequence, _VALID)


class NVS:
    """A namespace of the key-value store.

    All of it is kept as JSON, in one of the partition's sectors in turn, so that a power cut leaves
    the old values: the chip promises that too, by other means.
    """

    _values = None  # of all namespaces; {"namespace/key": whole number, or text in hexadecimal}

    def __init__(self, namespace):
        if len(namespace) > 15:
            raise _error(0x1109)
        self._namespace = namespace
        if NVS._values is None:
            NVS._values = {}
            NVS._sector = NVS._sequence = 0
            if _has_chip():
                NVS._load()

    @classmethod
    def _load(cls):
        cls._address = _find_first(Partition.TYPE_DATA, _NVS)[2]
        for sector in range(2):
            sequence, size, checksum = struct.unpack(
                "<LLL", _read(cls._address + sector * _SECTOR, 12)
            )
            if size > _SECTOR - 12 or sequence < cls._sequence:
                continue
            text = _read(cls._address + sector * _SECTOR + 12, size)
            if crc32(text) == checksum:
                cls._sequence, cls._sector = sequence, sector
                cls._values = json.loads(text)

    def _name(self, key):
        if len(key) > 15:
            raise _error(0x1109)
        return self._namespace + "/" + key

    def _save(self):
        if not _has_chip():
            return
        text = json.dumps(self._values).encode()
        cls = NVS
        cls._sector, cls._sequence = 1 - cls._sector, cls._sequence + 1
        address = cls._address + cls._sector * _SECTOR
        head = struct.pack("<LLL", cls._sequence, len(text), crc32(text))
        _sim.flash_erase(address)
        _sim.flash_write(address, head + text)

    def _set(self, key, value):
        name = self._name(key)
        if self._values.get(name) != value:
            self._values[name] = value
            self._save()

    def _get(self, key, kind):
        value = self._values.get(self._name(key))
        if not isinstance(value, kind):
            raise _error(0x1102)
        return value

    def set_i32(self, key, value):
        self._set(key, value)

    def get_i32(self, key):
        return self._get(key, int)

    def set_blob(self, key, value):
        self._set(key, bytes(value).hex())

    def get_blob(self, key, buffer):
        value = bytes.fromhex(self._get(key, str))
        if len(value) > len(buffer):
            raise _error(0x110C)
        buffer[: len(value)] = value
        return len(value)

    def erase_key(self, key):
        name = self._name(key)
        if name not in self._values:
            raise _error(0x1102)
        del self._values[name]
        self._save()

    def commit(self):
        pass  # ESP-IDF has written each value when it was set


class RMT:
    @staticmethod
    def bitstream_rmt(use_rmt):
        """The simulated LED line has one way to send a frame."""
