"""What each MQTT service needs, from the few fields a person gives. See docs/platforms.md.

    settings, problems = config.load(...)
    settings = platforms.resolve(settings)

`resolve` expects settings that `config` has checked, which is where a missing product id or a
garbled key is reported, and never fails. What it returns has the same shape, with these changes:

settings["mqtt"]    server, port, user and password are the ones to connect with
settings["topics"]  command, state, status as they go to the broker, and one more, last: publish an
                    empty message there after each connect to be sent the last command again.
                    "" where a service has no such topic: nothing is subscribed, published or left
                    as last will
settings["retain"]  whether the service takes retained messages; if not, retain must be False
settings["frame"]   None, or a function: what is published to topics.state goes through it first
settings["limits"]  None, or a dict of what the service would punish: "interval", milliseconds
                    between two messages, and "payload", most bytes of one, for `Limiter`;
                    "delay" and "max_delay", seconds, for the client's DELAY and MAX_DELAY
"""

import json
import time
from micropython import const

# When tokens made on the board expire: 2050-01-01, so that the board needs no clock to make one.
_TOKEN_END = const(2524608000)

# Topics that wait in a Limiter at most; the one that has waited longest makes room.
_MOST_TOPICS = const(16)


def _plain(mqtt, topics):
    return {}


def _easyiot(mqtt, topics):
    mqtt["server"] = mqtt["server"] or "iot.dfrobot.com.cn"
    return {"retain": False}


def _onenet(mqtt, topics):
    product = mqtt["user"]
    device = mqtt["client_id"]
    mqtt["server"] = mqtt["server"] or (
        "mqttstls.heclouds.com" if mqtt["tls"] else "mqtts.heclouds.com"
    )
    if not mqtt["password"].startswith("version="):
        resource = "products/%s/devices/%s" % (product, device)
        mqtt["password"] = token(resource, mqtt["password"], _TOKEN_END)
    base = "$sys/%s/%s/" % (product, device)
    topics["command"] = base + "cmd/request/+"
    topics["state"] = base + "dp/post/json"
    return {"retain": False, "frame": onenet_frame}


def _onenet_legacy(mqtt, topics):
    mqtt["server"] = mqtt["server"] or "mqtt.heclouds.com"
    mqtt["port"] = mqtt["port"] or 6002
    topics["command"] = "$creq/#"
    topics["state"] = "$dp"
    return {"retain": False, "frame": onenet_legacy_frame}


def _adafruit(mqtt, topics):
    mqtt["server"] = mqtt["server"] or "io.adafruit.com"
    for key in ("command", "state", "status"):
        if topics[key]:
            topics[key] = "%s/feeds/%s" % (mqtt["user"], topics[key])
    topics["last"] = topics["command"] + "/get"
    return {
        "retain": False,
        "limits": {
            # 30 data points a minute, less one in ten: what leaves evenly arrives in bunches.
            "interval": 2200,
            "payload": 1024,
            # Bans begin at 30 s and are the account's: the client waits 3/4 to 4/4 of this after
            # its first failure, then twice that, so it makes 3 attempts of the 20 in a minute.
            "delay": 40,
            "max_delay": 3600,
        },
    }


_PROFILES = {
    "mqtt": _plain,
    "easyiot": _easyiot,
    "onenet": _onenet,
    "onenet-legacy": _onenet_legacy,
    "adafruit": _adafruit,
}


def resolve(settings):
    """Complete the settings that config.load() returned, in place, and return them."""
    mqtt = settings["mqtt"]
    topics = settings["topics"]
    topics["last"] = ""
    profile = _PROFILES[mqtt["platform"]](mqtt, topics)
    mqtt["port"] = mqtt["port"] or (8883 if mqtt["tls"] else 1883)
    limits = profile.get("limits")
    if mqtt["rate"]:  # the user's own: less for many boards on one account, more if it is paid for
        limits = limits or {"payload": 0, "delay": 2, "max_delay": 60}
        limits["interval"] = 60000 // mqtt["rate"]
    settings["retain"] = profile.get("retain", True)
    settings["frame"] = profile.get("frame")
    settings["limits"] = limits
    return settings


# OneNET ---------------------------------------------------------------------------------


def _hmac(key, message, algorithm):
    # RFC 2104; MicroPython has no hmac module. The block is 64 bytes for md5, sha1 and sha256.
    if len(key) > 64:
        key = algorithm(key).digest()
    key += bytes(64 - len(key))
    inner = algorithm(bytes(byte ^ 0x36 for byte in key))
    inner.update(message)
    outer = algorithm(bytes(byte ^ 0x5C for byte in key))
    outer.update(inner.digest())
    return outer.digest()


def _percent(text):
    # URL-encoding of everything but RFC 3986's unreserved characters.
    encoded = ""
    for byte in text.encode():
        letter = chr(byte)
        if byte < 128 and (letter.isalpha() or letter.isdigit() or letter in "-._~"):
            encoded += letter
        else:
            encoded += "%%%02X" % byte
    return encoded


def token(resource, key, end, method="sha256"):
    """Return an OneNET token, the password of a device.

    `resource` is products/{pid}/devices/{name}, `key` the device's key in base64, `end` the Unix
    time (s) when it expires, `method` md5, sha1 or sha256. Raises ValueError for another method
    or a garbled key. Source: OneNET's manual of its MQTT suite, "token".
    """
    import binascii
    import hashlib

    if method not in ("md5", "sha1", "sha256"):
        raise ValueError("a token's method is md5, sha1 or sha256")
    version = "2018-10-31"
    signed = "\n".join((str(end), method, resource, version))
    digest = _hmac(binascii.a2b_base64(key), signed.encode(), getattr(hashlib, method))
    sign = binascii.b2a_base64(digest).decode().strip()
    return "version=%s&res=%s&et=%d&method=%s&sign=%s" % (
        version,
        _percent(resource),
        end,
        method,
        _percent(sign),
    )


def _value(payload):
    # JSON stays what it is, everything else becomes a text. Raises ValueError if it is not UTF-8.
    text = payload.decode()
    try:
        return json.loads(text)
    except ValueError:
        return text


def onenet_frame(payload):
    """Return a state (bytes) as the data point `state` of OneNET's MQTT suite."""
    return json.dumps({"id": 1, "dp": {"state": [{"v": _value(payload)}]}}).encode()


def onenet_legacy_frame(payload):
    """Return a state (bytes) as the data point `state` of `$dp`: type 1, length, JSON."""
    points = [{"value": _value(payload)}]
    body = json.dumps({"datastreams": [{"id": "state", "datapoints": points}]}).encode()
    return b"\x01" + len(body).to_bytes(2, "big") + body


# Limits ---------------------------------------------------------------------------------


class Limiter:
    """Thins out what is published, so that a service with limits has no reason for a ban.

    One message waits per topic: a newer one takes its place in the queue. `limits` is
    settings["limits"]; where that is None no Limiter is needed. Neither method blocks.
    """

    def __init__(self, limits):
        self.dropped = 0  # messages that were replaced, or too large
        self._interval = limits["interval"]
        self._payload = limits["payload"]
        self._queue = []  # (topic, payload, retain, qos), the oldest topic first
        self._sent_at = None  # ticks_ms of the last message

    def offer(self, topic, payload, retain=False, qos=0):
        """Queue a message (bytes); return whether it is small enough to be sent at all."""
        if self._payload and len(payload) > self._payload:
            self.dropped += 1
            return False
        message = (topic, payload, retain, qos)
        for i, waiting in enumerate(self._queue):
            if waiting[0] == topic:
                self._queue[i] = message
                self.dropped += 1
                return True
        if len(self._queue) >= _MOST_TOPICS:
            self._queue.pop(0)
            self.dropped += 1
        self._queue.append(message)
        return True

    def due(self, now):
        """Return a tuple of the messages, each (topic, payload, retain, qos), to send at `now`.

        `now` is ticks_ms. At most one is due per interval. Ask only while the broker is there:
        what waits stays the newest.
        """
        if not self._queue:
            return ()
        if self._sent_at is not None:
            # Below 0 after days of silence, when ticks_ms has come halfway around.
            if 0 <= time.ticks_diff(now, self._sent_at) < self._interval:
                return ()
        self._sent_at = now
        return (self._queue.pop(0),)
