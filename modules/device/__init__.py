"""The firmware's own program, as `/handlers.py` on the board's filesystem sees it:

    import device

    @device.on("class/+/lamp")
    def lamp(topic, message):           # both are bytes
        device.publish("class/seen", message)

    @device.connected
    def hello():
        device.publish("class/here", "desk 7")

    @device.every(1000)
    def tick():
        device.lamp.brightness(40)

`device.lamp` is the lamp that commands switch, `device.leds` the LEDs themselves (rgb.RGB).
Everything here is called in the program's loop, never from an interrupt; what blocks in a handler
stops the loop. The program's parts are this package's modules; program.py joins them.
"""

# What /handlers.py has registered; handlers.py calls it.
_messages = []  # (topic filter, handler, qos)
_connected = []  # handlers
_periodic = []  # (ms, handler)
_is_open = False  # whether more may be registered: while /handlers.py runs

_running = None  # the program.Device, once it runs


def _register(registered, entry):
    if not _is_open:
        raise RuntimeError("@device... belongs in /handlers.py, outside its functions")
    registered.append(entry)


def on(topic_filter, qos=0):
    """Decorate a handler(topic, message) for messages that match a topic filter.

    A bad filter is reported when the device starts; TypeError if the filter was forgotten.
    """
    if callable(topic_filter):
        raise TypeError('a handler needs its topic filter: write @device.on("class/lamp")')

    def register(handler):
        _register(_messages, (topic_filter, handler, qos))
        return handler

    return register


def connected(handler):
    """Decorate a handler() that is called each time the broker has let the board in."""
    if not callable(handler):
        raise TypeError("write @device.connected without brackets, above a function")
    _register(_connected, handler)
    return handler


def every(period):
    """Decorate a handler() that is called every `period` milliseconds, connected or not.

    The loop waits for messages in slices of 50 ms and longer for a DNS lookup or TLS: a call comes
    that much late, and those that were missed meanwhile are left out. TypeError if the period was
    forgotten, ValueError if it is below 1 or above 2**29 (6 days).
    """
    if type(period) is not int:
        raise TypeError("a period in milliseconds is needed: write @device.every(1000)")
    if not 1 <= period <= 1 << 29:
        raise ValueError("a period is 1 to 536870912 milliseconds")

    def register(handler):
        _register(_periodic, (period, handler))
        return handler

    return register


def publish(topic, message, retain=False, qos=0):
    """Queue a message; never blocks.

    Before the first connection up to 16 messages wait for it. Later a message is dropped, and that
    is said, while there is no connection or 32 are unacknowledged.
    """
    if _running is None:
        raise OSError("the firmware's program does not run; this is for /handlers.py")
    _running.link.publish(topic, message, retain, qos)


def _start(program):
    # Make `program`, the program.Device that begins to run, the one that handlers speak to.
    global _running, lamp, leds
    _running = program
    lamp = program.lamp  # takes the place of the module lamp, which a package has by its name
    leds = program.leds
    for registered in (_messages, _connected, _periodic):
        registered.clear()
