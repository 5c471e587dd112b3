"""The firmware's own program: join Wi-Fi, follow the command topic, drive the LEDs, stay there.

A small state machine, boot -> wifi -> mqtt -> run, whose `step` never blocks for long, so that
Ctrl-C, Wi-Fi supervision and the LEDs go on during every outage. What happens is printed in
lines that people and scripts can read (docs/serial.md).
"""

import board
import machine
import rgb
import time
from lights import UNDERSTOOD, Lights
from micropython import const
from umqtt.robust import MQTTClient
from umqtt.simple import MQTTException
from wifi import WiFi

# How long one step waits for the network at most. Milliseconds.
_SLICE = const(50)

# After a refusal that only a person can mend the board tries again this late. Milliseconds.
_REFUSED_RETRY = const(60000)

# Colours of the first LED while there is nothing better to show.
WIFI_COLOUR = (0, 0, 255)
MQTT_COLOUR = (255, 160, 0)
ERROR_COLOUR = (255, 0, 0)

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


class Echoes:
    """Tells our own echoes from others' messages when both come back on one topic.

    The broker sends an echo back to the board that published it; echoing it again would go on
    for ever. Each message sent is expected back once.
    """

    MOST = const(16)

    def __init__(self):
        self._expected = []

    def is_new(self, message):
        """Return whether to echo a message that has come in; it is then expected back."""
        if message in self._expected:
            self._expected.remove(message)
            return False
        if len(self._expected) >= self.MOST:
            self._expected.pop(0)
        self._expected.append(message)
        return True


class Client(MQTTClient):
    """The MQTT client with the firmware's lines on the serial port."""

    def on_connected(self, session_present):
        print("mqtt: connected %s:%d session=%d" % (self.server, self.port, session_present))

    def on_subscribed(self, topic_filter, qos):
        if qos > 2:
            print("mqtt: the broker refuses to subscribe %s" % topic_filter.decode())
        else:
            print("mqtt: subscribed %s qos=%d" % (topic_filter.decode(), qos))

    def on_lost(self, error, delay):
        print("mqtt: lost (%s), retry in %.1f s" % (error, delay))


class Device:
    """The running board. `settings` is what config.load() returned."""

    def __init__(self, settings):
        self.settings = settings
        self.topics = {key: topic.encode() for key, topic in settings["topics"].items()}
        self.leds = rgb.leds()
        most = settings["brightness"] or board.LED_BRIGHTNESS
        self.lights = Lights(self.leds, most / 100)
        self.wifi = WiFi(
            settings["wifi"]["ssid"], settings["wifi"]["password"], settings["wifi"]["hostname"]
        )
        self.client = self._make_client(settings["mqtt"])
        self._echoes = Echoes()
        self._shown = None
        self._refused = None

    def _make_client(self, mqtt):
        client = Client(
            mqtt["client_id"],
            mqtt["server"],
            mqtt["port"],
            mqtt["user"] or None,
            mqtt["password"] or None,
            mqtt["keepalive"],
            mqtt["tls"],
        )
        client.set_last_will(self.topics["status"], b"offline", retain=True, qos=1)
        handler = self._on_echo if self.settings["mode"] == "echo" else self._on_light
        client.on(self.topics["command"], handler, qos=1)
        return client

    # Messages -------------------------------------------------------------------------

    def _on_light(self, topic, message):
        if self.lights.obey(message):
            print("lights: %s" % self.lights)
            self._publish_state()
        else:
            print("lights: %r is not understood; send %s" % (bytes(message[:40]), UNDERSTOOD))

    def _on_echo(self, topic, message):
        print("echo: %s %r" % (topic.decode(), message))
        if self._echoes.is_new(message):
            self._publish(topic, message)

    def _publish_state(self):
        self._publish(self.topics["state"], self.lights.state(), retain=True, qos=1)

    def _publish(self, topic, message, retain=False, qos=0):
        # Never waits for the broker: while it is silent the Wi-Fi must still be watched.
        try:
            self.client.publish_nowait(topic, message, retain, qos)
        except OSError:
            print("mqtt: too much is waiting to be sent; a message was dropped")

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
        if not self.wifi.step():
            self._show(WIFI_COLOUR)
            if not self.client.isconnected():
                time.sleep_ms(_SLICE)
                return
        if self._refused is not None:
            self._show(ERROR_COLOUR)
            if time.ticks_diff(time.ticks_ms(), self._refused) < _REFUSED_RETRY:
                time.sleep_ms(_SLICE)
                return
            self._refused = None
            self.client.start(self.settings["mqtt"]["clean_session"])
        was_connected = self.client.isconnected()
        try:
            self.client.step(_SLICE)
        except MQTTException as error:
            code = error.args[0]
            print("mqtt: " + _REFUSALS.get(code, "the broker refuses with code %s" % code))
            self._refused = time.ticks_ms()
        if self.client.isconnected():
            if not was_connected:
                self._publish(self.topics["status"], b"online", retain=True, qos=1)
                self._publish_state()
            self._show(None)
        elif self.wifi.connected:
            self._show(MQTT_COLOUR)

    def start(self):
        """Switch the radio on; `step` does the rest."""
        self._show(WIFI_COLOUR)
        self.wifi.start()
        self.client.start(self.settings["mqtt"]["clean_session"])

    def run(self):
        """Run for ever after `start`. KeyboardInterrupt ends it, with a goodbye to the broker."""
        try:
            while True:
                self.step()
        finally:
            self.client.disconnect()
