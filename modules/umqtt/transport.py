"""One TCP or TLS connection that never blocks.

The socket is non-blocking from birth and every wait is a `poll` with a limit. `settimeout` is not
used: under TLS a read that times out kills the SSL socket for good, and on ESP32 `setblocking`
clears what it set.
"""

import errno
import select
import socket
import time

from micropython import const

_IPPROTO_TCP = const(6)  # both numbers are the same in lwIP and Linux;
_TCP_NODELAY = const(1)  # not every port's socket module names them
_NO_CA = const(-0x7680)  # mbedTLS: verification is required, but there is no CA to verify with
_IN = select.POLLIN
_IN_OUT = select.POLLIN | select.POLLOUT
_MAX_READS = const(32)  # in one go, of a packet larger than its buffer
_verification_warning = True  # printed once


class CertificateError(ValueError):
    """TLS: the broker's certificate, or ours, cannot be used. Trying again does not help."""


def _context(parameters):
    # The legacy form ssl=True with ssl_params, as micropython-lib's ssl.wrap_socket reads them.
    import tls

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    ca = parameters.get("cadata")
    if parameters.get("cert") or parameters.get("key"):
        context.load_cert_chain(parameters["cert"], parameters["key"])
    if ca:
        context.load_verify_locations(ca)
    context.verify_mode = parameters.get("cert_reqs", tls.CERT_REQUIRED if ca else tls.CERT_NONE)
    return context


def explain(error):
    """Return the exception that `error`, raised by a Transport, stands for."""
    if isinstance(error, ValueError):
        reason = str(error).strip()
    elif isinstance(error, OSError) and error.args[0] == _NO_CA:
        reason = "verification is required but no CA was given"
    else:
        return error
    # A board without a clock battery starts in 2000 (ESP32) or 1970, before any certificate.
    year = time.gmtime()[0]
    if "future" in reason and year < 2024:
        reason = (
            "the clock is not set (it says year %d): set it with ntptime.settime() first; %s"
            % (year, reason)
        )
    return CertificateError("TLS certificate: " + reason)


class Transport:
    """A connection to `server`:`port`. The constructor does the DNS lookup, which blocks.

    ssl, parameters: as `ssl` and `ssl_params` of MQTTClient. timeout: ms, for all addresses that
    the name has; each but the last gets its share.

    On ESP32 `getaddrinfo` cannot be cut short: with a dead DNS server it takes some seconds.
    Everything else returns at once, or within the milliseconds it is given. After an exception
    close it; `explain` tells what it means.

    is_open: whether TCP is connected; what is written next drives the TLS handshake.
    """

    # True after an exception, or Ctrl-C, inside a transfer: how much has gone through? The count
    # while the session has not been told.
    is_torn = False
    _context = None
    _raw = None  # the socket under TLS, closed by itself: a failed handshake leaves it to us

    def __init__(self, server, port, ssl, parameters, timeout):
        global _verification_warning
        self.sock = None  # what is read and written: the SSL socket under TLS
        if ssl:
            self._context = _context(parameters) if ssl is True else ssl
            self._server = parameters.get("server_hostname", server)
            if _verification_warning and not getattr(self._context, "verify_mode", 1):
                _verification_warning = False
                print(
                    "mqtt: TLS without a CA: anyone can pose as the broker; give ssl_params cadata"
                )
        # IPv6 entries have no address on ESP32 (None); elsewhere each address is tried in turn.
        self._addresses = [
            entry for entry in socket.getaddrinfo(server, port, 0, socket.SOCK_STREAM) if entry[-1]
        ]
        self._share = timeout // (len(self._addresses) or 1)
        self._connect()

    def _connect(self):
        # Start connecting to the next address.
        while True:
            self.close()
            self.is_torn = False
            if not self._addresses:
                raise OSError(errno.EHOSTUNREACH)
            entry = self._addresses.pop(0)
            self._deadline = time.ticks_add(time.ticks_ms(), self._share)
            self.sock = socket.socket(*entry[:3])
            try:
                # A small packet must not wait for the acknowledgement of the one before it. Asked
                # for now: lwIP has no options (EINVAL) for a connection that has been refused.
                self.sock.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
                self.sock.setblocking(False)
                self.sock.connect(entry[-1])
            except OSError as e:
                if e.errno != errno.EINPROGRESS:
                    if self._addresses:
                        continue
                    self.close()
                    raise
            self._register()
            return

    def _register(self):
        self._poller = select.poll()
        self._events = _IN  # what the poller looks for
        self._poller.register(self.sock, _IN)

    def open(self, milliseconds):
        """Wait for TCP; return whether it `is_open` now. Goes on to the next address in time.

        Only while not `is_open`. A refused port also looks connected: the first write tells.
        """
        if not self.wait(milliseconds, True) & ~_IN:
            if self._addresses and time.ticks_diff(time.ticks_ms(), self._deadline) > 0:
                self._connect()
            return False
        if self._context:
            # Without handshake here: it is driven by write() and read(), slice by slice.
            self._raw = self.sock
            self.sock = self._context.wrap_socket(
                self._raw, server_hostname=self._server, do_handshake_on_connect=False
            )
            self._register()
        self.is_open = True
        return True

    def wait(self, milliseconds, writing):
        """Wait until there is something to read (or, if `writing`, room to write); return the events.

        Scheduled callbacks run meanwhile.
        """
        if self._poller is None:
            raise OSError(errno.ENOTCONN)
        events = _IN_OUT if writing else _IN
        if events != self._events:
            self._events = events
            self._poller.modify(self.sock, events)
        for _, events in self._poller.ipoll(milliseconds):
            return events
        return 0

    def send(self, session):
        """Write what fits of `session.out`; return whether that was all."""
        if self.sock is None:
            raise OSError(errno.ENOTCONN)
        out = session.out
        while out:
            chunk = out[0]
            self.is_torn = True
            count = self.is_torn = self.sock.write(
                chunk, session.offset, len(chunk) - session.offset
            )
            if not count:
                return False
            if self._addresses:
                self._addresses = ()  # this one it is
            session.sent(count)
            self.is_torn = False
        return True

    def receive(self, session):
        """Read what there is, up to a packet's end; return its first byte, or None.

        OSError(-1) at the end of the stream.
        """
        if self.sock is None:
            raise OSError(errno.ENOTCONN)
        left = _MAX_READS
        while left:
            buffer = session.space()
            self.is_torn = True
            count = self.is_torn = self.sock.readinto(buffer)
            if count == 0:
                raise OSError(-1)  # as in micropython-lib
            if not count:
                return None
            kind = session.receive(count)
            self.is_torn = False
            if kind is not None or count < len(buffer):
                return kind
            left -= 1
        return None

    def try_next(self):
        """After an OSError: return whether there is another address, and begin to connect to it."""
        if not self._addresses:
            return False
        self._connect()
        return True

    def close(self):
        """Close; may be called again."""
        for sock in (self.sock, self._raw):
            try:
                if sock:
                    sock.close()
            except OSError:
                pass
        self.sock = self._poller = None
        self.is_open = False
