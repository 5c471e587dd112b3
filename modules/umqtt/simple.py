"""MQTT client, a drop-in for micropython-lib's umqtt.simple that cannot hang. See docs/umqtt.md."""

import errno
import time
from _thread import allocate_lock

from micropython import const

from . import connection, packets
from .connection import SLICE, Connection
from .link import CertificateError
from .packets import MQTTException, ProtocolError

# A payload up to this size is copied behind its header, so that both leave in one write.
_SMALL = const(1024)

# An unacknowledged publish is a list: packet identifier, the acknowledgement it waits for
# (PUBACK, PUBREC or PUBCOMP), the packet or its header (None once PUBREC has come), and the
# payload if that is apart.
_ID = const(0)
_AWAITS = const(1)
_PACKET = const(2)
_PAYLOAD = const(3)


class MQTTClient:
    """A client for one broker. Nothing happens on the network before `connect` or `step`.

    client_id, user: str (sent as UTF-8) or bytes. password: str or bytes.
    server: host name or address. port: 0 means 1883, or 8883 with `ssl`.
    keepalive: seconds, 0 to 65535. PINGREQ is sent by itself in every call that waits or steps; a
        silent link is found within 1.25 x keepalive. With 0 the client still asks every PROBE
        seconds at the latest whether the broker is there.
    ssl: an SSLContext, or True for one made from ssl_params (key, cert, cadata, cert_reqs,
        server_hostname). With cadata the broker's certificate is verified.

    Every call that waits may raise OSError (link lost, ETIMEDOUT; -1 if the broker closed),
    ProtocolError (an OSError: the broker broke the rules) and then the connection is closed.
    """

    TIMEOUT = 15  # s: for a whole connect (after the name look-up), a write, or an answer
    PROBE = 120  # s: stands in for keepalive 0 when looking whether the link is alive
    MAX_PACKET = 4096  # bytes: a larger PUBLISH is acknowledged, counted and thrown away
    MAX_IN_FLIGHT = 32  # unacknowledged QoS 1 and 2 publishes

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
        self.pid = 0  # the packet identifier used last
        self.cb = None
        self.user = user
        self.pswd = password
        self.keepalive = keepalive
        self.lw_topic = None
        self.lw_msg = None
        self.lw_qos = 0
        self.lw_retain = False
        self.last_error = None  # the exception that ended the last connection
        self.counters = {
            "packets_in": 0,
            "packets_out": 0,
            "bytes_in": 0,
            "bytes_out": 0,
            "connects": 0,
            "pings": 0,
            "pings_answered": 0,
            "ping_ms": 0,
            "timeouts": 0,
            "dropped": 0,
            "oversize": 0,
            "unhandled": 0,
            "unknown_answers": 0,
        }
        self.buffer = bytearray(256)
        self._connection = None
        self._in_charge = allocate_lock()  # held by the one call that waits, steps or delivers
        self._handling = 0  # ms spent in handlers so far
        self._details = False
        self._router = None
        self._wanted = {}  # filter -> qos: subscribed by connect, unless the session has it
        self._confirmed = []  # filters that the broker has granted in this session
        self._requests = {}  # identifier -> (filter, qos, or None for UNSUBSCRIBE)
        self._refused = []  # filters whose last SUBSCRIBE the broker refused
        self._in_flight = []
        self._unanswered_since = None  # ticks_ms; anything of the two above, or nothing yet
        self._received = []  # QoS 2 identifiers delivered, waiting for PUBREL

    # ---- settings

    @property
    def sock(self):
        """The socket (under TLS the SSL socket) or None. It is non-blocking: leave it so."""
        return self._connection and self._connection.link.sock

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
        packets.check_qos(qos)
        self.lw_topic = packets.topic_name(topic)
        self.lw_msg = packets.payload(msg)
        self.lw_qos = qos
        self.lw_retain = retain

    def on_connected(self, session_present):
        """Hook, called after each connect: override it or assign a function."""

    def on_subscribed(self, topic_filter, qos):
        """Hook, called when the broker answers a subscription: granted QoS, or 0x80 refused."""

    # ---- connecting

    def connect(self, clean_session=True, timeout=None):
        """Connect; return 1 if the broker still had this client's session, else 0.

        timeout: seconds, replaces TIMEOUT from now on. Blocks for the name look-up plus TIMEOUT.
        Raises OSError, MQTTException(1..5) when refused, CertificateError (a ValueError).
        """
        if timeout is not None:
            self.TIMEOUT = timeout
        if not self._in_charge.acquire(0):
            raise RuntimeError("connect() cannot be called inside a callback")
        try:
            self._begin(clean_session)
            while self._connection.state != connection.CONNECTED:
                self._turn(SLICE)
            return self._connection.session_present
        finally:
            self._in_charge.release()

    def start(self, clean_session=True):
        """Begin to connect and return; `step` does the rest. Blocks for the name look-up."""
        self._begin(clean_session)

    def _begin(self, clean_session):
        self._close()
        try:
            self._connection = Connection(self, clean_session)
        except Exception as e:
            self._lost(e)
            raise

    def isconnected(self):
        """Return whether the broker has accepted the connection and it has not been lost yet."""
        return bool(self._connection) and self._connection.state == connection.CONNECTED

    def disconnect(self):
        """Say goodbye and close; may be called at any time, again, and without a connection.

        Blocks up to one second if the network is stuck.
        """
        self._close(True)

    def _close(self, goodbye=False):
        link = self._connection
        if link:
            # DUP marks what has left once already [MQTT-3.3.1-1].
            for entry in self._in_flight:
                if entry[_PACKET] and not link.unsent(entry[_PACKET]):
                    entry[_PACKET][0] |= packets.DUP
            self._connection = None
            link.close(goodbye)

    # ---- sending

    def ping(self):
        """Send PINGREQ; the answer is counted in counters["pings_answered"].

        Never needed: the client pings by itself. Inside a Timer callback it does not wait.
        """
        self._online().ping_wanted = True
        if self._in_charge.acquire(0):
            try:
                self._turn(0, False)
            finally:
                self._in_charge.release()

    def publish(self, topic, msg, retain=False, qos=0):
        """Publish `msg` (str, as UTF-8, or bytes) and wait for the broker's acknowledgement.

        QoS 0 waits only for room in the socket. Messages may be delivered while it waits. Inside
        a callback, a Timer or another thread it does not wait: the packet leaves as soon as the
        call under way allows, and its acknowledgement is handled there.
        Blocks up to 3 x TIMEOUT. ValueError for a bad topic or qos; OSError(ENOBUFS) when it
        cannot wait and MAX_IN_FLIGHT messages are unacknowledged.
        """
        self._make_room(qos)
        self._complete(self.publish_nowait(topic, msg, retain, qos))

    def _make_room(self, qos):
        if self._online().crowded():
            self._drain(True)
        if qos and self._is_full() and self._in_charge.acquire(0):
            try:
                self._wait_while(self._is_full)
            finally:
                self._in_charge.release()

    def _complete(self, identifier):
        # Send it, and wait for the acknowledgement of a QoS 1 or 2 message, if we may wait.
        if not self._in_charge.acquire(0):
            self._drain(False)
            return
        try:
            self._drain(True)
            if identifier:
                self._wait_while(self._find, identifier)
            else:
                self._turn(0, False)  # notices at once if the broker has gone
        finally:
            self._in_charge.release()

    def publish_nowait(self, topic, msg, retain=False, qos=0):
        """Queue a message for the next `step` and return its packet identifier (0 with QoS 0).

        Never blocks. `unacknowledged(identifier)` tells when QoS 1 or 2 is done.
        """
        packets.check_qos(qos)
        topic = packets.topic_name(topic)
        payload = packets.payload(msg)
        link = self._online()
        if link.crowded() or (qos and self._is_full()):
            raise OSError(errno.ENOBUFS)
        identifier = self._next_identifier() if qos else 0
        packet = packets.publish_header(topic, len(payload), retain, qos, identifier)
        if len(payload) <= _SMALL:
            packet.extend(payload)
            payload = None
        if qos:
            awaits = packets.PUBACK if qos == 1 else packets.PUBREC
            self._in_flight.append([identifier, awaits, packet, payload])
        link.queue(packet, payload)
        return identifier

    def unacknowledged(self, identifier):
        """Return whether the publish with this packet identifier still waits for the broker."""
        return self._find(identifier) is not None

    # ---- subscribing

    def subscribe(self, topic, qos=0):
        """Subscribe to a topic filter; MQTTException(0x80) if the broker refuses it.

        Messages may be delivered before it returns. Blocks up to 2 x TIMEOUT; inside a callback
        not at all (a refusal then only shows in `on_subscribed`).
        """
        if self.cb is None and self._router is None:
            raise AssertionError("Subscribe callback is not set")
        packets.check_qos(qos)
        self._request(packets.topic_filter(topic), qos)

    def unsubscribe(self, topic):
        """Take a subscription back, and the handler that `on` gave it. Blocks like subscribe."""
        topic = packets.topic_filter(topic)
        self._forget(topic)
        self._request(topic, None)

    def _forget(self, topic_filter):
        self._wanted.pop(topic_filter, None)
        if self._router is not None and topic_filter in self._router:
            self._router.remove(topic_filter)

    def on(self, topic_filter, handler, qos=0, details=False):
        """Call handler(topic, msg) for messages that match; subscribe now or at each connect.

        Every handler whose filter matches is called, in the order they were given; messages that
        match none go to the callback. A second `on` with the same filter replaces the first.
        details: as in set_callback. Blocks like subscribe if connected, else not at all.
        """
        from topicmatch import Router

        packets.check_qos(qos)
        topic_filter = packets.topic_filter(topic_filter)
        if self._router is None:
            self._router = Router()
        self._router.add(topic_filter, (handler, details))
        self._wanted[topic_filter] = qos
        self._unconfirm(topic_filter)
        if self.isconnected():
            self._request(topic_filter, qos)

    def _unconfirm(self, topic_filter):
        if topic_filter in self._confirmed:
            self._confirmed.remove(topic_filter)

    def _request(self, topic_filter, qos):
        identifier = self._send_request(topic_filter, qos)
        if not self._in_charge.acquire(0):
            self._drain(False)
            return
        try:
            self._drain(True)
            self._wait_while(self._requests.get, identifier)
        finally:
            self._in_charge.release()
        if topic_filter in self._refused:
            raise MQTTException(packets.REFUSED)

    def _send_request(self, topic_filter, qos):
        link = self._online()
        identifier = self._next_identifier()
        kind = packets.UNSUBSCRIBE if qos is None else packets.SUBSCRIBE
        if topic_filter in self._refused:
            self._refused.remove(topic_filter)
        self._unconfirm(topic_filter)
        self._requests[identifier] = (topic_filter, qos)
        link.queue(packets.request(kind, identifier, topic_filter, qos))
        return identifier

    # ---- receiving

    def wait_msg(self):
        """Wait for a message and deliver it; return its type byte (0x30..0x3D).

        Returns None after a PINGRESP, and at once inside a callback. There is no limit to the
        wait as long as the broker answers pings; OSError(ETIMEDOUT) when it does not.
        """
        return self._receive(SLICE)

    def check_msg(self):
        """Deliver one message if there is one, without waiting; return as wait_msg does."""
        return self._receive(0)

    def step(self, milliseconds=0):
        """Send, receive, deliver one message, ping; wait for the network `milliseconds` at most.

        Returns the `ticks_ms` by which it must be called again. Works while connecting, too.
        """
        self._receive(milliseconds, True)
        return self._connection.next_deadline() if self._connection else time.ticks_ms()

    def _receive(self, milliseconds, once=False):
        # Return the type byte of a delivered PUBLISH; None if there is none, after waiting once
        # if `once`, else for as long as it takes if `milliseconds` is not 0.
        if not self._in_charge.acquire(0):
            time.sleep_ms(1)
            return None
        try:
            while True:
                kind = self._turn(milliseconds)
                if once:
                    milliseconds = 0
                if kind is None:
                    if not milliseconds:
                        return None
                elif kind & 0xF0 == packets.PUBLISH:
                    return kind
                elif kind == packets.PINGRESP and milliseconds:
                    return None
        finally:
            self._in_charge.release()

    # ---- the engine

    def _online(self):
        if not self.isconnected():
            raise OSError(errno.ENOTCONN)
        return self._connection

    def _drain(self, waiting):
        link = self._connection
        if link:
            try:
                link.drain(waiting)
            except Exception as e:
                self._lost(e)
                raise

    def _exchange(self, milliseconds):
        link = self._connection
        if link:
            try:
                kind = link.exchange(milliseconds)
            except Exception as e:
                self._lost(e)
                raise
            if link is self._connection:
                return kind
        raise OSError(errno.ENOTCONN)  # perhaps a Timer callback has disconnected meanwhile

    def _lost(self, error):
        self.last_error = error
        self._close()

    def _wait_while(self, condition, *arguments):
        # Work until the condition ends; a broker that does not answer in time ends the link. The
        # time that handlers take is not the broker's.
        start = time.ticks_ms()
        handling = self._handling
        while condition(*arguments):
            self._turn(SLICE)
            waited = time.ticks_diff(time.ticks_ms(), start) - self._handling + handling
            if waited > self.TIMEOUT * 1000 and condition(*arguments):
                self._time_out()

    def _time_out(self):
        self.counters["timeouts"] += 1
        self._lost(OSError(errno.ETIMEDOUT))
        raise self.last_error

    def _watch_answers(self):
        # A broker that lives, and answers pings, but not what it was asked: nothing would end a
        # wait of those who only step. An answer may be behind a long message on a slow link.
        link = self._connection
        asked = self.isconnected() and (self._requests or self._in_flight)
        if not asked or link.busy() or link.receiving():
            self._unanswered_since = None
        elif self._unanswered_since is None:
            self._unanswered_since = time.ticks_ms()
        elif time.ticks_diff(time.ticks_ms(), self._unanswered_since) > self.TIMEOUT * 1000:
            self._time_out()

    def _turn(self, milliseconds, delivering=True):
        # One packet at most: receive it, act on it, send what became ready.
        kind = self._exchange(milliseconds)
        if kind is None:
            self._watch_answers()
            return None
        if kind & 0xF0 == packets.PUBLISH:
            if not delivering:
                return None
            self._deliver(kind)
        elif kind != packets.PINGRESP:
            self._unanswered_since = None
            if kind == packets.CONNACK:
                self._connected()
            elif kind == packets.SUBACK or kind == packets.UNSUBACK:
                self._request_answered(kind)
            else:
                self._publish_answered(kind)
        self._drain(False)
        return kind

    def _connected(self):
        link = self._connection
        self.counters["connects"] += 1
        unanswered = self._requests
        self._requests = {}
        if link.session_present:
            # The broker knows our subscriptions, except those it has not confirmed: the session
            # may also be of before the last reset, and of other filters.
            wanted = {
                name: qos
                for name, qos in unanswered.values()
                if qos is None or name in self._wanted
            }
            for name in self._wanted:
                if name not in self._confirmed:
                    wanted[name] = self._wanted[name]
        else:
            self._confirmed.clear()
            self._received.clear()
            self._session_lost()
            wanted = self._wanted
        for entry in self._in_flight:  # same identifiers, same order [MQTT-4.4.0-1]
            link.queue(
                entry[_PACKET] or packets.answer(packets.PUBREL, entry[_ID]), entry[_PAYLOAD]
            )
        for name in wanted:
            self._send_request(name, wanted[name])
        self.on_connected(link.session_present)

    def _session_lost(self):
        # What was under way belongs to the old session [MQTT-3.1.2-6].
        self.counters["dropped"] += len(self._in_flight)
        self._in_flight.clear()

    def _deliver(self, kind):
        link = self._connection
        qos = kind >> 1 & 3
        topic = None
        if not link.oversize:
            try:
                topic, message = link.message()
            except MemoryError:
                pass  # treated like a packet that is too large
            except OSError as e:
                self._lost(e)
                raise
        identifier = link.identifier
        link.consume()
        if topic is None:
            self.counters["oversize"] += 1
        elif not (qos == 2 and identifier in self._received):
            self._call_handlers(topic, message, bool(kind & 1), qos, bool(kind & packets.DUP))
        if link is not self._connection:
            return  # a callback has disconnected
        if qos == 1:
            link.queue(packets.answer(packets.PUBACK, identifier))
        elif qos == 2:
            if identifier not in self._received:
                self._received.append(identifier)
            link.queue(packets.answer(packets.PUBREC, identifier))

    def _call_handlers(self, topic, message, retained, qos, dup):
        handlers = self._router.match(topic) if self._router is not None else ()
        if not handlers:
            if not self.cb:
                self.counters["unhandled"] += 1
                return
            handlers = ((self.cb, self._details),)
        start = time.ticks_ms()
        for handler, details in handlers:
            if details:
                handler(topic, message, retained, qos, dup)
            else:
                handler(topic, message)
        self._handling += time.ticks_diff(time.ticks_ms(), start)

    def _request_answered(self, kind):
        link = self._connection
        identifier = link.identifier
        request = self._requests.get(identifier)
        if request is None or (request[1] is None) != (kind == packets.UNSUBACK):
            self.counters["unknown_answers"] += 1
            return
        del self._requests[identifier]
        if kind == packets.SUBACK:
            code = link.code
            if code == packets.REFUSED:
                self._refused.append(request[0])
            elif request[0] not in self._confirmed:
                self._confirmed.append(request[0])
            self.on_subscribed(request[0], code)

    def _publish_answered(self, kind):
        link = self._connection
        identifier = link.identifier
        if kind == packets.PUBREL:
            # Answered even if unknown, so that the broker can forget it [MQTT-4.3.3-2].
            if identifier in self._received:
                self._received.remove(identifier)
            link.queue(packets.answer(packets.PUBCOMP, identifier))
            return
        entry = self._find(identifier)
        if entry is None:
            self.counters["unknown_answers"] += 1
            if kind == packets.PUBREC:
                link.queue(packets.answer(packets.PUBREL, identifier))
        elif kind == packets.PUBREC and entry[_AWAITS] != packets.PUBACK:
            # From here on only PUBREL may be repeated; in the order of the PUBRECs [MQTT-4.6.0-4].
            self._in_flight.remove(entry)
            self._in_flight.append([identifier, packets.PUBCOMP, None, None])
            link.queue(packets.answer(packets.PUBREL, identifier))
        elif kind == entry[_AWAITS]:
            self._in_flight.remove(entry)
        else:
            self._lost(ProtocolError("packet 0x%02x for another kind of publish" % kind))
            raise self.last_error

    def _find(self, identifier):
        for entry in self._in_flight:
            if entry[_ID] == identifier:
                return entry
        return None

    def _is_full(self):
        return len(self._in_flight) >= self.MAX_IN_FLIGHT

    def _next_identifier(self):
        # 1..65535, and none that is still in use [MQTT-2.3.1-1] [MQTT-2.3.1-2].
        while True:
            self.pid = self.pid % 65535 + 1
            if self.pid not in self._requests and self._find(self.pid) is None:
                return self.pid
