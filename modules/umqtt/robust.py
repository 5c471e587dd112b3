"""MQTT client that reconnects, a drop-in for micropython-lib's umqtt.robust. See docs/umqtt.md."""

import errno
import os
import time

import timers
from micropython import const

from . import protocol, simple
from .protocol import MQTTException

_STABLE = const(10000)  # ms: a connection that ends sooner counts as a failed attempt
_LOST = (OSError, MQTTException)
_UNAVAILABLE = const(3)  # the one CONNACK refusal that time may cure
_FOREVER = const(-1)  # attempts


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

    After a loss it tries again at once, then with exponential backoff from DELAY to MAX_DELAY
    seconds, with up to 25 % jitter so that a classroom does not reconnect in step. While Wi-Fi is
    down it waits. It subscribes again what the broker has not granted in this session or has lost
    with it, and sends again what was not acknowledged. Refusals that time does not cure are
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

    # In the class as long as nobody sets them: a client's dictionary stays smaller.
    auto_reconnect = False  # read only: whether a lost link is replaced, see docs/umqtt.md
    republish = True
    _clean_session = None  # as the program asked at its last connect
    _reconnecting = False
    _failures = 0  # attempts in a row
    _paused_at = 0  # ticks_ms
    _pause_ms = 0  # from then until the next attempt

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
        self.auto_reconnect = True
        return present

    def start(self, clean_session=True):
        """Have `step` connect and stay connected. Does not block."""
        self.close()
        self._clean_session = clean_session
        self.auto_reconnect = True
        self._failures = 0
        self._pause_ms = 0

    def reconnect(self):
        """Connect until it succeeds; return as connect does. Blocks as long as it takes."""
        self.auto_reconnect = True
        while True:
            if self._failures:
                self.delay(self._failures)
            while _wifi_is_down():
                time.sleep_ms(250)
            self._reconnecting = True
            try:
                # One positional argument: a program's own connect(self, clean_session=True).
                return self.connect(False)
            except _LOST as e:
                if not isinstance(e, OSError) and e.args[0] != _UNAVAILABLE:
                    raise
                if self.isconnected():  # something else in that connect
                    self.lose(e)
            finally:
                self._reconnecting = False

    def disconnect(self):
        """Say goodbye and stay away until the next call that needs the broker (`step` does not)."""
        self.auto_reconnect = False
        super().disconnect()

    def after_loss(self, error, was_connected):
        if was_connected and timers.elapsed(self.connected_at, _STABLE):
            self._failures = 0
        else:
            self._failures += 1
        seconds = self.backoff(self._failures)
        self._pause_for(int(seconds * 1000))
        if not self.auto_reconnect:
            return
        if isinstance(error, (MQTTException, ValueError)) and error.args[0] != _UNAVAILABLE:
            self.auto_reconnect = False  # a refusal for good, which the caller raises
        else:
            self.log(not was_connected, error)
            self.on_lost(error, seconds)

    def backoff(self, failures):
        """Hook: return the seconds before the next attempt; override it for another rhythm.

        `failures`: attempts in a row that have failed; 0 after a connection that had lasted.
        """
        seconds = min(self.DELAY * (1 << min(failures, 7) >> 1), self.MAX_DELAY)
        return seconds * (192 + os.urandom(1)[0] // 4) / 256

    def _pause_for(self, milliseconds):
        self._paused_at = time.ticks_ms()
        self._pause_ms = milliseconds

    def _time_to_retry(self):
        # Milliseconds until the next attempt is due.
        return timers.remaining(self._paused_at, self._pause_ms)

    def _retry(self, attempts, call, *arguments):
        # Return what the call returns, after reconnecting as often as it takes. None inside a
        # callback, which cannot wait for that, and when one disconnects meanwhile.
        while attempts:
            was_kept = self.auto_reconnect
            try:
                return call(self, *arguments)
            except OSError as e:
                if self.is_busy() or was_kept and not self.auto_reconnect:
                    break
                self._recover(e)
            attempts -= 1

    def _recover(self, error):
        # After `error`: reconnect, or raise it where that cannot help.
        if self.isconnected() or self.is_busy():
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
        # All is checked here: an offline message may leave when nobody can be told.
        protocol.check_qos(qos)
        protocol.topic_name(topic)
        msg = protocol.payload(msg)
        identifier = None
        while True:
            try:
                if not identifier:
                    self.make_room(qos)
                    if not self.has_room(qos):
                        raise OSError(errno.ENOBUFS)
                    identifier = self.session.publish(topic, msg, retain, qos)
                self.flush(identifier)
                return
            except OSError as e:
                error = e
            if not self.isconnected():
                if identifier and self.is_busy():
                    return  # sent again after the next connect
                if not identifier and self._enqueue_offline(topic, msg, retain, qos):
                    return
            self._recover(error)

    def defer(self, topic, msg, retain, qos):
        # publish_nowait with the link down: keep the message, or raise OSError(ENOBUFS).
        protocol.check_qos(qos)
        protocol.topic_name(topic)
        if not self._enqueue_offline(topic, protocol.payload(msg), retain, qos):
            raise OSError(errno.ENOBUFS)
        return 0

    def _enqueue_offline(self, *message):
        # Keep a message for the next connection; return whether it is dealt with.
        backlog = self.backlog
        limit = self.OFFLINE_LIMIT
        if self.is_busy():  # inside a callback: it cannot wait
            limit = max(limit, self.MAX_IN_FLIGHT)
        if len(backlog) >= limit:
            if self.OFFLINE_POLICY == self.BLOCK:
                return False
            if self.OFFLINE_POLICY == self.RAISE:
                raise OSError(errno.ENOBUFS)
            self.counters["dropped"] += 1
            if not backlog:
                return True
            backlog.pop(0)
        backlog.append(message)
        return True

    # ---- subscribing

    def subscribe(self, topic, qos=0):
        """Subscribe as simple does, and again whenever the broker has lost the session."""
        self._retry(_FOREVER, simple.MQTTClient.subscribe, topic, qos)
        self.session.subscriptions[protocol.topic_filter(topic)] = qos

    def unsubscribe(self, topic):
        """Take a subscription back, and the handler that `on` gave it."""
        self._retry(_FOREVER, simple.MQTTClient.unsubscribe, topic)

    # ---- receiving

    def wait_msg(self):
        """As in simple, for as long as it takes; None also if a callback or Timer disconnects."""
        return self._retry(_FOREVER, simple.MQTTClient.wait_msg)

    def check_msg(self, attempts=2):
        """As in simple; reconnects up to `attempts` times, each as long as it takes."""
        return self._retry(attempts, simple.MQTTClient.check_msg)

    def step(self, milliseconds=0):
        """As in simple, and keeps reconnecting after `start` or `connect`, a slice at a time.

        Blocks for the DNS lookup once per attempt, and otherwise not. Raises only what ends the
        attempts: MQTTException 1, 2, 4, 5, CertificateError, and what a callback raises.
        Returns the `ticks_ms` by which it must be called again.
        """
        try:
            if self.transport is not None or self._begin_attempt():
                # Not super(): it would take more words than a frame may have (see protocol.py).
                return simple.MQTTClient.step(self, milliseconds)
        except _LOST:
            # What is the program's own, or a refusal for good.
            if self.isconnected() or not (
                self.auto_reconnect or isinstance(self.last_error, OSError)
            ):
                raise
        return time.ticks_add(time.ticks_ms(), self._time_to_retry())

    def _begin_attempt(self):
        # Begin to connect if that is due; return whether it was.
        if not self.auto_reconnect:
            self._pause_for(1000)
        elif self._time_to_retry():
            pass
        elif _wifi_is_down():
            self._pause_for(250)
        else:
            super().start(self._clean_session)
            return True
        return False
