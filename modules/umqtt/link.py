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
_verification_warning = True  # printed once


class CertificateError(ValueError):
    """TLS: the broker's certificate, or ours, cannot be used. Trying again does not help."""


def _context(ssl, parameters):
    # The legacy form ssl=True with ssl_params, as micropython-lib's ssl.wrap_socket reads them.
    import tls

    if ssl is not True:
        return ssl
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    ca = parameters.get("cadata")
    if parameters.get("cert") or parameters.get("key"):
        context.load_cert_chain(parameters["cert"], parameters["key"])
    if ca:
        context.load_verify_locations(ca)
    context.verify_mode = parameters.get("cert_reqs", tls.CERT_REQUIRED if ca else tls.CERT_NONE)
    return context


def _warn_if_unverified(context):
    global _verification_warning
    if _verification_warning and not getattr(context, "verify_mode", 1):
        _verification_warning = False
        print("mqtt: TLS without a CA: anyone can pose as the broker; give ssl_params cadata")


def _certificate_error(reason):
    reason = str(reason).strip()
    # A board without a clock battery starts in 2000 (ESP32) or 1970, before any certificate.
    if "future" in reason and time.gmtime()[0] < 2024:
        reason = (
            "the clock is not set (it says year %d): set it with ntptime.settime() first; %s"
            % (
                time.gmtime()[0],
                reason,
            )
        )
    return CertificateError("TLS certificate: " + reason)


class Link:
    """A connection to `server`:`port`. The constructor looks the name up, which blocks.

    On ESP32 `getaddrinfo` cannot be cut short: with a dead name server it takes some seconds.
    Everything else returns at once, or within the milliseconds it is given.
    """

    def __init__(self, server, port, ssl, parameters):
        self.sock = None  # what is read and written: the SSL socket under TLS
        self._raw = None  # closed by itself: a failed handshake leaves it to us
        self._poller = None
        self._server = server
        self._context = None
        if ssl:
            self._context = _context(ssl, parameters)
            self._server = parameters.get("server_hostname", server)
            _warn_if_unverified(self._context)
        # IPv6 entries have no address on ESP32 (None); elsewhere each address is tried in turn.
        self._addresses = [
            entry for entry in socket.getaddrinfo(server, port, 0, socket.SOCK_STREAM) if entry[-1]
        ]
        self.more = len(self._addresses)
        self.next_address()

    def next_address(self):
        """Start connecting to the next address; OSError when there is none or it is refused."""
        while True:
            self.close()
            if not self._addresses:
                raise OSError(errno.EHOSTUNREACH)
            entry = self._addresses.pop(0)
            self.more = len(self._addresses)
            self._raw = self.sock = socket.socket(entry[0], entry[1], entry[2])
            try:
                # A small packet must not wait for the acknowledgement of the one before it. Asked
                # for now: lwIP has no options (EINVAL) for a connection that has been refused.
                self.sock.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
                self.sock.setblocking(False)
                self.sock.connect(entry[-1])
            except OSError as e:
                if e.errno != errno.EINPROGRESS:
                    if self.more:
                        continue
                    self.close()
                    raise
            self._watch()
            return

    def _watch(self):
        self._poller = select.poll()
        self._poller.register(self.sock, select.POLLIN)

    def wait(self, milliseconds, writing):
        """Wait until there is something to read (or, `writing`, room to write); return the events.

        Scheduled callbacks run meanwhile.
        """
        events = select.POLLIN | select.POLLOUT if writing else select.POLLIN
        self._poller.modify(self.sock, events)
        for _, events in self._poller.ipoll(milliseconds):
            return events
        return 0

    def opened(self, milliseconds):
        """Return whether TCP is connected, waiting for it; under TLS the handshake comes next.

        A refused port also looks connected: the first write tells.
        """
        if not self.wait(milliseconds, True) & ~select.POLLIN:
            return False
        if self._context:
            # Without handshake here: it is driven by write() and read(), slice by slice.
            self.sock = self._context.wrap_socket(
                self._raw, server_hostname=self._server, do_handshake_on_connect=False
            )
            self._watch()
        return True

    def write(self, data, offset):
        """Write `data` from `offset` on; return how many bytes fitted, or None if none did."""
        return self._transfer(True, data, offset)

    def read_into(self, buffer, size):
        """Read up to `size` bytes; return their number, 0 at the end of the stream, else None."""
        return self._transfer(False, buffer, size)

    def _transfer(self, writing, data, number):
        if not self.sock:
            raise OSError(errno.ENOTCONN)
        try:
            if writing:
                return self.sock.write(data, number, len(data) - number)
            return self.sock.readinto(data, number)
        except ValueError as e:
            self.close()
            raise _certificate_error(e)
        except OSError as e:
            self.close()
            if e.args[0] == _NO_CA:
                raise _certificate_error("verification is required but no CA was given")
            raise
        except:
            # Ctrl-C inside a transfer: nobody knows how much has gone, so it cannot go on.
            self.close()
            raise

    def close(self):
        """Close; may be called again."""
        for sock in (self.sock, self._raw):
            try:
                if sock:
                    sock.close()
            except OSError:
                pass
        self.sock = self._raw = self._poller = None
