"""Improv Wi-Fi over the serial line: what a client in a browser asks for, and what it is told.

https://www.improv-wifi.com/serial/. Imported with the first request. Improv knows of a network and its
password alone; for the rest of the configuration the client gets the address of the board's page.
"""

import board
import sys
import version

from micropython import const
from .serial_line import write_packet

# Types of packets.
_STATE = const(1)
_ERROR = const(2)
_RESULT = const(4)

# States.
_READY = const(2)
_PROVISIONING = const(3)
_PROVISIONED = const(4)

# Errors.
_NONE = const(0)
_INVALID_REQUEST = const(1)
_UNKNOWN_COMMAND = const(2)
_UNABLE_TO_CONNECT = const(3)
_BAD_HOST_NAME = const(5)

# Commands.
_JOIN = const(1)
_TELL_STATE = const(2)
_TELL_BOARD = const(3)
_TELL_NETWORKS = const(4)
_HOST_NAME = const(5)
_DEVICE_NAME = const(6)

_HEAD = const(2)  # of a request and a result: the command, the length of what follows
_LINE_END = const(10)
_ENTERPRISE = const(2)  # radio.py: such a network cannot be joined


def pack_result(command, texts):
    """Return a result's data (bytes): the command, and texts, each behind its length.

    Never of 10 bytes: the reader of improv-wifi-serial-sdk takes that length for the end of a line,
    and loses the packet. One empty text more does no harm.
    """
    packed = b""
    for text in texts:
        text = text.encode()
        packed += bytes((len(text),)) + text
    if _HEAD + len(packed) == _LINE_END:
        packed += b"\x00"
    return bytes((command, len(packed))) + packed


def parse_login(data):
    """Return the two texts of a request to join, (ssid, password); None if it is malformed."""
    texts = []
    at = _HEAD
    for _ in range(2):
        if at >= len(data) or at + 1 + data[at] > len(data):
            return None
        end = at + 1 + data[at]
        texts.append(data[at + 1 : end])
        at = end
    try:
        return (texts[0].decode(), texts[1].decode()) if at == len(data) else None
    except UnicodeError:
        return None


class Improv:
    """The client's side of `setup`, a program.Setup; what it may use of it is public there."""

    def __init__(self, setup):
        self._setup = setup
        self._check = None  # of a network that the client has sent, in pieces
        self._is_joining = False  # for the client

    def take(self, request):
        """Answer a request: its command, the length of what follows, and that; None if it was damaged.

        Blocks for the search for networks, 2.4 s, where that is asked for.
        """
        if request is None:
            self._refuse(_INVALID_REQUEST)
            return
        command = request[0]
        if not _JOIN <= command <= _DEVICE_NAME:
            self._refuse(_UNKNOWN_COMMAND)
        elif command == _JOIN:
            self._join(request)
        elif len(request) > _HEAD:
            # A name to set: the configuration gives names.
            self._refuse(_BAD_HOST_NAME if command == _HOST_NAME else _UNKNOWN_COMMAND)
        else:
            write_packet(_ERROR, bytes((_NONE,)))
            self._tell(command)

    def answer_call(self):
        """Answer the request that has stopped the program, and of which the interrupt took a byte.

        It is the one for the state, with which every client begins.
        """
        self.take(bytes((_TELL_STATE, 0)))

    def _tell(self, command):
        setup = self._setup
        if command == _TELL_STATE:
            self._tell_state()
            if self._state() == _PROVISIONED:
                self._tell_address(command)
        elif command == _TELL_NETWORKS:
            for name, strength, kind in setup.search():
                if kind != _ENTERPRISE:
                    self._answer(command, name, str(strength), "YES" if kind else "NO")
            self._answer(command)
        elif command == _TELL_BOARD:
            chip = sys.implementation._machine.split(" with ")[-1]
            release = "v%d.%d.%d" % sys.implementation.version[:3]
            # The first is the name of the manifests that ESP Web Tools installs by: equal, it
            # updates the board and keeps its files.
            firmware = "MQTT firmware for " + board.PRODUCT
            texts = firmware, version.VERSION, chip, setup.name, "MicroPython", release
            self._answer(command, *texts)
        else:
            self._answer(command, setup.hostname() if command == _HOST_NAME else setup.name)

    def _join(self, request):
        login = parse_login(request)
        if login is None:
            self._refuse(_INVALID_REQUEST)
        elif self._check:
            self._refuse(_UNABLE_TO_CONNECT)
        else:
            self._check = self._setup.join(*login)

    def _go_on_checking(self):
        try:
            next(self._check)
            return
        except StopIteration as end:
            could_be = end.value
        self._check = None
        if could_be:
            write_packet(_ERROR, bytes((_NONE,)))
            self._is_joining = True
            self._tell_state()
        else:
            self._refuse(_UNABLE_TO_CONNECT)

    def close(self):
        """Let go of what is being checked."""
        if self._check:
            self._check.close()

    def step(self):
        """Do a piece of checking a network that the client has sent; return whether there was one.

        Tell how joining it has ended, once it has.
        """
        if self._check:
            self._go_on_checking()
            return True
        if not self._is_joining or self._state() == _PROVISIONING:
            return False
        self._is_joining = False
        if self._setup.has_joined():
            self._tell_state()
            self._tell_address(_JOIN)
        else:
            self._refuse(_UNABLE_TO_CONNECT)
            self._tell_state()
        return False

    def _state(self):
        if self._setup.is_trying():
            return _PROVISIONING
        return _PROVISIONED if self._setup.has_network() else _READY

    def _tell_state(self):
        write_packet(_STATE, bytes((self._state(),)))

    def _tell_address(self, command):
        # No text where there is no page: an empty one would be a link that leads nowhere.
        address = self._setup.page_address()
        self._answer(command, *((address,) if address else ()))

    def _answer(self, command, *texts):
        write_packet(_RESULT, pack_result(command, texts))

    def _refuse(self, error):
        write_packet(_ERROR, bytes((error,)))
