"""Adafruit IO: feeds in place of topics, nothing retained, and limits that it enforces by bans."""

from ..kinds import LOWER_CASE, Label, Text


def rules():
    feed = "a feed's key: small letters, digits, - and .,"
    letters = LOWER_CASE + "-."
    return {
        "mqtt.user": (Text(1, 128, "the Adafruit IO user name,", "/+#"), None),
        "mqtt.password": (Text(1, 1024, "the Adafruit IO key,", secret=True), None),
        "topics.command": (Label(1, 128, feed, letters), "{name}-{id}-command"),
        "topics.state": (Label(0, 128, feed, letters), "{name}-{id}-state"),
        "topics.status": (Label(0, 128, feed, letters), ""),
        "topics.sensors": (Label(0, 100, "the beginning of " + feed, letters), "{name}-{id}"),
    }


def resolve(settings):
    mqtt = settings["mqtt"]
    topics = settings["topics"]
    mqtt["server"] = mqtt["server"] or "io.adafruit.com"
    for key in ("command", "state", "status", "sensors"):
        if topics[key]:
            topics[key] = "%s/feeds/%s" % (mqtt["user"], topics[key])
    topics["last"] = topics["command"] + "/get"
    settings["split"] = split
    settings["limits"] = {
        # 30 data points a minute, less one in ten: what leaves evenly arrives in bunches.
        "interval": 2200,
        "payload": 1024,
        # Bans begin at 30 s and are the account's: after its first failure the client waits for the
        # last two thirds of 1.4 times this, 30 s at least, so it makes 3 attempts of the 20 in a
        # minute.
        "delay": 65,
        "max_delay": 3600,
    }


def split(topic, readings):
    """Return one message for each reading, to a feed of its own."""
    return [("%s-%s" % (topic, name.replace("_", "-")), str(readings[name])) for name in readings]
