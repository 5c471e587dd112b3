"""OneNET, legacy: product id, device id and authentication information, and data points in $dp."""

import json
from . import onenet
from ..kinds import Choice, Text


def rules():
    own = onenet.common_rules()
    own["mqtt.client_id"] = (Text(1, 64, "the device's id,"), None)
    own["mqtt.password"] = (
        Text(1, 1024, "the device's authentication information,", secret=True),
        None,
    )
    own["mqtt.tls"] = (Choice(False), False)
    return own


def resolve(settings):
    mqtt = settings["mqtt"]
    mqtt["server"] = mqtt["server"] or "mqtt.heclouds.com"
    mqtt["port"] = mqtt["port"] or 6002
    settings["topics"]["command"] = "$creq/#"
    settings["topics"]["state"] = settings["topics"]["sensors"] = "$dp"
    settings["frame"] = frame
    settings["split"] = split


def frame(payload):
    """Return a state (bytes) as the data point `state` of `$dp`: type 1, length, JSON."""
    return _data_points({"state": onenet.value(payload)})


def split(topic, readings):
    """Return one message: each reading as a data point of its own stream."""
    return [(topic, _data_points(readings))]


def _data_points(values):
    streams = [{"id": name, "datapoints": [{"value": values[name]}]} for name in values]
    body = json.dumps({"datastreams": streams}).encode()
    return b"\x01" + len(body).to_bytes(2, "big") + body
