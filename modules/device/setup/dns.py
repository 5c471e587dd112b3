"""The name server in the board's network: every name is the board's own address, for 10 s.

So each system's probe for the internet reaches the board, and is led to the page. Only type A has
an answer: phones given one for AAAA, HTTPS or SVCB say that there is no internet. EDNS is left out
of the response, as RFC 6891 7 lets a server do that does not know it.
"""

import socket
from micropython import const

_PORT = const(53)
_MAX_QUERY = const(512)  # RFC 1035 4.2.1
_MAX_NAME = const(255)
_MAX_LABEL = const(63)

# Packets that one step answers at most: nobody may keep the loop busy.
_MAX_PACKETS = const(8)

_HEADER = const(12)
_SHORTEST = const(17)  # header, a name without labels, type and class

_A = b"\x00\x01"
_IN = b"\x00\x01"

_NO_ERROR = const(0x80)  # with "recursion available"
_NO_SUCH_NAME = const(0x83)

# Names that must not exist, or the browser asks a server elsewhere: Firefox's DNS over HTTPS, Apple's
# Private Relay.
_ABSENT = (
    b"\x13use-application-dns\x03net\x00",
    b"\x04mask\x06icloud\x03com\x00",
    b"\x07mask-h2\x06icloud\x03com\x00",
)


def _end_of_name(query):
    # Return where the question's name ends, None if it is none. RFC 1035 3.1; a question has no
    # reason for compression.
    at = _HEADER
    while at < len(query):
        label = query[at]
        at += 1
        if label == 0:
            return at if at - _HEADER <= _MAX_NAME else None
        if label > _MAX_LABEL:
            return None
        at += label
    return None


def respond(query, address):
    """Return the response to a query (bytes), None if it deserves none; `address` is 4 bytes."""
    if len(query) < _SHORTEST or query[2] & 0xF8 or query[4:6] != b"\x00\x01":
        return None  # too short, a response, another operation, or not one question
    name_end = _end_of_name(query)
    if name_end is None or name_end + 4 > len(query):
        return None
    question = query[_HEADER : name_end + 4]
    code = _NO_ERROR
    record = b""
    if query[_HEADER:name_end].lower() in _ABSENT:
        code = _NO_SUCH_NAME
    elif question[-4:] == _A + _IN:
        # The name of the question, type, class, 10 s, 4 bytes.
        record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x0a\x00\x04" + address
    flags = bytes(
        (0x84 | query[2] & 1, code)
    )  # a response with authority; "recursion desired" as asked
    counts = b"\x00\x01\x00%c\x00\x00\x00\x00" % (1 if record else 0)
    return query[:2] + flags + counts + question + record


class NameServer:
    """Answers on UDP port 53 whom `is_guest(IP address)` names a guest."""

    def __init__(self, address, is_guest):
        self._address = bytes([int(part) for part in address.split(".")])
        self._is_guest = is_guest
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setblocking(False)
        self.socket.bind(("0.0.0.0", _PORT))

    def step(self):
        """Answer what has come; never blocks."""
        for _ in range(_MAX_PACKETS):
            try:
                query, sender = self.socket.recvfrom(_MAX_QUERY + 1)
            except OSError:
                return
            if len(query) > _MAX_QUERY or not self._is_guest(sender[0]):
                continue
            response = respond(query, self._address)
            if response is not None:
                try:
                    self.socket.sendto(response, sender)
                except OSError:
                    return  # the phone has gone; it asks again if it comes back

    def close(self):
        self.socket.close()
