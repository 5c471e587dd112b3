"""An image from a URL: HTTP/1.1 without blocking, over the MQTT client's Transport.

The header is read into the block's buffer, which is free then: after a broken connection the board
goes on at the beginning of a block.
"""

import time
from micropython import const
from umqtt.transport import Transport

from .manifest import UpdateError

_SILENCE = const(20000)  # ms without a byte after which a connection is given up
_PAUSE = const(2000)  # ms between two attempts
_MAX_ATTEMPTS = const(3)  # without a new block
_MAX_REDIRECTS = const(3)
_MAX_LINE = const(2048)  # bytes of a URL
_REDIRECTS = (b"301", b"302", b"303", b"307", b"308")


def _fail(words, *values):
    raise UpdateError("http", words % values)


def parse(url):
    """Return (is it HTTPS, host, port, path) of a URL (str). Raises UpdateError."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    host, colon, port = authority.partition(":")
    port = port if colon else {"http": "80", "https": "443"}.get(scheme, "")
    if (
        scheme not in ("http", "https")
        or not 0 < len(host) < 254
        or "@" in authority
        or not (port.isdigit() and 0 < int(port[:6]) < 65536)
        or len(url) > _MAX_LINE
        or not all([" " < letter < "\x7f" for letter in url])
    ):
        _fail("the board cannot fetch %s; give http://host:port/file", url[:60])
    return scheme == "https", host, int(port), slash + path or "/"


def header_fields(lines):
    """Return {name in lower case: value} of the lines (bytes) after the first one."""
    fields = {}
    for line in lines:
        name, _, value = line.partition(b":")
        fields[name.strip().lower()] = value.strip()
    return fields


class _Unchecked:
    # A TLS context that looks at no certificate: the image's signature is what counts.

    def __init__(self):
        import tls

        self._context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        self._context.verify_mode = tls.CERT_NONE
        self.wrap_socket = self._context.wrap_socket


class Http:
    """The image of a command, block by block into `buffer`.

    received: a number that changes when a byte has come. For Transport it is what a session is: it
    has `out`, `offset`, `sent`, `space` and `receive`.
    """

    def __init__(self, link, command, buffer):
        self.received = 0
        self._link = link
        self._url = command.source
        self._size = command.size
        self._buffer = buffer
        self._block = 0  # where in the image the present block begins
        self._attempts = 0
        self._transport = None
        self._attempt_at = None  # ticks_ms of the last one
        self._where = parse(self._url)

    # What Transport asks for ------------------------------------------------------------

    def sent(self, count):
        self.offset += count
        if self.offset == len(self.out[0]):
            self.out.clear()

    def space(self):
        return memoryview(self._buffer)[self._fill : self._limit()]

    def receive(self, count):
        self.received += count
        self._heard = time.ticks_ms()
        self._fill += count
        if not self._in_body:
            self._read_header()
        elif self._skip:
            count = min(self._skip, self._fill)
            self._drop(count)
            self._skip -= count
        return True  # one piece a step

    # ------------------------------------------------------------------------------------

    def _limit(self):
        return (
            min(len(self._buffer), self._size - self._block)
            if self._in_body
            else len(self._buffer)
        )

    def _drop(self, count):
        # Take the first bytes out of the buffer.
        rest = bytes(memoryview(self._buffer)[count : self._fill])
        self._fill -= count
        self._buffer[: self._fill] = rest

    def step(self, now):
        """Return the whole block that has come, a memoryview valid until the next step; or None.

        Blocks for the DNS lookup once per attempt. Raises UpdateError.
        """
        if self._transport is None:
            if self._may_attempt(now):
                self._attempts += 1
                self._redirects = 0
                self._where = parse(self._url)
                self._connect(now)
            return None
        try:
            if self._is_taken:  # the block that was returned
                self._begin_block()
            self._transfer()
        except OSError:
            self.close()
        if self._transport is None:  # closed by a redirect, too
            return None
        if self._in_body and not self._skip and self._fill == self._limit():
            self._is_taken = True
            self._attempts = 0
            return memoryview(self._buffer)[: self._fill]
        if time.ticks_diff(now, self._heard) >= _SILENCE:
            self.close()
        return None

    def _may_attempt(self, now):
        if not self._link.wifi.connected:
            return False
        if self._attempt_at is not None and time.ticks_diff(now, self._attempt_at) < _PAUSE:
            return False
        if self._attempts == _MAX_ATTEMPTS:
            words = "%s:%d does not answer; is a firewall in between?" % self._where[1:3]
            raise UpdateError("unreachable", words)
        return True

    def _connect(self, now):
        is_tls, host, port, path = self._where
        self._attempt_at = self._heard = now
        self._fill = self._skip = self.offset = 0
        self._in_body = self._is_taken = False
        name = host if port in (80, 443) else "%s:%d" % (host, port)
        request = "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n" % (path, name)
        if self._block:
            request += "Range: bytes=%d-\r\n" % self._block
        self.out = [(request + "\r\n").encode()]
        try:
            context = _Unchecked() if is_tls else None
            self._transport = Transport(host, port, context, {}, _SILENCE)
        except OSError:
            self.close()

    def _begin_block(self):
        self._is_taken = False
        self._block += self._fill
        self._fill = 0

    def _transfer(self):
        transport = self._transport
        if transport.is_open or transport.open(0):
            # A broken connection may have another address.
            try:
                if transport.send(self):
                    transport.receive(self)
            except OSError:
                if self._fill or self._in_body or not transport.try_next():
                    raise

    def _read_header(self):
        data = bytes(memoryview(self._buffer)[: self._fill])
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if self._fill == len(self._buffer):
                _fail("%s sends a header of more than 4 KB", self._where[1])
            return
        first, *lines = data[:end].split(b"\r\n")
        fields = header_fields(lines)
        status = first[9:12] if first.startswith(b"HTTP/1.") else b""
        if status in _REDIRECTS:
            self._redirect(fields.get(b"location", b""))
            return
        self._check(status, fields)
        self._in_body = True
        # More than the rest of the image may have come with the header; only that much is kept.
        self._drop(end + 4)
        self._skip = self._block if status == b"200" else 0
        count = min(self._skip, self._fill)
        self._drop(count)
        self._skip -= count
        self._fill = min(self._fill, self._limit())

    def _check(self, status, fields):
        host = self._where[1]
        if status not in (b"200", b"206") or (status == b"206" and not self._block):
            _fail("%s answers %s", host, status.decode() if status.isdigit() else "nonsense")
        length = fields.get(b"content-length", b"")
        if b"transfer-encoding" in fields or not length.isdigit():
            _fail("%s does not say how long the file is", host)
        expected = self._size - self._block if status == b"206" else self._size
        if int(length) != expected:
            _fail("%s sends %s bytes instead of %d", host, length.decode()[:20], expected)

    def _redirect(self, location):
        self._redirects += 1
        if self._redirects > _MAX_REDIRECTS:
            _fail("%s redirects more than %d times", self._where[1], _MAX_REDIRECTS)
        try:
            url = location.decode()
        except UnicodeError:
            url = ""
        is_tls, host, port, _ = self._where
        if url[:1] == "/" and url[:2] != "//":
            url = "%s://%s:%d%s" % ("https" if is_tls else "http", host, port, url)
        self._where = parse(url)
        self.close()
        self._connect(time.ticks_ms())

    def close(self):
        """Ask no more."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
