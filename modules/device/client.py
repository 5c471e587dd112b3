"""The MQTT client of the firmware: made of settings, and talkative on the serial port."""

import errno
import os
from micropython import const
from umqtt.protocol import MQTTException, NotMQTTError
from umqtt.robust import MQTTClient

# Seconds between two attempts at most, where nobody but the classroom waits for the broker: a
# teacher has just started it, and looks at the boards.
_LOCAL_MAX_DELAY = const(15)

_EPIPE = const(32)  # the errno module does not name it; the same on the chip and on Linux

# CONNACK codes that only a person can cure [MQTT-3.2.2-5], table 3.1.
REFUSALS = {
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker refuses the client id; check mqtt.client_id and mqtt.keepalive",
    4: "the broker refuses the password; check mqtt.user and mqtt.password",
    5: "the broker does not let this user in; check mqtt.user and mqtt.password",
}


def describe(error):
    """Return in a few words why a connection was lost or not made, from its exception."""
    if isinstance(error, NotMQTTError):
        return error.args[1]
    if isinstance(error, MQTTException):  # code 3, the one that time may cure
        return "the broker is not ready yet"
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


class Client(MQTTClient):
    """The client that tells what happens. `greeted` is set to True by each CONNACK.

    A class loses its broker in one moment, and must not come back in one: the first retry is
    anywhere in DELAY seconds, the next ones in the last two thirds of a backoff that grows by 1.4.
    Of 200 boards the busiest second then has at most 2.4 times the mean (2.9 with MAX_DELAY 60),
    however long the broker was away; 3.9 times if it doubles (computed).
    """

    greeted = False
    brokers = None  # the Brokers of a configuration that names several
    _answers = 0  # at the last CONNACK

    def backoff(self, failures):
        if self.brokers is None:
            return self._wait(failures)
        rounds = self.brokers.choose(failures or self._is_useless())
        if self.brokers.has_changed:
            # It may have kept a session of ours that knows none of what another one has granted.
            self.session.granted.clear()
        self.server = self.brokers.server
        self.brokers.wait = 0 if self.brokers.untried else self._wait(rounds)
        return self.brokers.wait

    def _wait(self, failures):
        longest = min(self.DELAY * 1.4 ** min(failures, 11), self.MAX_DELAY)
        portion = os.urandom(1)[0] / 255
        return longest * ((1 + 2 * portion) / 3 if failures else portion)

    def _count_answers(self):
        # What has come from brokers but for answers to pings.
        return self.counters["packets_in"] - self.counters["pings_answered"]

    def _is_useless(self):
        # After a connection that had lasted: whether the broker had answered pings alone, until the
        # client gave it up. It lets in each time, and would keep the board from the others forever.
        is_silent = self.last_error.args[:1] == (errno.ETIMEDOUT,)
        return is_silent and self._count_answers() == self._answers

    def on_connected(self, session_present):
        self.greeted = True
        self._answers = self._count_answers()
        print("mqtt: connected %s:%d session=%d" % (self.server, self.port, session_present))

    def on_subscribed(self, topic_filter, qos):
        if qos > 2:
            print("mqtt: the broker refuses to subscribe %s" % topic_filter.decode())
        else:
            print("mqtt: subscribed %s qos=%d" % (topic_filter.decode(), qos))

    def on_lost(self, reason, retry):
        why = describe(reason)
        # So end attempts at a port where something else listens: a web server waits for a whole
        # request, a broker's port for TLS closes or resets.
        is_silent = why in ("the broker closed the connection", "no answer", "refused or reset")
        if is_silent and not self.counters["connects"]:
            why += "; check mqtt.server, mqtt.port and mqtt.tls"
        print("mqtt: lost (%s), retry in %.1f s" % (why, retry))
        self.tell_next()

    def tell_next(self):
        """Print which broker is tried next, if it is another one."""
        if self.brokers is not None and self.brokers.has_changed:
            print("mqtt: next broker %s" % self.server)


def make(settings):
    """Return the Client for what platforms.resolve() returned; it does nothing yet.

    Raises ValueError, in words for people, if `mqtt.tls.ca` names no certificate.
    """
    mqtt = settings["mqtt"]
    servers = mqtt["server"]
    if isinstance(servers, str):
        servers = [servers]
    client = Client(
        client_id=mqtt["client_id"],
        server=servers[0],
        port=mqtt["port"],
        user=mqtt["user"] or None,
        password=mqtt["password"] or None,
        keepalive=mqtt["keepalive"],
        ssl=bool(mqtt["tls"]),
        ssl_params=_tls_parameters(mqtt["tls"]),
    )
    if len(servers) > 1:
        from .brokers import Brokers

        client.brokers = Brokers(servers)
    if settings["limits"]:
        client.DELAY = settings["limits"]["delay"]
        client.MAX_DELAY = settings["limits"]["max_delay"]
    elif all([is_local(server) for server in servers]):
        client.MAX_DELAY = _LOCAL_MAX_DELAY
    status = settings["topics"]["status"]
    if status:
        client.set_last_will(status.encode(), b"offline", retain=settings["retain"], qos=1)
    return client


def is_local(server):
    """Return whether a name or address is one of a local network [RFC 1918, RFC 6762]."""
    parts = server.lower().split(".")
    if len(parts) == 1 or parts[-1] == "local":
        return True
    if len(parts) != 4 or not all([part.isdigit() for part in parts]):
        return False
    first, second = int(parts[0]), int(parts[1])
    return (
        first in (10, 127)
        or (first == 192 and second == 168)
        or (first == 172 and 16 <= second < 32)
        or (first == 169 and second == 254)
    )


def _tls_parameters(tls):
    # What the client's ssl_params take, from the configuration's mqtt.tls.
    if not isinstance(tls, dict):
        return {}
    parameters = {"cadata": _read_authority(tls["ca"])}
    if not tls["verify"]:
        parameters["cert_reqs"] = 0
    return parameters


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
