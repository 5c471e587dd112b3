"""The firmware's own program: join Wi-Fi, follow the command topic, drive the LEDs, stay there.

A small state machine, wifi -> time -> mqtt -> run, whose `step` never blocks for long, so that
Ctrl-C, Wi-Fi supervision and the LEDs go on during every outage. What happens is printed in
lines that people and scripts can read (docs/serial.md).
"""

import board
import device
import errno
import gc
import json
import machine
import os
import rgb
import sys
import time
from . import clock, slot
from .lights import UNDERSTOOD, Lights
from .limiter import Limiter
from micropython import const
from umqtt import packets
from umqtt.robust import MQTTClient
from umqtt.simple import MQTTException
from wifi import WiFi

# How long one step waits for the network at most. Milliseconds.
_SLICE = const(50)

# After a refusal that only a person can mend the board tries again this late. Milliseconds; not
# a const, so that tests need not wait for a minute.
REFUSED_RETRY = 60000

# A loop that has made no step for so long has stopped for good; the longest wait of a healthy one
# is a name look-up, below 20 s. Milliseconds.
_STOPPED = const(60000)
_NEVER = const(0x3FFFFFFF)

# Colours of the first LED while there is nothing better to show.
WIFI_COLOUR = (0, 0, 255)
TIME_COLOUR = (160, 0, 255)
MQTT_COLOUR = (255, 160, 0)
ERROR_COLOUR = (255, 0, 0)

_EPIPE = const(32)  # the errno module does not name it; the same on the chip and on Linux

_LEAST_HEAP = const(4096)  # bytes; with less not even a reconnect works

_STATS = b"/stats"  # below the status topic

HANDLERS = "/handlers.py"

_REFUSALS = {
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker refuses the client id; check mqtt.client_id and mqtt.keepalive",
    4: "the broker refuses the password; check mqtt.user and mqtt.password",
    5: "the broker does not let this user in; check mqtt.user and mqtt.password",
}


def unique_id():
    """Return the chip's id as hexadecimal text."""
    return machine.unique_id().hex()


def show_error(leds):
    """Make the first LED red: the board waits for a person."""
    leds.fill((0, 0, 0))
    leds[0] = ERROR_COLOUR
    leds.write()


def why(error):
    """Return in a few words why a connection was lost or not made, from its exception."""
    code = error.args[0] if error.args else None
    if code == -1 or code == errno.ENOTCONN or code == _EPIPE:
        return "the broker closed the connection"
    if code == errno.ETIMEDOUT:
        return "no answer"
    if code == errno.ECONNRESET:
        return "refused or reset"
    if code == errno.ECONNABORTED:  # another address, or no acknowledgement for minutes
        return "the network gave the connection up"
    if code == errno.EHOSTUNREACH:
        return "no way to the broker"
    if isinstance(code, int) and code < 0:
        # Name servers' errors are small, mbedTLS's begin at -0x1080.
        if code > -0x1000:
            return "the broker's name is not found"
        return "TLS failed, %s; is this the broker's port for TLS?" % error
    return str(error)


class Echoes:
    """Tells our own echoes from others' messages when both come back on one topic.

    The broker sends an echo back to the board that published it; echoing it again would go on
    for ever. Each message sent is expected back once, within a minute.
    """

    MOST = const(16)
    PATIENCE = const(60000)  # ms; an echo can also get lost

    def __init__(self):
        self._expected = []  # (topic, message, ticks_ms when it was sent), the oldest first

    def accept(self, topic, message):
        """Return whether this is to be echoed; it is then expected back.

        It is not if it is an echo, nor while MOST others are expected: then nobody could tell.
        """
        now = time.ticks_ms()
        expected = self._expected
        for i, echo in enumerate(expected):
            if echo[0] == topic and echo[1] == message:
                expected.pop(i)
                return False
        while expected and not 0 <= time.ticks_diff(now, expected[0][2]) <= self.PATIENCE:
            expected.pop(0)
        if len(expected) >= self.MOST:
            print("echo: too many at once; not echoed")
            return False
        expected.append((topic, message, now))
        return True


class Watchdog:
    """Resets the board if the loop stops; not if it waits, nor at the prompt.

    The chip's own, so that all four timers are the user's. It has just one, which cannot be stopped
    and outlives a soft reset (ports/esp32/machine_wdt.c).
    """

    def __init__(self, limit=_STOPPED):
        """Reset after `limit` ms without a step."""
        self._wdt = machine.WDT(timeout=limit)

    def step(self):
        """The loop is alive."""
        self._wdt.feed()

    def rest(self):
        """The loop has ended on purpose, for the prompt perhaps: make the watchdog wait for days."""
        machine.WDT(timeout=_NEVER)


class Client(MQTTClient):
    """The MQTT client with the firmware's lines on the serial port."""

    def on_connected(self, session_present):
        print("mqtt: connected %s:%d session=%d" % (self.server, self.port, session_present))

    def on_subscribed(self, topic_filter, qos):
        if qos > 2:
            print("mqtt: the broker refuses to subscribe %s" % topic_filter.decode())
        else:
            print("mqtt: subscribed %s qos=%d" % (topic_filter.decode(), qos))

    def on_lost(self, reason, retry):
        print("mqtt: lost (%s), retry in %.1f s" % (why(reason), retry))


def _read_authority(path):
    # The certificate as DER, which is what mbedTLS wants here. Raises ValueError.
    import binascii

    try:
        with open(path, "rb") as file:
            ca = file.read()
    except OSError:
        raise ValueError('mqtt.tls.ca: the board has no file "%s"; copy it there' % path)
    if b"-----BEGIN" in ca:  # PEM: a text, BEGIN, base64, END, a text
        parts = ca.split(b"-----")
        try:
            ca = binascii.a2b_base64(parts[2]) if len(parts) > 3 else b""
        except ValueError:
            ca = b""
    # DER begins with its type, a sequence, and its length.
    if ca[:2] != b"\x30\x82" or len(ca) < 4 + (ca[2] << 8 | ca[3]):
        raise ValueError('mqtt.tls.ca: "%s" is no certificate, or cut off; copy it again' % path)
    return ca


def _tls_parameters(tls):
    # What the client's ssl_params take, from the configuration's `tls`.
    if not isinstance(tls, dict):
        return {}
    parameters = {"cadata": _read_authority(tls["ca"])}
    if not tls.get("verify", True):
        parameters["cert_reqs"] = 0
    return parameters


class Device:
    """The running board. `settings` is what platforms.resolve() returned.

    The constructor raises ValueError, in words for people, if `mqtt.tls.ca` names no certificate.
    """

    def __init__(self, settings):
        self.settings = settings
        self._limiter = Limiter(settings["limits"]) if settings["limits"] else None
        self.topics = {key: topic.encode() for key, topic in settings["topics"].items()}
        status = self.topics["status"]
        self._own_topics = (self.topics["state"], status, status + _STATS)
        self.errors = 0  # exceptions in handlers
        self.leds = rgb.leds()
        most = settings["brightness"] or board.LED_BRIGHTNESS
        self.lights = Lights(self.leds, most / 100)
        wifi = settings["wifi"]
        self.wifi = WiFi(wifi["ssid"], wifi["password"], wifi["hostname"], wifi["timeout"])
        self.clock = clock.Clock()
        self.client = self._make_client(settings["mqtt"])
        self._handlers = {}  # topic filter -> (handlers, the highest QoS they ask for)
        self._add_handler(
            self.topics["command"],
            self._on_echo if settings["mode"] == "echo" else self._on_light,
            1,
        )
        self._echoes = Echoes()
        self._shown = None
        self._refused = None
        self._uptime = 0  # ms; ticks_ms wraps round after 12 days
        self._last_step = time.ticks_ms()

    def _make_client(self, mqtt):
        tls = mqtt["tls"]
        client = Client(
            mqtt["client_id"],
            mqtt["server"],
            mqtt["port"],
            mqtt["user"] or None,
            mqtt["password"] or None,
            mqtt["keepalive"],
            bool(tls),
            _tls_parameters(tls),
        )
        if not mqtt["clean_session"]:
            # The broker may hold a QoS 2 publish of before the reset; a new one with the same
            # packet identifier would pass for its repetition [MQTT-4.3.3-2].
            client.pid = int.from_bytes(os.urandom(2), "big")
        if self._limiter:
            client.DELAY = self.settings["limits"]["delay"]
            client.MAX_DELAY = self.settings["limits"]["max_delay"]
        if self.topics["status"]:
            client.set_last_will(
                self.topics["status"], b"offline", retain=self.settings["retain"], qos=1
            )
        return client

    # Messages -------------------------------------------------------------------------

    def _guarded(self, handler):
        # An exception in a handler is a person's mistake, not a reason to stop; no memory left is.
        def call(topic, message):
            try:
                handler(topic, message)
            except Exception as error:
                self._report(error)
                gc.collect()
                if gc.mem_free() < _LEAST_HEAP:
                    raise

        return call

    def _add_handler(self, topic_filter, handler, qos):
        # The client keeps one handler for a filter; here it calls all of them, in turn.
        topic_filter = packets.topic_filter(topic_filter)
        packets.check_qos(qos)
        handlers, most = self._handlers.get(topic_filter, ((), 0))
        handlers += (self._guarded(handler),)
        most = max(qos, most)

        def call_all(topic, message):
            for each in handlers:
                each(topic, message)

        self.client.on(topic_filter, call_all, most)
        self._handlers[topic_filter] = handlers, most

    def _report(self, error):
        self.errors += 1
        sys.print_exception(error)

    @staticmethod
    def _has_user_handlers():
        try:
            os.stat(HANDLERS)
        except OSError:
            return False
        return True

    def load_handlers(self):
        """Run /handlers.py and subscribe what it registers."""
        device._running = self
        device._user_handlers.clear()
        try:
            execfile(HANDLERS, {"__name__": "handlers", "__file__": HANDLERS})
        except Exception as error:
            self._report(error)
        for topic_filter, handler, qos in device._user_handlers:
            try:
                self._add_handler(topic_filter, handler, qos)
            except (ValueError, TypeError) as error:
                print("%s: topic filter %r: %s" % (HANDLERS, topic_filter, error))
                self.errors += 1

    def _on_light(self, topic, message):
        if topic in self._own_topics:
            return  # what we say ourselves comes in, too, if the command topic covers it
        before = self.lights.setting()
        if message == b"stats":
            self._publish_stats()
        elif self.lights.obey(message):
            print("lights: %s" % self.lights)
            # Only changes are told: less to come back if the command topic covers another's state.
            if self.lights.setting() != before:
                self._publish_state()
        else:
            print("lights: %r is not understood; send %s" % (bytes(message[:40]), UNDERSTOOD))

    def _on_echo(self, topic, message):
        print("echo: %s %r" % (topic.decode(), message))
        if self._echoes.accept(topic, message):
            self.publish(topic, message)

    def _publish_state(self):
        if self.topics["state"]:
            state = self.lights.state()
            frame = self.settings["frame"]
            self.publish(
                self.topics["state"], frame(state) if frame else state, retain=True, qos=1
            )

    def _publish_stats(self):
        gc.collect()
        stats = {
            "heap_used": gc.mem_alloc(),
            "heap_free": gc.mem_free(),
            "uptime": self._uptime // 1000,
            "wifi_losses": self.wifi.losses,
            "errors": self.errors,
        }
        stats.update(self.client.counters)
        if self.topics["status"]:
            self.publish(self.topics["status"] + _STATS, json.dumps(stats))

    def _publish_birth(self):
        if self.topics["status"]:
            self.publish(self.topics["status"], b"online", retain=True, qos=1)
        self._publish_state()
        if self.topics["last"]:  # where nothing is retained, ask for the last command
            self.publish(self.topics["last"], b"")

    def publish(self, topic, message, retain=False, qos=0):
        """Queue a message. Never blocks: while the broker is silent the Wi-Fi must be watched.

        Where the platform limits how often, the newest message of each topic waits for its turn.
        """
        retain = retain and self.settings["retain"]
        # Checked here, in the handler's turn: a message may have to wait for its own.
        packets.check_qos(qos)
        topic = packets.topic_name(topic)
        message = packets.payload(message)
        if self._limiter is None:
            self._send(topic, message, retain, qos)
            return
        if not self._limiter.offer(topic, message, retain, qos):
            print("mqtt: a message is larger than the platform takes; it was dropped")

    def _send(self, topic, message, retain, qos):
        try:
            self.client.publish_nowait(topic, message, retain, qos)
        except OSError:
            if self.client.isconnected():
                print("mqtt: too much is waiting to be sent; a message was dropped")
            else:
                print("mqtt: not connected; a message was dropped")

    # The state machine ----------------------------------------------------------------

    def _show(self, colour):
        # A lamp that is on stays as it is: the outage is the network's, not the lamp's.
        if colour != self._shown:
            self._shown = colour
            if not self.lights.on:
                self.leds.fill((0, 0, 0))
                if colour is not None:
                    self.leds[0] = colour
                self.leds.write()

    def step(self):
        """Do what is due. Blocks for a message or 50 ms, longer only for a name look-up or TLS."""
        now = time.ticks_ms()
        self._uptime += time.ticks_diff(now, self._last_step)
        self._last_step = now
        if not self.wifi.step():
            self._show(WIFI_COLOUR)
            if not self.client.isconnected():
                time.sleep_ms(_SLICE)
                return
        if self._needs_time():
            self._show(TIME_COLOUR)
            self.clock.step()
            time.sleep_ms(_SLICE)
            return
        if self._refused is not None:
            self._show(ERROR_COLOUR)
            time.sleep_ms(_SLICE)
            # Below 0 after days without Wi-Fi, when ticks_ms has come halfway around.
            if 0 <= time.ticks_diff(time.ticks_ms(), self._refused) < REFUSED_RETRY:
                return
            self._refused = None
            self._start_client()
        self._step_client()

    def _needs_time(self):
        tls = self.settings["mqtt"]["tls"]
        return isinstance(tls, dict) and tls.get("verify", True) and not clock.is_set()

    def _start_client(self):
        self.client.start(self.settings["mqtt"]["clean_session"])

    def _step_client(self):
        was_connected = self.client.isconnected()
        try:
            self.client.step(_SLICE)
        except MQTTException as error:
            code = error.args[0]
            self._refuse(_REFUSALS.get(code, "the broker refuses with code %s" % code))
        except ValueError as error:  # a certificate
            self._refuse(error)
        if self.client.isconnected():
            if not was_connected:
                slot.keep()  # an update that cannot reach its broker is not kept
                self._publish_birth()
            if self._limiter is not None:
                for message in self._limiter.due():
                    self._send(*message)
            self._show(None)
        elif self.wifi.connected:
            self._show(MQTT_COLOUR)

    def _refuse(self, reason):
        print("mqtt: %s" % reason)
        self._refused = time.ticks_ms()

    def _goodbye(self):
        # After DISCONNECT the broker does not publish the last will.
        if self.client.isconnected() and self.topics["status"]:
            self._send(self.topics["status"], b"offline", self.settings["retain"], 1)
        self.client.disconnect()

    def run(self, watchdog, is_starting):
        """Switch the radio on, load the user's handlers, and run for ever.

        `watchdog.step()` is called after each step. `is_starting()` is called between steps until
        it returns False, and always before any of the user's code runs; what it raises ends the
        program, as KeyboardInterrupt does: with a goodbye to the broker.
        """
        try:
            self._show(WIFI_COLOUR)
            self.wifi.start()
            starting = is_starting()
            if self._has_user_handlers():
                while starting:
                    self.wifi.step()
                    time.sleep_ms(10)
                    starting = is_starting()
                self.load_handlers()
            self._start_client()
            while True:
                self.step()
                watchdog.step()
                starting = starting and is_starting()
        finally:
            self._goodbye()
