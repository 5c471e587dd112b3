"""The way to the broker and back: wifi -> time -> mqtt -> online, in steps that never block for
long, so that Ctrl-C, Wi-Fi supervision and the LEDs go on during every outage.

What happens is printed in lines that people and scripts can read (docs/serial.md).
"""

import gc
import machine
import sys
import time
import timers
from micropython import const

# Imports nest on the C stack, of which the chip has 16 KB: first what lies deepest.
from umqtt import protocol
from umqtt.simple import MQTTException
from wifi import Network, WiFi
from . import client as mqtt_client

# States of the link, as `step` returns them.
WIFI = "wifi"  # no address yet, or not any more
TIME = "time"  # the certificate cannot be checked before the clock is set
MQTT = "mqtt"  # no broker yet, or not any more
ONLINE = "online"
REFUSED = "refused"  # by the broker, for a reason that only a person can cure

# A class is switched on by one switch: each board joins in its own part of this time. Milliseconds.
_JOIN_SPREAD = const(2000)

# How long one step waits for the network at most. Milliseconds.
_SLICE = const(50)

# After a refusal the board tries again this late. Milliseconds; not a const, so that tests need
# not wait for a minute.
REFUSED_RETRY = 60000

# In the network and yet without a broker for so long, the board joins again, each time it has been
# so long once more: an access point may have forgotten it. Milliseconds.
_REJOIN_PERIOD = const(180000)

# A class loses its broker in one moment, and an access point cannot take all boards back in one: of
# the time without a broker each board leaves out its own part of this. Milliseconds.
_REJOIN_SPREAD = const(30000)

_MIN_HEAP = const(4096)  # bytes; with less not even a reconnect works

# Messages that wait for the first connection at most.
_MAX_EARLY = const(16)


def own_part(milliseconds):
    """Return this board's part of a time: the chips of a batch differ in their id's last byte.

    By four, as each has four MAC addresses (ESP-IDF). Thirty of them in a row fill the whole time by
    the factor; without it half of it, and with 30 boards on the PC an eighth.
    """
    return (machine.unique_id()[-1] * 9 & 0xFF) * milliseconds >> 8


# What a person's handler may raise and the program goes on; sys.exit() would be a soft reset.
MISTAKES = (Exception, SystemExit)


class _Handlers:
    # All handlers of one topic filter; the client keeps one for a filter.

    def __init__(self, link):
        self._link = link
        self._handlers = []
        self.qos = 0

    def add(self, handler, qos):
        self._handlers.append(handler)
        self.qos = max(self.qos, qos)

    def remove(self, handler):
        # Return whether others are left.
        self._handlers.remove(handler)
        return bool(self._handlers)

    def __call__(self, topic, message, is_retained, qos, is_duplicate):
        self._link.is_retained = is_retained
        for handler in self._handlers:
            try:
                handler(topic, message)
            except MISTAKES as error:
                self._link.report(error)


class Link:
    """The connection to the broker of `settings`, which is what platforms.resolve() returned.

    `on_online()` is called after each CONNACK, `on_reset()` before the board is reset because no
    broker answers. The constructor raises ValueError, in words for people, if `mqtt.tls.ca` names
    no certificate.
    """

    def __init__(self, settings, on_online, on_reset):
        mqtt = settings["mqtt"]
        topics = settings["topics"]
        self.topics = {key: topics[key].encode() for key in topics if key != "groups"}
        self.errors = 0  # exceptions in handlers
        self.is_retained = False  # whether the message was that a handler is called with
        self.wifi = WiFi([Network(**network) for network in settings["wifi"]], self._log_wifi)
        self._has_hinted = False
        self.client = mqtt_client.make(settings)
        self._on_online = on_online
        self._on_reset = on_reset
        self._clean_session = mqtt["clean_session"]
        self.retains = settings["retain"]  # whether the broker takes retained messages
        self._limiter = None
        if settings["limits"]:
            from .limiter import Limiter

            self._limiter = Limiter(settings["limits"])
        self._clock = None
        if isinstance(mqtt["tls"], dict) and mqtt["tls"]["verify"]:
            from .clock import Clock

            self._clock = Clock(settings["time"]["server"])
        self._handlers = {}  # topic filter -> _Handlers
        self._early = []  # arguments of _send; None from the first connection on
        self._refused = None  # ticks_ms of a refusal, until the next attempt
        self.rejoins = 0
        # ms in the network since the broker last answered, less the board's own part; None: it does.
        self._cut_off = None
        self._reset_after = mqtt["reset_after"] * 60000
        self._last_step = time.ticks_ms()

    # Messages -------------------------------------------------------------------------

    def on(self, topic_filter, handler, qos):
        """Call handler(topic, message) for messages that match, after those that did before.

        Raises ValueError or TypeError for a bad filter or QoS.
        """
        topic_filter = protocol.topic_filter(topic_filter)
        handlers = self._handlers.get(topic_filter) or _Handlers(self)
        handlers.add(handler, qos)
        self.client.on(topic_filter, handlers, handlers.qos, details=True)
        self._handlers[topic_filter] = handlers

    def is_answered(self, topic_filter):
        """Return whether the broker has answered the subscription."""
        return topic_filter in self.client.session.granted

    def off(self, topic_filter, handler):
        """Take back what `on` was given. Not for a handler to call."""
        if not self._handlers[topic_filter].remove(handler):
            del self._handlers[topic_filter]
            self.client.remove_handler(topic_filter)
            if self.is_online():
                self.client.session.unsubscribe(topic_filter)

    def report(self, error):
        """Print and count an exception in a handler.

        It is a person's mistake, not a reason to stop; no memory left is, and raises it again.
        """
        self.errors += 1
        try:
            sys.print_exception(error)
        except MISTAKES:  # in a __str__ of the user's
            print("%s, which cannot be printed" % type(error).__name__)
        gc.collect()
        if gc.mem_free() < _MIN_HEAP:
            raise error

    def is_online(self):
        """Return whether the broker is there."""
        return self.client.isconnected()

    def publish(self, topic, message, retain=False, qos=0, kind=None):
        """Queue a message. Never blocks: while the broker is silent the Wi-Fi must be watched.

        Where the platform limits how often, the newest message of each topic and `kind` waits for
        its turn.
        Raises ValueError or TypeError for what MQTT cannot carry.
        """
        retain = retain and self.retains
        # Checked here, in the handler's turn: a message may have to wait for its own.
        protocol.check_qos(qos)
        topic = protocol.topic_name(topic)
        message = protocol.payload(message)
        if self._limiter is None:
            self._send(topic, message, retain, qos)
        elif not self._limiter.offer(topic, message, retain, qos, kind):
            print("mqtt: a message is larger than the platform takes; it was dropped")

    def _send(self, topic, message, retain, qos):
        # Return whether it is on its way.
        if self._early is not None and len(self._early) < _MAX_EARLY:
            self._early.append((topic, message, retain, qos))
            return True
        try:
            self.client.publish_nowait(topic, message, retain, qos)
            return True
        except OSError:
            if self.client.isconnected():
                print("mqtt: too much is waiting to be sent; a message was dropped")
            else:
                print("mqtt: not connected; a message was dropped")
            return False

    # The state machine ----------------------------------------------------------------

    def _log_wifi(self, line):
        print(line)
        # Why the board is not in: "no network named ...", or what the network with a name does.
        if not self._has_hinted and line[:7] in ("wifi: n", 'wifi: "'):
            self._has_hinted = True
            print("hint: hold button B for 3 s to give the board another network or password")

    def join(self):
        """Switch the radio on and begin to join. Blocks for the board's part of two seconds, and for
        the radio's start, about 0.1 s."""
        time.sleep_ms(own_part(_JOIN_SPREAD))
        self.wifi.start()

    def connect(self):
        """Have `step` connect and stay connected. Does not block."""
        self._refused = None
        self.client.start(self._clean_session)

    def step(self):
        """Do what is due, and return the state.

        Blocks for a message or 50 ms, longer only for a DNS lookup, TLS, or a search for access
        points.
        """
        client = self.client
        in_network = self.wifi.step()
        if in_network:
            if self._clock is not None and not self._clock.is_set():
                self._clock.step()
                time.sleep_ms(_SLICE)
                return TIME
            if self._refused is not None:
                brokers = client.brokers
                wait = REFUSED_RETRY if brokers is None else int(brokers.wait * 1000)
                if not timers.elapsed(self._refused, wait):
                    time.sleep_ms(_SLICE)
                    return REFUSED
                self.connect()
        elif not client.isconnected():
            time.sleep_ms(_SLICE)
            return WIFI
        try:
            client.step(_SLICE)
        except MQTTException as error:
            code = error.args[0]
            return self._refuse(
                mqtt_client.REFUSALS.get(code, "the broker refuses with code %s" % code)
            )
        except ValueError as error:  # a certificate
            return self._refuse(error)
        if client.isconnected():
            if client.greeted:
                client.greeted = False
                self._online()
            if self._limiter is not None:
                for message in self._limiter.due():
                    self._send(*message)
            # Wi-Fi may be gone and TCP not know it yet.
            return ONLINE if in_network else WIFI
        return MQTT if in_network else WIFI

    def watch(self, state):
        """Take note of the state that `step` has returned, after each step.

        In the network without an answer from the broker the board joins again after three
        minutes, and is reset after `mqtt.reset_after`, both later by its own part of 30 s.
        """
        now = time.ticks_ms()
        since = time.ticks_diff(now, self._last_step)
        self._last_step = now
        if state is ONLINE or state is REFUSED:
            self._cut_off = None
        elif state is not WIFI:
            self._escalate(since)

    def _escalate(self, since):
        # "Connected" is what the radio was told last; whether anything gets through it never asks.
        before = self._cut_off
        if before is None:
            before = -own_part(_REJOIN_SPREAD)
        self._cut_off = before + since
        if self._reset_after and self._cut_off >= self._reset_after:
            print("mqtt: no broker for %d min; resetting the board" % (self._cut_off // 60000))
            self._on_reset()
            machine.reset()
        if self._cut_off // _REJOIN_PERIOD > max(before, 0) // _REJOIN_PERIOD:
            self.rejoins += 1
            print("mqtt: no broker for %d min; joining Wi-Fi again" % (self._cut_off // 60000))
            self.wifi.rejoin()

    def _refuse(self, reason):
        print("mqtt: %s" % reason)
        self.client.tell_next()
        self._refused = time.ticks_ms()
        return REFUSED

    def _online(self):
        early = self._early
        self._early = None
        self._on_online()
        for message in early or ():
            self._send(*message)

    def stop(self):
        """Say goodbye to the broker.

        After DISCONNECT it does not publish the last will, so that is done here, or else left to
        the broker. Blocks for up to a second if the network is stuck.
        """
        self._early = None  # Ctrl-C can come between CONNACK and _online()
        status = self.topics["status"]
        if self.client.isconnected() and status:
            if not self._send(status, b"offline", self.retains, 1):
                self.client.close()
                return
        self.client.disconnect()
