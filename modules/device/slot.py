"""The application slot that the board runs from. The only module that touches the OTA partitions.

After an update over the air the boot loader runs the new slot once, on trial: unless it is kept,
the next reset, of whatever cause, goes back to the earlier one (CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE
of the port). Which slot counts stands in `otadata`, two sectors of which the one with the larger
number holds (ESP-IDF v5.5, esp_ota_ops.c and bootloader_utility.c).

What an update must know after the restart stands in NVS, which a power cut leaves whole.
"""

import binascii
import esp32
import struct
from esp32 import Partition
from micropython import const

_ENTRY = "<L20sLL"  # number of the choice, label, state, checksum of the number
_BLANK = const(0xFFFFFFFF)
_OTA_0 = const(0x10)  # the first slot's subtype

# States of an entry.
_PENDING_VERIFY = const(1)
_INVALID = const(3)
_ABORTED = const(4)

_NAMESPACE = "update"
_WANTED = "want"  # what the last update wrote: "<id> <slot's label> <sha256> <version>"
_WORDS = "why"  # why it did not stay, in a sentence
_MAX_BYTES = const(200)


def _entries():
    # (number of the choice, state) of each entry that holds; [] where nothing keeps account.
    found = []
    buffer = bytearray(32)
    try:
        data = Partition("otadata")
        for sector in (0, 1):
            data.readblocks(sector, buffer)
            number, _, state, checksum = struct.unpack(_ENTRY, buffer)
            if number != _BLANK and checksum == binascii.crc32(buffer[:4], _BLANK):
                found.append((number, state))
    except OSError:
        pass
    return found


def running():
    """Return the Partition that the board runs from."""
    return Partition(Partition.RUNNING)


def label(partition):
    """Return a partition's name, "ota_1"."""
    return partition.info()[4]


def head(partition, size):
    """Return the first `size` bytes of a partition."""
    buffer = bytearray(size)
    partition.readblocks(0, buffer)
    return buffer


def other():
    """Return the slot that an update is written to; None if there is none."""
    try:
        Partition("otadata")
        partition = running().get_next_update()
    except OSError:
        return None
    # A write to the running one would stop the chip.
    return None if partition.info()[2] == running().info()[2] else partition


def is_on_trial():
    """Return whether the next reset goes back to the earlier application."""
    number = running().info()[1] - _OTA_0
    return any(
        [(choice - 1) % 2 == number and state == _PENDING_VERIFY for choice, state in _entries()]
    )


def has_fallen_back():
    """Return whether the boot loader has given the last update up."""
    last = max(_entries(), default=(0, None))
    return last[1] in (_INVALID, _ABORTED)


def keep():
    """Keep the running application for good, and forget the update; return whether that was done.

    Refused if otadata names the other slot: then it would be the one that is marked. Writes one
    sector.
    """
    try:
        if Partition(Partition.BOOT).info() != running().info():
            return False
        Partition.mark_app_valid_cancel_rollback()
    except OSError:
        return False
    forget()
    return True


def start_next(partition, wanted):
    """Have the next reset start `partition`, on trial. Blocks for the check of its image, 0.6 s.

    `wanted` is what `wanted()` shall return then. Raises OSError if the image is not whole; then
    nothing has changed.
    """
    forget()
    _write(_WANTED, wanted)
    try:
        partition.set_boot()
    except OSError:
        forget()
        raise


# What outlives the restart. -----------------------------------------------------------


def _read(key):
    buffer = bytearray(_MAX_BYTES)
    try:
        size = esp32.NVS(_NAMESPACE).get_blob(key, buffer)
        return bytes(buffer[:size]).decode()
    except (OSError, UnicodeError):
        return ""


def _write(key, text):
    try:
        store = esp32.NVS(_NAMESPACE)
        store.set_blob(key, text.encode()[:_MAX_BYTES])
        store.commit()
    except OSError:
        pass  # full or damaged: the update goes on, and less can be told of it


def wanted():
    """Return (id, slot's label, sha256, version) of the last update; None if it was kept."""
    words = _read(_WANTED).split(" ")
    return words if len(words) == 4 else None


def last_words():
    """Return why the last update did not stay, as a sentence; "" if that is not known."""
    return _read(_WORDS)


def note(reason):
    """Leave a sentence for the firmware that runs after a reset."""
    _write(_WORDS, reason)


def forget():
    """Forget the last update."""
    store = esp32.NVS(_NAMESPACE)
    for key in (_WANTED, _WORDS):
        try:
            store.erase_key(key)
            store.commit()
        except OSError:
            pass  # it was not there
