"""What each MQTT service needs, from the few fields a person gives. See docs/platforms.md.

    settings, problems = config.load(...)
    settings = platforms.resolve(settings)

A service is a module of this folder, its profile, with two functions:

rules()            {key: (kind, default)}: where its configuration differs from a plain broker's
                   (rules.py), and what `resolve` relies on
resolve(settings)  completes the settings of config.load() in place, as below; never fails

    settings["mqtt"]    server, port, user and password are the ones to connect with
    settings["topics"]  command, state, status as they go to the broker; button, touch, motion and
                        sensors where they are wanted, else not at all; and one more, last:
                        publish an empty message there after each connect to be sent the last
                        command again. "" where a service has no such topic: nothing is
                        subscribed, published or left as last will
    settings["retain"]  whether the service takes retained messages; if not, retain must be False
    settings["frame"]   None, or a function: what is published to topics.state goes through it
    settings["split"]   None: what the sensors read goes to topics.sensors as one JSON object; or a
                        function(topic, readings) that returns a list of (topic, payload): the
                        messages in its place, which the readings, a dict of numbers, make
    settings["limits"]  None, or a dict of what the service would punish: "interval", milliseconds
                        between two messages, and "payload", most bytes of one, for `Limiter`;
                        "delay" and "max_delay", seconds, for the client's DELAY and MAX_DELAY
"""

NAMES = ("mqtt", "easyiot", "onenet", "onenet-legacy", "adafruit")

# Topics, and the key of `telemetry` that each needs unless Home Assistant is told of the board.
_TOLD = (
    ("button", "buttons"),
    ("touch", "touch"),
    ("motion", "motion"),
    ("sensors", "sensors"),
)


def profile(name):
    """Return the profile of a service: the module of its name, with _ for -."""
    return __import__(__name__ + "." + name.replace("-", "_"), None, None, ("rules",))


def resolve(settings):
    """Complete the settings that config.load() returned, in place, and return them."""
    mqtt = settings["mqtt"]
    settings["topics"]["last"] = ""
    settings["retain"] = False
    settings["frame"] = settings["split"] = None
    settings["limits"] = None
    profile(mqtt["platform"]).resolve(settings)
    if not settings["retain"]:  # an update's states and offers must be retained
        settings["topics"]["update"] = ""
    if not settings["homeassistant"]:  # the heap keeps no topic that nothing is told on
        for key, switch in _TOLD:
            if not settings["telemetry"][switch]:
                del settings["topics"][key]
        if not settings["texts"]:
            del settings["topics"]["display"]
    mqtt["port"] = mqtt["port"] or (8883 if mqtt["tls"] else 1883)
    if mqtt["rate"]:  # the user's own: less for many boards on one account, more if it is paid for
        limits = settings["limits"] or {"payload": 0, "delay": 2, "max_delay": 60}
        limits["interval"] = 60000 // mqtt["rate"]
        settings["limits"] = limits
    return settings
