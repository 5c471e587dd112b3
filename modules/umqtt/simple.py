"""MQTT client, a drop-in for micropython-lib's umqtt.simple that cannot hang. See docs/umqtt.md."""

import errno
import time
from _thread import allocate_lock

from micropython import const

from . import protocol
from .protocol import PINGRESP, PUBLISH, MQTTException, NotMQTTError, ProtocolError, Session
from .transport import CertificateError, Transport, explain

# Longest wait in one go, ms: what a Timer or a thread has queued meanwhile leaves after it.
_SLICE = const(50)

# What `_closing` asks of whoever holds the I/O lock.
_CLOSE = const(1)
_DISCONNECT = const(2)
_MAX_QUEUE = const(64)  # chunks waiting for the socket before a caller is told to stop
_DISCONNECT_LIMIT = const(1000)  # ms for DISCONNECT


# A lock that Ctrl-C cannot leave locked:
#
#     held = False
#     try:
#         held = lock.acquire(0)
#         ...
#     finally:
#         _RELEASE[held](lock)
#
# MicroPython raises KeyboardInterrupt at jumps and in calls that wait, nowhere else. There is
# neither between the acquisition and the assignment, nor before the release: so no `if` there.
_RELEASE = (id, type(allocate_lock()).release)  # id() does nothing to a lock that is not held


class MQTTClient:
    """A client for one broker. Nothing happens on the network before `connect` or `start`.

    client_id, user: str (sent as UTF-8) or bytes. password: str or bytes.
    server: host name or address. port: 0 means 1883, or 8883 with `ssl`.
    keepalive: seconds, 0 to 65535. PINGREQ is sent by itself in every call that waits or steps; a
        silent link is found within 1.25 x keepalive. With 0 the client still asks every PROBE
        seconds at the latest whether the broker is there.
    ssl: an SSLContext, or True for one made from ssl_params (key, cert, cadata, cert_reqs,
        server_hostname). With cadata the broker's certificate is verified.

    Every call that waits may raise OSError (link lost, ETIMEDOUT; -1 if the broker closed),
    ProtocolError (an OSError: the broker broke the rules) and then the connection is closed.

    For classes built on this one there are `session` (protocol.Session), `transport` (Transport,
    or None) and what stands under "For subclasses".
    """

    TIMEOUT = 15  # s: for a whole connect (after the DNS lookup), a write, or an answer
    PROBE = 120  # s: stands in for keepalive 0 when looking whether the link is alive
    MAX_PACKET = 4096  # bytes: a larger PUBLISH is acknowledged, counted and thrown away
    MAX_IN_FLIGHT = 32  # unacknowledged QoS 1 and 2 publishes

    # In the class as long as nobody sets them: a client's dictionary stays smaller.
    lw_topic = None
    lw_msg = None
    lw_qos = 0
    lw_retain = False
    last_error = None  # the exception that ended the last connection
    republish = False  # as Session's; for subclasses
    connected_at = 0  # ticks_ms of the last CONNACK
    cb = None
    _details = False
    _router = None

    def __init__(
        self,
        client_id,
        server,
        port=0,
        user=None,
        password=None,
        keepalive=0,
        ssl=None,
        ssl_params={},
    ):
        self.client_id = client_id
        self.server = server
        self.port = port or (8883 if ssl else 1883)
        self.ssl = ssl
        self.ssl_params = ssl_params
        self.user = user
        self.pswd = password
        self.keepalive = keepalive
        self.session = Session()
        self.counters = self.session.counters
        self.transport = None
        # Held by the one call that waits, steps or delivers,
        self._dispatch_lock = allocate_lock()
        # and by whoever reads or writes: a packet leaves as a whole.
        self._io_lock = allocate_lock()
        self._closing = 0
        self._due_at = 0  # ticks_ms: when the session must be looked at again
        self.backlog = []  # arguments of publish: what waits for a connection, or for room

    # ---- settings

    @property
    def sock(self):
        """The socket (under TLS the SSL socket) or None. It is non-blocking: leave it so."""
        return self.transport and self.transport.sock

    @property
    def pid(self):
        """The packet identifier used last."""
        return self.session.pid

    @pid.setter
    def pid(self, identifier):
        self.session.pid = identifier

    def set_callback(self, f, details=False):
        """Call f(topic, msg) for messages without a handler of their own; both are bytes.

        With details=True: f(topic, msg, retained, qos, dup).
        """
        self.cb = f
        self._details = details

    def set_last_will(self, topic, msg, retain=False, qos=0):
        """Have the broker publish `msg` if this client vanishes; call before connect.

        ValueError for a bad topic or qos. `lw_topic = None` takes it back.
        """
        protocol.check_qos(qos)
        self.lw_topic = protocol.topic_name(topic)
        self.lw_msg = protocol.payload(msg)
        self.lw_qos = qos
        self.lw_retain = retain

    def on_connected(self, session_present):
        """Hook, called after each connect: override it or assign a function."""

    def on_subscribed(self, topic_filter, qos):
        """Hook, called when the broker answers a subscription: granted QoS, or 0x80 refused."""

    # ---- connecting

    def connect(self, clean_session=True, timeout=None):
        """Connect; return 1 if the broker still had this client's session, else 0.

        timeout: seconds, replaces TIMEOUT from now on. Blocks for the DNS lookup plus TIMEOUT.
        Raises OSError, MQTTException(1..5) when refused, CertificateError (a ValueError).
        """
        if timeout is not None:
            self.TIMEOUT = timeout
        held = False
        try:
            held = self._dispatch_lock.acquire(0)
            if not held:
                raise RuntimeError("connect() cannot be called inside a callback")
            MQTTClient.start(self, clean_session)
            while not self.session.is_connected:
                self._dispatch(self._io(MQTTClient._exchange, _SLICE))
            return self.session.session_present
        finally:
            _RELEASE[held](self._dispatch_lock)

    def start(self, clean_session=True):
        """Begin to connect and return; `step` does the rest. Blocks for the DNS lookup."""
        self.close()
        if self.transport is not None:
            raise RuntimeError("another call is using the connection")
        session = self.session
        session.timeout = int(self.TIMEOUT * 1000)
        session.probe = self.PROBE
        session.max_packet = self.MAX_PACKET
        session.republish = self.republish
        will = None
        if self.lw_topic:
            will = (self.lw_topic, self.lw_msg, self.lw_retain, self.lw_qos)
        try:
            session.connect(
                self.client_id, clean_session, self.keepalive, self.user, self.pswd, will
            )
            self.transport = Transport(
                self.server, self.port, self.ssl, self.ssl_params, session.timeout
            )
        except Exception as e:
            self.lose(e)
            raise

    def isconnected(self):
        """Return whether the broker has accepted the connection and it has not been lost yet."""
        return self.session.is_connected and not self._closing

    def disconnect(self):
        """Say goodbye and close; may be called at any time, again, and without a connection.

        Blocks up to one second if the network is stuck.
        """
        self._close(_DISCONNECT)

    # ---- sending

    def ping(self):
        """Send PINGREQ; the answer is counted in counters["pings_answered"].

        Never needed: the client pings by itself. Inside a Timer callback it does not wait.
        """
        self._check_connected()
        # Before it is sent: the answer is for wait_msg(), which returns after it.
        self.wait_while(self._look)
        self.session.ping()
        self._io(MQTTClient._write, False)

    def publish(self, topic, msg, retain=False, qos=0):
        """Publish `msg` (str, as UTF-8, or bytes) and wait for the broker's acknowledgement.

        QoS 0 waits only for room in the socket. Messages may be delivered while it waits. Inside
        a callback, a Timer or another thread it does not wait: the packet leaves as soon as the
        call under way allows, and its acknowledgement is handled there.
        Blocks up to 3 x TIMEOUT. ValueError for a bad topic or qos; OSError(ENOBUFS) when it
        cannot wait and MAX_IN_FLIGHT messages are unacknowledged.
        """
        self.make_room(qos)
        self.flush(self.publish_nowait(topic, msg, retain, qos))

    def publish_nowait(self, topic, msg, retain=False, qos=0):
        """Queue a message for the next `step` and return its packet identifier (0 with QoS 0).

        Never blocks. `unacknowledged(identifier)` tells when QoS 1 or 2 is done.
        """
        if self.backlog or not self.session.is_connected or self._closing:
            return self.defer(topic, msg, retain, qos)
        if len(self.session.out) >= _MAX_QUEUE or qos and not self.has_room(qos):
            raise OSError(errno.ENOBUFS)
        return self.session.publish(topic, msg, retain, qos)

    def unacknowledged(self, identifier):
        """Return whether the publish with this packet identifier still waits for the broker."""
        return self.session.is_unacknowledged(identifier)

    # ---- subscribing

    def subscribe(self, topic, qos=0):
        """Subscribe to a topic filter; MQTTException(0x80) if the broker refuses it.

        Messages may be delivered before it returns. Blocks up to 2 x TIMEOUT; inside a callback
        not at all (a refusal then only shows in `on_subscribed`).
        """
        if self.cb is None and self._router is None:
            raise AssertionError("Subscribe callback is not set")
        topic = protocol.topic_filter(topic)
        self._check_connected()
        self.flush(self.session.subscribe(topic, qos))
        if self.session.granted.get(topic) == protocol.REFUSED:
            raise MQTTException(protocol.REFUSED)

    def unsubscribe(self, topic):
        """Take a subscription back, and the handler that `on` gave it. Blocks like subscribe."""
        topic = self.remove_handler(topic)
        self._check_connected()
        self.flush(self.session.unsubscribe(topic))

    def on(self, topic_filter, handler, qos=0, details=False):
        """Call handler(topic, msg) for messages that match; subscribe now or at each connect.

        Every handler whose filter matches is called, in the order they were given; messages that
        match none go to the callback. A second `on` with the same filter replaces the first.
        details: as in set_callback. Blocks like subscribe if connected, else not at all.
        """
        self.add_handler(topic_filter, handler, qos, details)
        if self.isconnected():
            self.subscribe(topic_filter, qos)

    # ---- receiving

    def wait_msg(self):
        """Wait for a message and deliver it; return its type byte (0x30 to 0x3D).

        Returns None after a PINGRESP, and at once inside a callback. There is no limit to the
        wait as long as the broker answers pings; OSError(ETIMEDOUT) when it does not.
        """
        return self._receive(_SLICE, PINGRESP)

    def check_msg(self):
        """Deliver one message if there is one, without waiting; return as wait_msg does."""
        return self._receive(0, None)

    def _receive(self, milliseconds, last):
        # Until a message, whose first byte is returned, or `last` (None: nothing has come).
        held = False
        try:
            held = self._dispatch_lock.acquire(0)
            if not held:
                time.sleep_ms(1)
                return None
            while True:
                kind = self._io(MQTTClient._exchange, milliseconds)
                self._dispatch(kind)
                if kind == last:
                    return None
                if kind is not None and kind & 0xF0 == PUBLISH:
                    return kind
        finally:
            _RELEASE[held](self._dispatch_lock)

    def step(self, milliseconds=0):
        """Send, receive, deliver one message, ping; wait for the network `milliseconds` at most.

        Returns the `ticks_ms` by which it must be called again. Works while connecting, too.
        """
        held = False
        try:
            held = self._dispatch_lock.acquire(0)
            if not held:
                time.sleep_ms(1)
            while held:
                kind = self._io(MQTTClient._exchange, milliseconds)
                if kind is None:
                    break
                self._dispatch(kind)
                if kind & 0xF0 == PUBLISH:
                    break
                milliseconds = 0
        finally:
            _RELEASE[held](self._dispatch_lock)
        return time.ticks_ms() if self.session.out else self._due_at

    # ---- for subclasses

    def defer(self, topic, msg, retain, qos):
        """Hook: take a message that must wait for a connection or behind others; return 0."""
        raise OSError(errno.ENOTCONN)

    def after_loss(self, error, was_connected):
        """Hook, after a connection or an attempt has ended with `error`."""

    def is_busy(self):
        """Return whether a call of this client is under way: we are in a callback or a Timer."""
        return self._dispatch_lock.locked()

    def has_room(self, qos):
        """Return whether a message can be queued without waiting."""
        session = self.session
        return len(session.out) < _MAX_QUEUE and (
            not qos or len(session.in_flight) < self.MAX_IN_FLIGHT
        )

    def make_room(self, qos):
        """Wait until there is room for a message behind `backlog`, if it is possible to wait."""
        self._check_connected()
        if len(self.session.out) >= _MAX_QUEUE:
            self._io(MQTTClient._write, True)
        self.wait_while(lambda: self.backlog or not self.has_room(qos))

    def flush(self, identifier):
        """Send what is queued; wait for the answer to `identifier` (0: none), if it is possible."""
        self._io(MQTTClient._write, not self.is_busy())
        if identifier:
            self.wait_while(self.session.is_unacknowledged, identifier)
        else:
            self.wait_while(self._look)

    def wait_while(self, condition, *arguments):
        """Work until the condition ends; not inside a callback. OSError(ETIMEDOUT) after TIMEOUT.

        The time that handlers take does not count: it is not the broker's.
        """
        held = False
        try:
            held = self._dispatch_lock.acquire(0)
            waited = 0
            while held and condition(*arguments):
                self._io(MQTTClient._check_time, waited)
                start = time.ticks_ms()
                kind = self._io(MQTTClient._exchange, _SLICE)
                waited += time.ticks_diff(time.ticks_ms(), start)
                self._dispatch(kind)
        finally:
            _RELEASE[held](self._dispatch_lock)

    def add_handler(self, topic_filter, handler, qos=0, details=False):
        """Do what `on` does but for subscribing now; return the filter as bytes."""
        protocol.check_qos(qos)
        topic_filter = protocol.topic_filter(topic_filter)
        if self._router is None:
            self._router = protocol.topicmatch.Router()
        self._router.add(topic_filter, (handler, details))
        self.session.subscriptions[topic_filter] = qos
        self.session.granted.pop(topic_filter, None)
        return topic_filter

    def remove_handler(self, topic_filter):
        """Forget the subscription and its handler; return the filter as bytes."""
        topic_filter = protocol.topic_filter(topic_filter)
        self.session.subscriptions.pop(topic_filter, None)
        if self._router is not None and topic_filter in self._router:
            self._router.remove(topic_filter)
        return topic_filter

    def lose(self, error):
        """The connection is over because of `error`."""
        was_connected = self.isconnected()
        self.last_error = error
        self.close()
        self.after_loss(error, was_connected)

    def close(self):
        """Close without DISCONNECT, so that the broker publishes the last will."""
        self._close(_CLOSE)

    # ---- the engine

    def _check_connected(self):
        if not self.isconnected():
            raise OSError(errno.ENOTCONN)

    def _io(self, work, argument):
        # Return work(self, argument), done with the socket to ourselves; its exceptions end the
        # connection. None if somebody else is at the socket: he sends what is queued. `work` is a
        # function, since a bound method would be allocated for each call.
        held = False
        try:
            try:
                held = self._io_lock.acquire(0)
                if held:
                    return work(self, argument)
                time.sleep_ms(1)
            except Exception as e:
                self._handle_error(e)
        finally:
            self._end_io(held)

    def _handle_error(self, error):
        if self.transport is None:  # perhaps a Timer callback has disconnected meanwhile
            raise OSError(errno.ENOTCONN)
        if isinstance(error, OSError) and self.transport.try_next():
            return
        error = explain(error)
        self.lose(error)
        raise error

    def _exchange(self, milliseconds):
        # Send what fits, receive one packet at most, look at the clock; return its first byte.
        session = self.session
        if self.transport is None or self._closing:
            raise OSError(errno.ENOTCONN)
        while self.backlog and session.is_connected and self.has_room(1):
            session.publish(*self.backlog.pop(0))
        kind = None
        if self.transport.is_open or self.transport.open(milliseconds):
            if session.out:
                self.transport.send(session)
            kind = session.receive()
            if kind is None:
                if milliseconds:
                    self.transport.wait(milliseconds, session.out)
                # During the TLS handshake writing comes first, and drives it.
                if not session.out or self.transport.send(session) or session.is_connected:
                    kind = self.transport.receive(session)
        now = time.ticks_ms()
        self._due_at = time.ticks_add(now, session.tick(now))
        if session.out and self.transport.is_open:
            self.transport.send(session)
        return kind

    def _look(self):
        # Exchange, but deliver no message: notices at once if the broker has gone. Returns None, so
        # that `wait_while` ends.
        kind = self._io(MQTTClient._exchange, 0)
        if kind is not None and kind & 0xF0 != PUBLISH:
            self._dispatch(kind)

    def _write(self, is_waiting):
        # Write what is queued: all of it if `is_waiting`, else what fits.
        if self.isconnected():
            if is_waiting:
                self._write_all(int(self.TIMEOUT * 1000))
            else:
                self.transport.send(self.session)

    def _write_all(self, limit):
        start = time.ticks_ms()
        while not self.transport.send(self.session):
            self.transport.wait(_SLICE, True)
            self.session.left(time.ticks_ms(), start, limit)

    def _check_time(self, waited):
        self.session.left(waited, 0, int(self.TIMEOUT * 1000))

    def _close(self, how):
        # If somebody else is at the socket (a Timer callback can interrupt him anywhere, even
        # inside the TLS library), he closes it when he is done.
        self._closing = max(how, self._closing)  # no jump in between
        held = False
        try:
            held = self._io_lock.acquire(0)
        finally:
            self._end_io(held)

    def _end_io(self, held):
        # Give the I/O lock back, if it is held; the last thing that its holder does.
        try:
            if held and (self._closing or self.transport is not None and self.transport.is_torn):
                self._end_connection()
        finally:
            _RELEASE[held](self._io_lock)
        if held and self._closing:  # asked for by a Timer callback just before the release
            self._close(self._closing)

    def _end_connection(self):
        session = self.session
        try:
            if self._closing == _DISCONNECT and session.is_connected:
                session.disconnect()
                self._write_all(_DISCONNECT_LIMIT)
        except OSError:
            pass  # it is closed in any case
        finally:
            session.close()
            if self.transport is not None:  # [MQTT-3.14.4-1]
                self.transport.close()
            self.transport = None
            self._closing = 0

    def _dispatch(self, kind):
        # Act on a packet, by its first byte, and send what became ready.
        session = self.session
        if kind is None:
            return
        if kind & 0xF0 == PUBLISH:
            self._deliver(kind, session)
            session.acknowledge()
        elif kind == protocol.CONNACK:
            self.connected_at = time.ticks_ms()
            self.on_connected(session.session_present)
        elif kind == protocol.SUBACK and session.topic_filter is not None:
            self.on_subscribed(session.topic_filter, session.code)
        if session.out:
            self._io(MQTTClient._write, False)

    def _deliver(self, kind, session):
        topic = session.topic
        message = session.payload
        if topic is None:  # asked here: a Timer callback can disconnect at each jump
            return
        session.remember()
        try:
            handlers = self._router.match(topic) if self._router is not None else ()
            if not handlers:
                if not self.cb:
                    self.counters["unhandled"] += 1
                    return
                handlers = ((self.cb, self._details),)
            for handler, details in handlers:
                if details:
                    dup = bool(kind & protocol.DUP)
                    handler(topic, message, bool(kind & 1), kind >> 1 & 3, dup)
                else:
                    handler(topic, message)
        except BaseException:
            session.acknowledge()
            try:
                self._io(MQTTClient._write, False)
            except OSError:
                pass  # what the handler has raised is what its caller must see
            raise
