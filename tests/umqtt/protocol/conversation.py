"""The conversations of rows/*.txt: how they are read, cut and played, in CPython and MicroPython.

A conversation is a title or several, and steps:

    [MQTT-4.3.2-1] QoS 1 is kept until PUBACK     what it shows
        publish("t", "m", qos=1)                  a call of `client.Client`
      > 32 06  00 01 "t"  00 01  "m"              bytes that leave because of it
      < 40 02 00 01                               bytes that arrive, all at once
      = acknowledged(1)                           an event of theirs: one of the functions below
      ! publish("+", "m")  ValueError             a call that raises
      ~ f0 00                                     these bytes would end the connection here

Bytes are pairs of hexadecimal digits and "text"; both may be repeated: "x"*300. Everything that
leaves and every event is listed behind its step; what is not listed must not happen. Each line
with a ~ makes a conversation of its own.
"""


def as_bytes(value):
    return value if isinstance(value, bytes) else value.encode()


# Events, as `client.Client` reports them and conversations list them.


def connected(session_present):
    return ("connected", session_present)


def message(topic, payload, qos=0, retained=0, dup=0):
    return ("message", as_bytes(topic), as_bytes(payload), qos, retained, dup)


def oversize():
    return ("oversize",)


def acknowledged(identifier):
    return ("acknowledged", identifier)


def subscribed(topic_filter, code):
    return ("subscribed", as_bytes(topic_filter), code)


def unsubscribed(topic_filter):
    return ("unsubscribed", as_bytes(topic_filter))


def unexpected():
    return ("unexpected",)


def pong():
    return ("pong",)


def denied(code):
    return ("denied", code)


def violation():
    return ("violation",)


def timeout():
    return ("timeout",)


EVENTS = {
    function.__name__: function
    for function in (
        connected,
        message,
        oversize,
        acknowledged,
        subscribed,
        unsubscribed,
        unexpected,
        pong,
        denied,
        violation,
        timeout,
    )
}
ENDS = ("denied", "violation", "timeout")


def wire(text):
    """Return the bytes that a line of hexadecimal digits and texts stands for; # begins a comment."""
    data = bytearray()
    i = 0
    while i < len(text):
        if text[i] == " ":
            i += 1
            continue
        if text[i] == "#":
            break
        if text[i] == '"':
            end = text.index('"', i + 1)
            piece = text[i + 1 : end].encode()
            i = end + 1
        else:
            piece = bytes([int(text[i : i + 2], 16)])
            i += 2
        if text[i : i + 1] == "*":
            end = i + 1
            while text[end : end + 1].isdigit():
                end += 1
            piece *= int(text[i + 1 : end])
            i = end
        data.extend(piece)
    return bytes(data)


class Step:
    """One thing that happens, and all that must come of it."""

    def __init__(self, kind, text, line):
        self.kind = kind  # "call", "arrive" or "raise"
        self.text = text
        self.line = line
        self.data = wire(text) if kind == "arrive" else None
        self.leaves = b""
        self.events = []


class Conversation:
    def __init__(self, titles, steps):
        self.titles = titles
        self.steps = steps


def read(text):
    """Return the conversations in `text`, a file of rows/."""
    found = []
    titles = []
    steps = []
    fatal = []

    def finish():
        if fatal:
            for step in fatal:
                named = [title + ": " + step.text for title in titles]
                found.append(Conversation(named, steps + [step]))
        elif titles:
            found.append(Conversation(titles, steps))

    for number, line in enumerate(text.split("\n"), 1):
        mark = line[:4]
        rest = line[4:].strip()
        if line.startswith("["):
            if steps:
                finish()
                titles, steps, fatal = [], [], []
            titles.append(line)
        elif mark == "    ":
            steps.append(Step("call", rest, number))
        elif mark == "  < ":
            steps.append(Step("arrive", rest, number))
        elif mark == "  ! ":
            steps.append(Step("raise", rest, number))
        elif mark == "  ~ ":
            step = Step("arrive", rest, number)
            step.events.append(violation())
            fatal.append(step)
        elif mark == "  > ":
            steps[-1].leaves += wire(rest)
        elif mark == "  = ":
            steps[-1].events.append(eval(rest, dict(EVENTS)))
        elif line and not line.startswith("#"):
            raise ValueError("line %d is none of a conversation: %s" % (number, line))
    finish()
    return found


# Ways to cut what arrives: each returns the pieces in which `data` is read.


def whole(data):
    return (data,)


def bytewise(data):
    return [data[i : i + 1] for i in range(len(data))]


def cut_at(position):
    return lambda data: (data[:position], data[position:])


# A PUBLISH in the same read, behind whatever else arrives.
NEIGHBOUR = b"\x30\x04\x00\x01nn"


class Mismatch(Exception):
    pass


def play(conversation, client, cut=whole, glued=False):
    """Play all steps with `client`; Mismatch if anything leaves or happens that is not listed.

    cut: how each arrival is cut. glued: another PUBLISH comes in the same read as each arrival.
    """
    for step in conversation.steps:
        arrives = step.data
        events = step.events
        if step.kind == "raise":
            text, _, error = step.text.rpartition("  ")
            if raised(client, text) != error:
                raise Mismatch("line %d: %s did not raise %s" % (step.line, text, error))
        elif step.kind == "call":
            eval(step.text, client.calls)
        else:
            if glued:
                arrives += NEIGHBOUR
                if not (events and events[-1][0] in ENDS):
                    events = events + [message("n", "n")]
            for piece in cut(arrives):
                client.arrive(piece)
        if client.events != events:
            raise Mismatch("line %d: events %s, not %s" % (step.line, client.events, events))
        leaves = client.leave()
        if leaves != step.leaves:
            raise Mismatch(
                "line %d: %s leaves, not %s" % (step.line, shorten(leaves), shorten(step.leaves))
            )
        client.events = []


def raised(client, text):
    try:
        eval(text, client.calls)
    except Exception as e:
        return type(e).__name__
    return "nothing"


def shorten(data):
    text = " ".join("%02x" % byte for byte in data[:40])
    return (text or "nothing") + (" ..., %d bytes" % len(data) if len(data) > 40 else "")


def splits(conversation):
    """Yield (name, cut, glued) for each way to cut the arrivals of a conversation.

    That is: whole and byte by byte, both also with another packet in the same read, and in two at
    each place.
    """
    for glued in (False, True):
        yield "whole", whole, glued
        yield "byte by byte", bytewise, glued
    longest = max([len(step.data) for step in conversation.steps if step.data] or [0])
    for position in range(1, longest):
        yield "cut at %d" % position, cut_at(position), False
