"""MQTT client that reconnects, a drop-in for micropython-lib's umqtt.robust. See docs/umqtt.md."""

import errno
import os
import time

from micropython import const

from . import packets, simple
from .packets import MQTTException

_STABLE = const(10000)  # ms: a connection that ends sooner counts as a failed attempt
_UNAVAILABLE = const(3)  # the one CONNACK refusal that time may cure

# Fields of an unacknowledged publish, as in simple.
_PACKET = const(2)


def _wifi_is_down():
    # Only a Wi-Fi that is switched on and not connected holds us up: there may be Ethernet.
    try:
        import network
    except ImportError:
        return False
    wlan = network.WLAN(network.STA_IF)
    return wlan.active() and not wlan.isconnected()


class MQTTClient(simple.MQTTClient):
    """A client that keeps its connection: each call reconnects as often as it takes.

    After a loss it tries again at once, then after DELAY seconds, twice that, and so on up to
    MAX_DELAY, each shortened by up to a quarter so that a classroom does not return in step. While Wi-Fi
    is down it waits. It subscribes anew what the broker has not granted in this session or has
    lost with it, and sends again what was not acknowledged. Refusals that time does not cure are
    raised: MQTTException 1, 2, 4, 5, CertificateError.

    With the link down `publish` keeps up to OFFLINE_LIMIT messages and returns; when there are
    more, OFFLINE_POLICY says what it does: BLOCK until the link is back, DROP_OLDEST, or RAISE
    OSError(ENOBUFS). Messages published inside a callback are kept whatever the limit.
    """

    DELAY = 2  # s
    MAX_DELAY = 60  # s
    DEBUG = False

    BLOCK = 0
    DROP_OLDEST = 1
    RAISE = 2
    OFFLINE_LIMIT = 0
    OFFLINE_POLICY = BLOCK

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self._stay = False  # whether a lost connection is to be replaced
        self._clean_session = None  # as the program asked at its last connect
        self._reconnecting = False
        self._failures = 0  # attempts in a row
        self._connected_at = 0
        self._retry_at = time.ticks_ms()
        self._offline = []  # arguments of publish

    # ---- hooks

    def delay(self, i):
        """Wait before attempt `i` + 1; override it for another rhythm (not used by `step`)."""
        time.sleep_ms(self._time_to_retry())

    def log(self, in_reconnect, e):
        """Report a lost link, or (in_reconnect) an attempt that failed; prints if DEBUG."""
        if self.DEBUG:
            print("mqtt reconnect: %r" % e if in_reconnect else "mqtt: %r" % e)

    def on_lost(self, reason, retry):
        """Hook: the link was lost, or an attempt failed, by exception `reason`; next in `retry` s."""

    # ---- connecting

    def connect(self, clean_session=True, timeout=None):
        """Connect as simple does: once, raising what goes wrong. Later reconnects do as it did."""
        if not self._reconnecting:
            self._clean_session = clean_session
        elif self._clean_session is not None:
            # reconnect() calls connect(False), for programs that override it, but a session that
            # was clean must not leave a persistent one behind on the broker.
            clean_session = self._clean_session
        present = super().connect(clean_session, timeout)
        self._stay = True
        return present

    def start(self, clean_session=True):
        """Have `step` connect and stay connected. Does not block."""
        self._close()
        self._clean_session = clean_session
        self._stay = True
        self._failures = 0
        self._retry_at = time.ticks_ms()

    def reconnect(self):
        """Connect until it succeeds; return as connect does. Blocks as long as it takes."""
        self._stay = True
        while True:
            if self._failures:
                self.delay(self._failures)
            while _wifi_is_down():
                time.sleep_ms(250)
            self._reconnecting = True
            try:
                # One positional argument: a program's own connect(self, clean_session=True).
                return self.connect(False)
            except (OSError, MQTTException) as e:
                if not isinstance(e, OSError) and e.args[0] != _UNAVAILABLE:
                    raise
                if self.isconnected():  # something else in that connect
                    self._lost(e)
            finally:
                self._reconnecting = False

    def disconnect(self):
        """Say goodbye and stay away until the next call that needs the broker (`step` does not)."""
        self._stay = False
        super().disconnect()

    def _connected(self):
        self._connected_at = time.ticks_ms()
        super()._connected()
        self._send_offline()

    def _lost(self, error):
        now = time.ticks_ms()
        was_connected = self.isconnected()
        super()._lost(error)
        # Below 0 after a connection of days.
        if was_connected and not 0 <= time.ticks_diff(now, self._connected_at) <= _STABLE:
            self._failures = 0
            seconds = 0
        else:
            self._failures += 1
            seconds = self._backoff()
        self._retry_at = time.ticks_add(now, int(seconds * 1000))
        if not self._stay:
            return
        if isinstance(error, (MQTTException, ValueError)) and error.args[0] != _UNAVAILABLE:
            self._stay = False  # a refusal for good, which the caller raises
        else:
            self.log(not was_connected, error)
            self.on_lost(error, seconds)

    def _backoff(self):
        seconds = min(self.DELAY * (1 << min(self._failures - 1, 6)), self.MAX_DELAY)
        return seconds * (192 + os.urandom(1)[0] // 4) / 256

    def _time_to_retry(self):
        # Milliseconds until the next attempt is due. One that has been due for more than six days
        # (the Wi-Fi was away) seems to lie days ahead: ticks_ms has come halfway around.
        left = time.ticks_diff(self._retry_at, time.ticks_ms())
        return left if 0 < left <= self.MAX_DELAY * 1000 else 0

    def _recover(self, error):
        # After `error`: reconnect, or raise it where that cannot help.
        if self.isconnected() or self._in_charge.locked():
            raise error
        self.reconnect()

    # ---- sending

    def ping(self):
        """Send PINGREQ; nothing happens if the link is down or breaks meanwhile."""
        try:
            super().ping()
        except OSError:
            if self.isconnected():
                raise

    def publish(self, topic, msg, retain=False, qos=0):
        """Publish as simple does, and through lost links: what is lost on the way is sent again.

        With the link down see OFFLINE_POLICY; by default it blocks until the link is back.
        """
        packets.topic_name(topic)
        identifier = 0
        while True:
            try:
                if not identifier:
                    self._make_room(qos)
                    identifier = super().publish_nowait(topic, msg, retain, qos)
                self._complete(identifier)
                return
            except OSError as e:
                error = e
            if not self.isconnected():
                if identifier and self._in_charge.locked():
                    return  # sent again after the next connect
                if not identifier and self._keep(topic, msg, retain, qos):
                    return
            self._recover(error)

    def publish_nowait(self, topic, msg, retain=False, qos=0):
        """Queue as simple does; with the link down keep the message, or raise OSError(ENOBUFS)."""
        if self.isconnected() and not self._offline:
            return super().publish_nowait(topic, msg, retain, qos)
        packets.check_qos(qos)
        packets.topic_name(topic)
        if not self._keep(topic, msg, retain, qos):
            raise OSError(errno.ENOBUFS)
        return 0

    def _keep(self, *message):
        offline = self._offline
        limit = self.OFFLINE_LIMIT
        if self._in_charge.locked():  # inside a callback: it cannot wait
            limit = max(limit, self.MAX_IN_FLIGHT)
        if len(offline) >= limit:
            if self.OFFLINE_POLICY == self.BLOCK:
                return False
            if self.OFFLINE_POLICY == self.RAISE:
                raise OSError(errno.ENOBUFS)
            self.counters["dropped"] += 1
            if not offline:
                return True
            offline.pop(0)
        offline.append(message)
        return True

    def _make_room(self, qos):
        if self._offline and self.isconnected() and self._in_charge.acquire(0):
            try:
                self._wait_while(self._send_offline)  # what was kept goes first
            finally:
                self._in_charge.release()
        super()._make_room(qos)

    def _send_offline(self):
        # Returns whether some are left.
        offline = self._offline
        while offline and not (self._is_full() or self._connection.crowded()):
            super().publish_nowait(*offline.pop(0))
        return bool(offline)

    def _session_lost(self):
        # The broker forgot; what it did not acknowledge is published anew. What it has taken over
        # (PUBREC) is not: it would arrive twice.
        kept = [entry for entry in self._in_flight if entry[_PACKET]]
        self.counters["dropped"] += len(self._in_flight) - len(kept)
        for entry in kept:
            entry[_PACKET][0] &= ~packets.DUP
        self._in_flight = kept

    # ---- subscribing

    def subscribe(self, topic, qos=0):
        """Subscribe as simple does, and again whenever the broker has lost the session."""
        topic = packets.topic_filter(topic)
        while True:
            try:
                super().subscribe(topic, qos)
                break
            except OSError as e:
                if self._in_charge.locked():
                    break  # inside a callback: the next connect subscribes
                self._recover(e)
        self._wanted[topic] = qos

    def unsubscribe(self, topic):
        """Take a subscription back, and the handler that `on` gave it."""
        while True:
            try:
                return super().unsubscribe(topic)
            except OSError as e:
                if self._in_charge.locked():
                    return
                self._recover(e)

    def on(self, topic_filter, handler, qos=0, details=False):
        """As in simple; if the link breaks meanwhile the next connect subscribes."""
        try:
            super().on(topic_filter, handler, qos, details)
        except OSError:
            if self.isconnected():
                raise

    # ---- receiving

    def wait_msg(self):
        """As in simple, for as long as it takes; None also if a callback or Timer disconnects."""
        self._stay = True
        while True:
            try:
                return super().wait_msg()
            except OSError as e:
                if not self._stay:
                    return None
                self._recover(e)

    def check_msg(self, attempts=2):
        """As in simple; reconnects up to `attempts` times, each as long as it takes."""
        self._stay = True
        while attempts:
            try:
                return super().check_msg()
            except OSError as e:
                if not self._stay:
                    return None
                self._recover(e)
            attempts -= 1

    def step(self, milliseconds=0):
        """As in simple, and keeps reconnecting after `start` or `connect`, a slice at a time.

        Blocks for the name look-up once per attempt, and otherwise not. Raises only what ends the
        attempts: MQTTException 1, 2, 4, 5, CertificateError, and what a callback raises.
        Returns the `ticks_ms` by which it must be called again.
        """
        now = time.ticks_ms()
        try:
            if not self._connection:
                if not self._stay:
                    return time.ticks_add(now, 1000)
                if self._time_to_retry():
                    return self._retry_at
                if _wifi_is_down():
                    return time.ticks_add(now, 250)
                self._begin(self._clean_session)
            return super().step(milliseconds)
        except (OSError, MQTTException) as e:
            if self.isconnected() or not (self._stay or isinstance(e, OSError)):
                raise
            return self._retry_at

    def _turn(self, milliseconds, delivering=True):
        kind = super()._turn(milliseconds, delivering)
        if self._offline and self.isconnected():
            self._send_offline()
            self._drain(False)
        return kind
