"""OneNET's MQTT suite: product, device and key become topics and a token."""

import json
from ..kinds import Choice, Number, OnenetKey, Text

# When tokens made on the board expire: 2050-01-01, so that the board needs no clock to make one.
_TOKEN_END = 2524608000


def common_rules():
    """Return the rules of both OneNETs: it names the topics itself, and takes nothing back on the
    one that commands come from."""
    return {
        "mode": (Choice("lights"), "lights"),
        "topics.command": (Choice(""), ""),
        "topics.state": (Choice(""), ""),
        "topics.status": (Choice(""), ""),
        "topics.sensors": (Choice(""), ""),
        "mqtt.user": (Text(1, 64, "the product's id,", "/+#"), None),
    }


def rules():
    own = common_rules()
    own["mqtt.client_id"] = (Text(1, 64, "the device's name,", "/+#"), None)
    own["mqtt.password"] = (OnenetKey(), None)
    own["mqtt.keepalive"] = (Number(10, 1800), 30)
    return own


def resolve(settings):
    mqtt = settings["mqtt"]
    product = mqtt["user"]
    device = mqtt["client_id"]
    mqtt["server"] = mqtt["server"] or (
        "mqttstls.heclouds.com" if mqtt["tls"] else "mqtts.heclouds.com"
    )
    if not mqtt["password"].startswith("version="):
        resource = "products/%s/devices/%s" % (product, device)
        mqtt["password"] = token(resource, mqtt["password"], _TOKEN_END)
    base = "$sys/%s/%s/" % (product, device)
    settings["topics"]["command"] = base + "cmd/request/+"
    settings["topics"]["state"] = settings["topics"]["sensors"] = base + "dp/post/json"
    settings["frame"] = frame
    settings["split"] = split


def frame(payload):
    """Return a state (bytes) as the data point `state`."""
    return json.dumps({"id": 1, "dp": {"state": [{"v": value(payload)}]}}).encode()


def split(topic, readings):
    """Return one message: each reading as the data point of its own stream."""
    points = {name: [{"v": value}] for name, value in readings.items()}
    return [(topic, json.dumps({"id": 1, "dp": points}))]


def value(payload):
    """Return what a data point holds of a state (bytes): JSON as it is, anything else as a text.

    Raises ValueError if it is not UTF-8.
    """
    text = payload.decode()
    try:
        return json.loads(text)
    except ValueError:
        return text


def token(resource, key, end, method="sha256"):
    """Return a token, the password of a device.

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
        _percent_encoded(resource),
        end,
        method,
        _percent_encoded(sign),
    )


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


def _percent_encoded(text):
    # All but RFC 3986's unreserved characters.
    encoded = ""
    for byte in text.encode():
        letter = chr(byte)
        if byte < 128 and (letter.isalpha() or letter.isdigit() or letter in "-._~"):
            encoded += letter
        else:
            encoded += "%%%02X" % byte
    return encoded
