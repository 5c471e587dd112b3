"""A small HTTP server for the page: one request a connection, each read and answered in slices.

What a request may cost is bounded: 2 KB of headers, of which only the current line is kept, one
body of 4 KB at a time on the whole server, 3 s of silence, 5 s to send it and 5 s to take the answer.
Between them the client waits while its answer is made, one piece of all such work in each step. If it
leaves meanwhile, what it has sent still counts: phones drop out of the board's network by themselves.
"""

import gc
import select
import socket
import time
from micropython import const

_PORT = const(80)
_BACKLOG = const(4)
_MAX_CLIENTS = const(4)

_MAX_HEADERS = const(2048)  # bytes
_MAX_LINE = const(256)  # so much of a line is looked at
_MAX_BODY = const(4096)
_CHUNK = const(512)  # read or sent at once

_WHOLE_TIME = const(5000)  # ms
_SILENCE = const(3000)
# After its answer a client has this long to close: who closes first keeps the port busy, and closing
# on bytes that were not read would reset the connection under the answer.
_LEAVE_TIME = const(1000)

# A tuple lies in the image, a dict in the heap.
_PHRASES = (
    (200, "OK"),
    (204, "No Content"),
    (302, "Found"),
    (400, "Bad Request"),
    (403, "Forbidden"),
    (404, "Not Found"),
    (405, "Method Not Allowed"),
    (409, "Conflict"),
    (411, "Length Required"),
    (413, "Content Too Large"),
    (415, "Unsupported Media Type"),
    (422, "Unprocessable Content"),
    (429, "Too Many Requests"),
    (431, "Request Header Fields Too Large"),
    (503, "Service Unavailable"),
)

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"

_LANGUAGES = (b"en", b"zh")  # of the page


def _choose_language(wanted):
    # Return the first of ours in an Accept-Language header: browsers name the preferred one first. What a
    # phone in China has before Chinese, such as ug-CN or yue-HK, we may not have.
    for each in wanted.split(b","):
        language = each.strip()[:2]
        if language in _LANGUAGES:
            return language
    return _LANGUAGES[0]


_READING = const(0)
_WAITING = const(1)
_ANSWERING = const(2)
_LEAVING = const(3)

# What the poller looks for in each state. Errors it always tells.
_EVENTS = (select.POLLIN, 0, select.POLLOUT, select.POLLIN)


class Request:
    """What a client wants. `feed` takes its bytes; the fields are whole once it returns 200."""

    def __init__(self, peer):
        self.peer = peer  # the client's IP address
        self.method = b""
        self.path = b""
        self.host = b""
        self.language = b"en"  # that the browser prefers, of those that the page has: or b"zh"
        self.is_json = False
        self.body = b""
        self._length = None  # of the body
        self._line = bytearray()
        self._size = 0  # of the headers so far
        self._in_body = False

    def has_body(self):
        """Return whether the headers are whole, and a body follows or is there."""
        return self._in_body and self._length > 0

    def feed(self, data):
        """Take the next bytes; return 0 for more, 200 if it is whole, else the status to refuse with."""
        if self._in_body:
            return self._feed_body(data)
        at = 0
        while True:
            end = data.find(b"\n", at)
            piece = data[at:] if end < 0 else data[at:end]
            self._size += len(piece) + 1
            if self._size > _MAX_HEADERS:
                return 431
            self._line.extend(piece[: _MAX_LINE - len(self._line)])
            if end < 0:
                self._size -= 1
                return 0
            at = end + 1
            line = bytes(self._line).rstrip(b"\r")
            self._line = bytearray()
            status = self._take_line(line)
            if status == 100:  # the headers' end
                return self._feed_body(data[at:])
            if status:
                return status

    def _take_line(self, line):
        # Return 0 for more, 100 at the end of the headers, else the status to refuse with.
        if not self.method:
            return self._take_first_line(line)
        if not line:
            return self._end_headers()
        name, colon, value = line.partition(b":")
        name = name.lower()
        value = value.strip()
        if not colon:
            return 400
        if name == b"host":
            self.host = value.lower()
        elif name == b"content-type":
            self.is_json = value.lower().split(b";")[0].strip() == b"application/json"
        elif name == b"accept-language":
            self.language = _choose_language(value.lower())
        elif name == b"transfer-encoding":
            return 411
        elif name == b"content-length":
            if not value.isdigit() or len(value) > 9 or self._length not in (None, int(value)):
                return 400
            self._length = int(value)
        return 0

    def _take_first_line(self, line):
        if not line:
            return 0  # RFC 9112 2.2: an empty line before the request is passed over
        words = line.split(b" ")
        is_cut = len(line) == _MAX_LINE and len(words) == 2  # nobody here has so long a path
        if not is_cut and (len(words) != 3 or not words[2].startswith(b"HTTP/1.")):
            return 400
        self.method, self.path = words[:2]
        return 0

    def _end_headers(self):
        if self.method not in (b"GET", b"HEAD", b"POST"):
            return 405
        if self.method == b"POST" and self._length is None:
            return 411
        self._length = self._length or 0
        if self._length > _MAX_BODY:
            return 413
        self._in_body = True
        return 100

    def _feed_body(self, data):
        if data:
            if not self.body:
                self.body = bytearray()
            self.body.extend(data[: self._length - len(self.body)])
        return 200 if len(self.body) >= self._length else 0


class _Client:
    # A connection, from its request to its end.

    def __init__(self, stream, peer, now):
        self.stream = stream
        self.begin = self.last = now
        self.state = _READING
        self.request = Request(peer)
        self.work = None  # that makes the answer
        self.parts = None  # what is still to be sent, memoryviews

    def answer(self, status, kind="", body=b"", location="", with_body=True):
        head = "HTTP/1.1 %d %s\r\nConnection: close\r\nCache-Control: no-store\r\n" % (
            status,
            dict(_PHRASES)[status],
        )
        if location:
            head += "Location: %s\r\n" % location
        if kind:
            head += "Content-Type: %s\r\n" % kind
        if body[:2] == b"\x1f\x8b":
            head += "Content-Encoding: gzip\r\n"
        if status != 204:
            head += "Content-Length: %d\r\n" % len(body)
        self.parts = [memoryview((head + "\r\n").encode())]
        if body and with_body:
            self.parts.append(memoryview(body))
        self.state = _ANSWERING

    def send(self):
        while self.parts:
            part = self.parts[0]
            sent = self.stream.write(part[:_CHUNK])
            if sent is None:
                return
            if sent < len(part):
                self.parts[0] = part[sent:]
            else:
                self.parts.pop(0)
        self.parts = None
        self.state = _LEAVING


class Server:
    """Serves whom `is_admitted(IP address)` lets in; `answer(request)` says with what.

    It is a generator, each piece of which takes 50 ms at most, and which returns (status, kind of
    content, body as bytes, location).
    """

    def __init__(self, answer, is_admitted):
        self._answer = answer
        self._is_admitted = is_admitted
        self._clients = {}  # stream -> _Client
        self._waiting = []  # clients, in turn
        self._is_listening = False
        self._poller = select.poll()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setblocking(False)
        self._listener.bind(("0.0.0.0", _PORT))
        self._listener.listen(_BACKLOG)

    def watch(self, stream):
        """Let `step` return when bytes have come on another socket."""
        self._poller.register(stream, select.POLLIN)

    def step(self, ms):
        """Serve whoever is ready, and do one piece of an answer; return whether there was one.

        Waits at most `ms` for the first client.
        """
        self._listen(len(self._clients) < _MAX_CLIENTS)
        for stream, event in self._poller.poll(0 if self._waiting else ms):
            client = self._clients.get(stream)
            if client is not None:
                self._serve(client)
            elif stream is self._listener:
                self._accept()
        has_work = bool(self._waiting)
        if has_work:
            self._work(self._waiting.pop(0))
        now = time.ticks_ms()
        for client in list(self._clients.values()):
            if self._is_late(client, now):
                self._drop(client)
        return has_work

    def _listen(self, on):
        # Who comes while all places are taken waits in the listener's own queue.
        if on != self._is_listening:
            self._is_listening = on
            if on:
                self._poller.register(self._listener, select.POLLIN)
            else:
                self._poller.unregister(self._listener)

    def _is_late(self, client, now):
        if client.state == _WAITING:
            return False  # the board is, not the client
        silence = time.ticks_diff(now, client.last)
        if client.state == _LEAVING:
            return silence >= _LEAVE_TIME
        return silence >= _SILENCE or time.ticks_diff(now, client.begin) >= _WHOLE_TIME

    def _accept(self):
        try:
            stream, peer = self._listener.accept()
        except OSError:
            return  # gone already, or no socket is left
        if not self._is_admitted(peer[0]):
            stream.close()
            return
        stream.setblocking(False)
        self._clients[stream] = _Client(stream, peer[0], time.ticks_ms())
        self._poller.register(stream, select.POLLIN)

    def _drop(self, client):
        self._clients.pop(client.stream, None)
        self._poller.unregister(client.stream)
        client.stream.close()
        if client in self._waiting:
            self._waiting.remove(client)
        if client.work:
            client.work.close()

    def _serve(self, client):
        try:
            if client.state == _ANSWERING:
                client.send()
            elif client.state == _WAITING:
                return  # reset: what it has sent counts all the same, and sending the answer fails
            else:
                data = client.stream.read(_CHUNK)
                if data is None:
                    return
                if not data:
                    self._drop(client)
                    return
                if client.state == _LEAVING:
                    return  # passed over, and no longer a reason to stay
                self._take(client, data)
            client.last = time.ticks_ms()
            self._poller.modify(client.stream, _EVENTS[client.state])
        except OSError:  # reset, or the phone has gone
            self._drop(client)
            gc.collect()

    def _take(self, client, data):
        request = client.request
        was_in_body = request.has_body()  # there is room for it, then, whoever comes later
        status = request.feed(data)
        if status == 0 and not was_in_body and request.has_body() and self._has_other_body(client):
            status = 503
        if status == 200:
            client.work = self._answer(request)
            client.state = _WAITING
            self._waiting.append(client)
        elif status:
            client.request = None
            client.answer(status, "text/plain", dict(_PHRASES)[status].encode())
            client.send()

    def _work(self, client):
        # Do a piece of an answer; the last one begins to send it.
        try:
            next(client.work)
        except StopIteration as end:
            answer = end.value
        else:
            self._waiting.append(client)
            return
        with_body = client.request.method != b"HEAD"
        client.work = client.request = None
        client.answer(*answer, with_body=with_body)
        gc.collect()
        client.begin = time.ticks_ms()
        self._serve(client)

    def _has_other_body(self, client):
        for other in self._clients.values():
            if other is not client and other.request is not None and other.request.has_body():
                return True
        return False

    def drop_all(self):
        """Close every connection, to have memory again."""
        for client in list(self._clients.values()):
            self._drop(client)
        gc.collect()

    def close(self):
        self.drop_all()
        self._listener.close()
