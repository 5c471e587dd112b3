"""An update under way: checks, then one block of 4 KB a step into the other slot, then the restart."""

import binascii
import board
import gc
import hashlib
import machine
import time
import version
from micropython import const

from .. import slot
from . import image, keys, messages
from .manifest import UpdateError, modulus, numbers

_BLOCK = const(4096)
_PIECE = const(512)  # in which the flash is read back
_BLANK = b"\xff" * _PIECE
_MIN_HEAP = const(24576)  # bytes free: twice what the update itself needs
_SILENCE = const(120000)  # ms without a new byte after which it ends
_GOODBYE = const(5000)  # ms for the acknowledgement of the last message
_STEP = const(5)  # percent between two messages
_MAX_KEY_FILE = const(2048)

# The first LED blinks, once a second, and is lit for as much of it as has been loaded.
_BLINK = const(1000)
_COLOURS = ((0, 255, 0), (0, 0, 0))


def _keys(path):
    # The moduli of the keys that the board knows.
    texts = list(keys.KEYS)
    if path:
        try:
            with open(path, "rb") as file:
                texts.append(file.read(_MAX_KEY_FILE))
        except OSError:
            print('update: update.key: the board has no file "%s"; copy it there' % path)
    found = []
    for text in texts:
        try:
            found.append(modulus(text))
        except ValueError as error:
            print("update: update.key: %s" % error)
    return found


class Download:
    """The work of Updates while an image is loaded. The constructor raises UpdateError.

    It takes 5 KB of heap, which are free again when `step` returns False.
    """

    def __init__(self, updates, command):
        self._updates = updates
        self._link = updates.link
        self._command = command
        self._check_command()
        self._slot = slot.other()
        self._check_board()
        self._count = 0  # blocks written
        self._percent = 0
        self._digest = hashlib.sha256()
        self._buffer = bytearray(_BLOCK)
        self._piece = bytearray(_PIECE)
        self._head = slot.head(slot.running(), image.HEAD)
        self._source = self._open_source()
        self._received = 0
        self._heard = time.ticks_ms()
        self._work = self._load
        # In modem sleep an answer takes a tenth of a second more, and the update twice as long.
        self._link.wifi.save_power(False)
        where = "mqtt" if command.source == "mqtt" else command.source.split("/")[2]
        print("update: %s from %s, %d bytes" % (command.version, where, command.size))
        self._tell("loading", 0)
        messages.tell_state(updates, 0)

    def _open_source(self):
        command = self._command
        if command.source == "mqtt":
            from .blocks import Blocks

            return Blocks(self._link, self._updates.topic, command, self._buffer)
        from .http import Http

        return Http(self._link, command, self._buffer)

    # Before anything is fetched ---------------------------------------------------------

    def _check_command(self):
        command = self._command
        settings = self._updates.settings
        allow = settings["allow"]
        running = version.VERSION
        if allow == "never":
            raise UpdateError("never", "update.allow is never")
        if command.board != board.NAME:
            words = "the image is for %s, this is %s" % (command.board, board.NAME)
            raise UpdateError("board", words)
        older = numbers(command.version) < numbers(running)
        if older and not command.may_be_older(allow):
            words = "the board runs %s; %s is older" % (running, command.version)
            raise UpdateError("older", words)
        if allow != "any" and not command.is_signed_by(_keys(settings["key"])):
            words = "this image is not signed by a key that the board knows; see update.key"
            raise UpdateError("signature", words)
        if command.sha256 == messages.fallen_sha256() and not command.again:
            words = '%s fell back on this board; send "again": true to try it once more'
            raise UpdateError("again", words % command.version)

    def _check_board(self):
        command = self._command
        if self._slot is None:
            raise UpdateError("slot", "this board has no second slot; flash it by USB once")
        room = self._slot.info()[3]
        if command.size > room:
            raise UpdateError("size", "%d bytes do not fit %d" % (command.size, room))
        idf = image.idf(slot.head(slot.running(), image.HEAD))
        if idf and numbers(command.idf)[:2] < numbers(idf)[:2]:
            words = "the image is built with ESP-IDF %s, the board runs %s; flash it by USB"
            raise UpdateError("idf", words % (command.idf, idf))
        gc.collect()
        free = gc.mem_free()
        if free < _MIN_HEAP:
            words = "only %d KB free; handlers.py keeps too much" % (free // 1024)
            raise UpdateError("memory", words)

    # Steps ------------------------------------------------------------------------------

    def online(self):
        self._tell("loading", self._percent)
        messages.tell_state(self._updates, self._percent)

    def step(self, now):
        try:
            self._work(now)
        except UpdateError as error:
            self._end(*error.args)
            return False
        return True

    def _load(self, now):
        self._show(now)
        block = self._source.step(now)
        if self._source.received != self._received:
            self._received = self._source.received
            self._heard = now
        elif time.ticks_diff(now, self._heard) >= _SILENCE:
            words = "no data for %d min; %d %% had come" % (_SILENCE // 60000, self._percent)
            raise UpdateError("silent", words)
        if block is None:
            return
        if not self._count:
            self._check_image(block)
        self._digest.update(block)
        self._store(len(block))
        self._count += 1
        self._tell_progress()
        if self._count * _BLOCK >= self._command.size:
            if self._finish_digest() != binascii.unhexlify(self._command.sha256):
                raise UpdateError("digest", "the image was damaged on the way")
            self._tell("testing", 100)
            self._work = self._test

    def _check_image(self, head):
        command = self._command
        if not image.is_application(head) or image.name(head) != "%s/%s" % (
            command.board,
            command.version,
        ):
            raise UpdateError("image", "the file is not the one that was signed; use -app.bin")
        if image.is_application(self._head) and image.build(head) == image.build(self._head):
            raise UpdateError("same", "%s is what it runs" % command.version)

    def _store(self, size):
        # What the slot holds already is not written again, and a blank sector not erased: after
        # an update that was cut off, or on a new board, this saves most of the time.
        number = self._count
        buffer = self._buffer
        for index in range(size, _BLOCK):
            buffer[index] = 0xFF
        try:
            is_blank = self._holds(number, None)
            if not self._holds(number, buffer):
                if is_blank:
                    self._slot.writeblocks(number, buffer, 0)
                else:
                    self._slot.writeblocks(number, buffer)
            if self._holds(number, buffer):
                return
        except OSError:
            pass
        raise UpdateError("flash", "the board's flash memory fails at block %d" % number)

    def _holds(self, number, data):
        # Whether the block in the flash is `data`, or blank (None).
        piece = self._piece
        for offset in range(0, _BLOCK, _PIECE):
            self._slot.readblocks(number, piece, offset)
            wanted = _BLANK if data is None else memoryview(data)[offset : offset + _PIECE]
            if piece != wanted:
                return False
        return True

    def _test(self, now):
        command = self._command
        wanted = "%s %s %s %s" % (
            command.id,
            slot.label(self._slot),
            command.sha256,
            command.version,
        )
        try:
            slot.start_next(self._slot, wanted)
        except OSError:
            raise UpdateError("verify", "the image is not whole")
        print("update: restarting into %s, on trial" % command.version)
        self._tell("restarting", 100)
        self._heard = now
        self._work = self._restart

    def _restart(self, now):
        session = self._link.client.session
        is_said = not session.in_flight and not session.out
        if is_said or time.ticks_diff(now, self._heard) >= _GOODBYE:
            self._close()
            self._link.stop()
            machine.reset()

    # Words ------------------------------------------------------------------------------

    def _tell(self, state, percent):
        messages.tell_result(self._updates, state, self._command, percent)

    def _tell_progress(self):
        percent = min(100, self._count * _BLOCK * 100 // self._command.size)
        if percent // _STEP > self._percent // _STEP:
            if percent // 25 > self._percent // 25:
                print("update: %d %%" % percent)
            self._tell("loading", percent)
            messages.tell_state(self._updates, percent)
        self._percent = percent

    def _show(self, now):
        is_dark = now % _BLINK * 100 >= max(_STEP, self._percent) * _BLINK
        self._updates.indicator.override = _COLOURS[is_dark]

    # The end ----------------------------------------------------------------------------

    def refuse_another(self):
        raise UpdateError("busy", "an update is under way: %d %%" % self._percent)

    def cancel(self):
        if self._count * _BLOCK < self._command.size:
            self._work = self._stop_by_hand

    def _stop_by_hand(self, now):
        raise UpdateError("cancelled", "stopped at %d %%" % self._percent)

    def _end(self, code, reason):
        self._close()
        state = "refused" if code in ("image", "same") else "failed"
        print("update: %s" % reason)
        messages.tell_result(self._updates, state, self._command, None, code, reason)
        messages.tell_state(self._updates)

    def stop(self):
        self._close()

    def _finish_digest(self):
        # Asked for in any case: until then the object holds the chip's hash engine, and has no
        # finaliser (modhashlib.c, ESP-IDF's parallel_engine). All later ones would lack it.
        digest = self._digest
        self._digest = None
        return digest and digest.digest()

    def _close(self):
        self._finish_digest()
        self._source.close()
        self._link.wifi.save_power(True)
        self._updates.indicator.override = None
