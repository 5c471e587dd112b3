"""The firmware's own program, as `/handlers.py` on the board's filesystem sees it:

import device

@device.on("class/+/lamp")
def lamp(topic, message):           # both are bytes
    device.publish("class/seen", message)
"""

_user_handlers = []  # (topic filter, handler, qos)
_running = None  # the program, once it runs


def on(topic_filter, qos=0):
    """Decorate a handler(topic, message) for messages that match a topic filter.

    For `/handlers.py`. A bad filter is reported when the device starts; TypeError if the filter
    was forgotten.
    """
    if callable(topic_filter):
        raise TypeError('a handler needs its topic filter: write @device.on("class/lamp")')

    def register(handler):
        _user_handlers.append((topic_filter, handler, qos))
        return handler

    return register


def publish(topic, message, retain=False, qos=0):
    """Publish from a handler. Never blocks; a message that does not fit the queue is dropped."""
    _running.publish(topic, message, retain, qos)
