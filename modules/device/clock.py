"""The time of day, which a board has lost when it wakes up: certificates cannot be verified without.

One SNTP question at a time [RFC 4330], never blocking longer than a DNS lookup.
"""

import os
import socket
import time
import timers
from machine import RTC
from micropython import const

_PORT = const(123)
_RETRY = const(3000)  # ms between two questions
_PACKET = const(48)

# No certificate that is valid today was issued before; an unset clock says 2000 or 1970.
_FIRST_YEAR = const(2025)

# Seconds from 1900, where NTP counts from, to 1970 and to 2000, where ports count from.
_TO_1970 = const(2208988800)
_TO_2000 = const(3155673600)


class Clock:
    """Asks a time server until the clock is set. Call `step` until `is_set()`."""

    def __init__(self, server, port=_PORT):
        self._server = server
        self._port = port
        self._socket = None
        self._asked_at = None
        self._nonce = None  # stands in for our time: a reply must repeat it

    @staticmethod
    def is_set():
        """Return whether the clock can be right."""
        return time.gmtime()[0] >= _FIRST_YEAR

    def step(self):
        """Ask, or take the answer. Blocks for the DNS lookup of a question."""
        try:
            if self._socket is not None:
                self._receive()
            if self._asked_at is None or timers.elapsed(self._asked_at, _RETRY):
                self._asked_at = time.ticks_ms()
                self._ask()
        except OSError as error:
            print("time: no answer from %s (%s)" % (self._server, error))
            self.close()

    def _ask(self):
        self.close()
        address = socket.getaddrinfo(self._server, self._port, 0, socket.SOCK_DGRAM)[0][-1]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._nonce = os.urandom(8)
        packet = bytearray(_PACKET)
        packet[0] = 0x23  # no warning, version 4, client
        packet[40:48] = self._nonce
        self._socket.sendto(packet, address)

    def _receive(self):
        try:
            packet = self._socket.recv(_PACKET)
        except OSError:
            return  # nothing there yet
        if (
            len(packet) < _PACKET
            or packet[0] & 7 != 4  # a server's answer
            or not 1 <= packet[1] <= 15  # a synchronised server
            or packet[24:32] != self._nonce  # to our question
        ):
            return
        self.close()
        self._set(int.from_bytes(packet[40:44], "big"))

    def _set(self, seconds):
        if seconds < _TO_2000:  # NTP's era 1 begins in 2036
            seconds += 1 << 32
        seconds -= _TO_2000 if time.gmtime(0)[0] == 2000 else _TO_1970
        year, month, day, hour, minute, second, weekday = time.gmtime(seconds)[:7]
        RTC().datetime((year, month, day, weekday + 1, hour, minute, second, 0))
        print("time: %04d-%02d-%02d %02d:%02d UTC" % (year, month, day, hour, minute))

    def close(self):
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
