"""A `Session` between calls and bytes: what a driver does with it, without socket and clock."""

import errno

from umqtt import protocol


class Client:
    """Collects what the session wants to send and what it reports, as `conversation` names it.

    `calls` are the functions that a conversation may call.
    """

    def __init__(self):
        self.session = protocol.Session()
        self.events = []
        # Called for each event before it is answered; the fuzzer's program acts in it.
        self.react = lambda event: None
        self._unread = b""  # what has arrived and is not read
        self._is_stalled = False
        self.is_open = False
        self.wait = None  # ms until the next tick
        self.calls = {
            name: getattr(self, name)
            for name in (
                "connect",
                "connected",
                "disconnect",
                "in_flight",
                "last_identifier",
                "limit",
                "lost",
                "ping",
                "publish",
                "received_part",
                "republish",
                "stalled",
                "subscribe",
                "tick",
                "unsubscribe",
                "wanted",
            )
        }

    # ---- what a conversation may call

    def connect(self, client_id="c", **arguments):
        """Begin a connection. Identifiers go on where they were: at first with 1."""
        last = self.session.pid
        self.session.connect(client_id, **arguments)
        self.session.pid = last
        self._unread = b""
        self._is_stalled = False
        self.is_open = True

    def connected(self, **arguments):
        """Be connected to a server that has no session."""
        self.connect(**arguments)
        self.leave()
        self.arrive(b"\x20\x02\x00\x00")
        self.leave()
        self.events = []

    def lost(self):
        """The connection is lost, with all that has not left."""
        self.session.close()
        self.is_open = False
        self._unread = b""

    def stalled(self):
        """Nothing leaves any more on this connection."""
        self._is_stalled = True

    def publish(self, *arguments, **named):
        self.session.publish(*arguments, **named)

    def subscribe(self, *arguments):
        self.session.subscribe(*arguments)

    def unsubscribe(self, *arguments):
        self.session.unsubscribe(*arguments)

    def ping(self):
        self.session.ping()

    def disconnect(self):
        self.session.disconnect()

    def wanted(self, topic_filter, qos):
        """Have this subscription whenever connected."""
        self.session.subscriptions[topic_filter.encode()] = qos

    def republish(self):
        """Publish as new what the server has forgotten."""
        self.session.republish = True

    def limit(self, size):
        """Take no PUBLISH of more bytes than this."""
        self.session.max_packet = size

    def last_identifier(self, identifier):
        self.session.pid = identifier

    def in_flight(self, *identifiers):
        """Check which publishes are unacknowledged."""
        found = tuple(entry[0] for entry in self.session.in_flight)
        assert found == identifiers, found

    def received_part(self, data):
        """A part of a packet arrives, whose rest never does."""
        self.arrive(data)
        assert not self.events

    def tick(self, now):
        self.wait = self._guarded(self.session.tick, now)

    # ---- bytes

    def leave(self, most=None):
        """Return what leaves now, up to `most` bytes."""
        data = b""
        session = self.session
        while session.out and self.is_open and not self._is_stalled and most != 0:
            rest = bytes(session.out[0])[session.offset :]
            if most is not None:
                rest = rest[:most]
                most -= len(rest)
            data += rest
            session.sent(len(rest))
        return data

    def arrive(self, data, most=None):
        """`data` arrives; handle up to `most` packets of all that has arrived."""
        self._unread += data
        while self.is_open and most != 0:
            kind = self._guarded(self._receive, self._read())
            if kind is not None:
                if most is not None:
                    most -= 1
            elif not self._unread:
                break

    def _read(self):
        # As much as there is and there is room for.
        space = self.session.space()
        count = min(len(space), len(self._unread)) if space is not None else 0
        if count:
            space[:count] = self._unread[:count]
            self._unread = self._unread[count:]
        return count

    def _receive(self, count):
        session = self.session
        unknown = session.counters["unknown_answers"]
        oversize = session.counters["oversize"]
        kind = session.receive(count)
        if kind is None:
            assert session.space() is not None
            return None
        is_unknown = session.counters["unknown_answers"] > unknown
        is_oversize = session.counters["oversize"] > oversize
        self._report(kind, is_unknown, is_oversize)
        if kind & 0xF0 == protocol.PUBLISH:
            session.acknowledge()
        return kind

    def _report(self, kind, is_unknown, is_oversize):
        session = self.session
        if is_unknown:
            event = ("unexpected",)
        elif is_oversize:
            event = ("oversize",)
        elif kind & 0xF0 == protocol.PUBLISH:
            if session.topic is None:
                return  # a QoS 2 message that has been delivered already
            bits = (kind >> 1 & 3, kind & 1, kind >> 3 & 1)
            event = ("message", session.topic, session.payload) + bits
        elif kind == protocol.CONNACK:
            event = ("connected", session.session_present)
        elif kind in (protocol.PUBACK, protocol.PUBCOMP):
            event = ("acknowledged", session.identifier)
        elif kind == protocol.SUBACK:
            event = ("subscribed", session.topic_filter, session.code)
        elif kind == protocol.UNSUBACK:
            event = ("unsubscribed", session.topic_filter)
        elif kind == protocol.PINGRESP:
            event = ("pong",)
        else:
            return  # PUBREC and PUBREL are steps of a delivery
        self.events.append(event)
        self.react(event)

    def _guarded(self, function, argument):
        # Whatever it raises ends the connection.
        try:
            return function(argument)
        except protocol.ProtocolError:
            self.events.append(("violation",))
        except protocol.MQTTException as e:
            self.events.append(("denied", e.args[0]))
        except OSError as e:
            assert e.args[0] == errno.ETIMEDOUT, e
            self.events.append(("timeout",))
        self.lost()
