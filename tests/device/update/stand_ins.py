"""What a program for the firmware needs to play an update without network, flash or clock."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import Any

from tests.device.update import vectors

BLOCK = 4096
IDF = "v5.5.1"
RUNNING = "1.2.0"


def make_image(
    board: str = "mpython",
    version: str = "1.3.0",
    blocks: float = 4.5,
    build: bytes = b"new",
    idf: str = IDF,
) -> bytes:
    """Return bytes that say what an image says of itself, with one blank block among them."""
    head = bytearray(288)
    head[0] = 0xE9
    head[23] = 1
    struct.pack_into("<L", head, 32, 0xABCD5432)
    for offset, text in ((48, f"{board}/{version}"), (80, "micropython"), (144, idf)):
        head[offset : offset + len(text)] = text.encode()
    head[176 : 176 + len(build)] = build
    content = b"".join(bytes([number]) * 64 for number in range(1, 64))
    image = bytes(head) + content * int(blocks * BLOCK / len(content) + 1)
    image = bytearray(image[: int(blocks * BLOCK)])
    image[2 * BLOCK : 3 * BLOCK] = b"\xff" * BLOCK
    return bytes(image)


def make_command(
    image: bytes,
    manifest: dict[str, Any] | None = None,
    key: Any = None,
    signature: bytes | None = None,
    **values: Any,
) -> bytes:
    """Return a command for `image`; `manifest` and `values` replace what it says, None removes."""
    signed = {
        "format": 1,
        "board": "mpython",
        "version": "1.3.0",
        "size": len(image),
        "sha256": hashlib.sha256(image).hexdigest(),
        "idf": IDF,
    } | (manifest or {})
    text = json.dumps({name: value for name, value in signed.items() if value is not None})
    if signature is None:
        signature = vectors.sign(key or vectors.make_key(2048), text.encode())
    command = {
        "id": "3f2a9c10",
        "manifest": text,
        "signature": base64.b64encode(signature).decode(),
        "source": "mqtt",
    } | values
    return json.dumps(
        {name: value for name, value in command.items() if value is not None}
    ).encode()


PRELUDE = (
    f"""
import binascii, esp32, gc, hashlib, json, machine, sys, version
from device import json_text, report  # as the lamp has loaded them on a board

RUNNING = {RUNNING!r}
IDF = {IDF!r}
"""
    + r'''
BLOCK = 4096
version.VERSION = RUNNING
real_gc = gc
real_sha256 = hashlib.sha256


class Time:
    now = 1000
    ticks_ms = staticmethod(lambda: Time.now)
    ticks_diff = staticmethod(lambda a, b: a - b)
    ticks_add = staticmethod(lambda a, b: a + b)


class Gc:
    free = 100000
    collect = staticmethod(lambda: real_gc.collect())
    mem_free = staticmethod(lambda: Gc.free)


class Sha256:
    # Counts those that still hold the chip's engine: see download.py.
    held = 0

    def __init__(self, *data):
        self._digest = real_sha256(*data)
        self._is_held = False

    def update(self, data):
        if not self._is_held:
            Sha256.held += 1
        self._is_held = True
        self._digest.update(data)

    def digest(self):
        if self._is_held:
            Sha256.held -= 1
        self._is_held = False
        return self._digest.digest()


class Hashlib:
    sha256 = Sha256


class Reset(Exception):
    pass


def reset():
    raise Reset


sys.modules["time"] = Time
sys.modules["gc"] = Gc
sys.modules["hashlib"] = Hashlib
machine.reset = reset

from device import slot
from device.update import Updates


class Flash:
    """A slot of NOR flash: an erase sets to ones, a write clears bits."""

    def __init__(self, label, address, blocks=16):
        self.label = label
        self.address = address
        self.data = bytearray(b"\xff" * (blocks * BLOCK))
        self.erases = self.writes = 0
        self.is_dead = self.is_stuck = self.is_bad = self.is_chosen = False

    def info(self):
        return 0, 0x10 + int(self.label[-1]), self.address, len(self.data), self.label, False

    def readblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        buffer[:] = self.data[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=None):
        if self.is_dead:
            raise OSError(-0x103)
        # A command for the lamp would wait behind them, and then for one more erase.
        assert not Partition.board.on_their_way, "a block is written while pieces come"
        at = block * BLOCK
        if offset is None:
            assert len(buffer) == BLOCK
            self.erases += 1
            self.data[at : at + BLOCK] = b"\xff" * BLOCK
        else:
            at += offset
        self.writes += 1
        for index, byte in enumerate(buffer):
            assert not byte & ~self.data[at + index], "a write to flash that was not erased"
            self.data[at + index] = byte
        if self.is_stuck:
            self.data[at + 7] ^= 1

    def set_boot(self):
        if self.is_bad:
            raise OSError(-5379)
        self.is_chosen = True


class Partition:
    """esp32.Partition over the slots of `Partition.board`; otadata is blank but for `entry`."""

    BOOT = 0
    RUNNING = 1
    kept = []  # when an application was kept
    entry = b""  # what otadata begins with

    def __init__(self, which):
        if isinstance(which, Flash):
            self.flash = which
        elif which == "otadata":
            self.flash = Flash("otadata 0", 0xD000, 2)
            self.flash.data[: len(self.entry)] = self.entry
        elif which == self.BOOT:
            self.flash = self.board.chosen or self.board.running
        else:
            assert which == self.RUNNING
            self.flash = self.board.running
        self.info = self.flash.info
        self.readblocks = self.flash.readblocks
        self.writeblocks = self.flash.writeblocks
        self.set_boot = self.flash.set_boot

    def get_next_update(self):
        if self.board.other is None:
            raise OSError(2)
        return Partition(self.board.other)

    @staticmethod
    def mark_app_valid_cancel_rollback():
        Partition.kept.append(Time.now)


esp32.Partition = Partition
slot.Partition = Partition


class Session:
    def __init__(self, client):
        self.client = client
        self.in_flight = []
        self.out = []
        self.granted = {}

    def subscribe(self, topic, qos=0):
        assert topic in self.client.handlers, topic
        self.client.subscribed.append(topic)

    def unsubscribe(self, topic):
        self.client.subscribed.remove(topic)


class Client:
    def __init__(self):
        self.handlers = {}
        self.subscribed = []
        self.asked = []
        self.is_there = True
        self.session = Session(self)
        self.counters = {"connects": 1}
        self.pid = 0

    def isconnected(self):
        return self.is_there

    def on(self, topic, handler, qos, details):
        assert qos == 1 and details
        self.handlers[topic] = handler

    def add_handler(self, topic, handler, qos=0):
        self.handlers[topic] = handler

    def remove_handler(self, topic):
        del self.handlers[topic]
        return topic

    def publish_nowait(self, topic, message, retain=False, qos=0):
        if qos:
            self.pid += 1
            self.session.in_flight.append(self.pid)
            return self.pid
        self.asked.append((topic, message))

    def unacknowledged(self, identifier):
        return identifier in self.session.in_flight


class Wifi:
    connected = True
    saves_power = True

    def save_power(self, on):
        self.saves_power = on


class Link:
    retains = True

    def __init__(self, topics):
        self.topics = topics
        self.client = Client()
        self.wifi = Wifi()
        self.published = []
        self.is_stopped = False

    def publish(self, topic, message, retain=False, qos=0):
        assert retain and qos == 1, topic
        self.published.append((topic, json.loads(message)))

    def is_online(self):
        return self.client.is_there

    def report(self, error):
        raise error

    def stop(self):
        self.is_stopped = True

    def results(self):
        return [message for topic, message in self.published if topic == b"t/result"]

    def states(self):
        return [message for topic, message in self.published if topic == b"t/state"]


class Indicator:
    override = None


class Board:
    """The part, with everything around it. `settings` replace those of the update."""

    def __init__(self, is_on_trial=False, topics={}, **settings):
        values = {"allow": "signed", "key": KEY_FILE, "trial": 300}
        values.update(settings)
        self.link = Link(dict({"update": b"t", "status": b"s", "command": b"c"}, **topics))
        self.client = self.link.client
        self.indicator = Indicator()
        self.running = Flash("ota_0", 0x10000)
        self.running.data[: len(RUNNING_IMAGE)] = RUNNING_IMAGE
        self.other = Flash("ota_1", 0x190000)
        self.chosen = None  # what otadata names, where that is not the running one
        Partition.board = self
        slot.forget()
        Gc.free = 100000
        self.updates = Updates(self.link, {"update": values}, self.indicator, is_on_trial)
        self.wish = None  # changes a piece on its way, or swallows it with None
        self.on_their_way = 0  # pieces that were sent and have not come

    def hear(self, message, topic=b"t/set", retained=False):
        self.client.handlers[topic](topic, message, retained, 1, False)

    def answer(self, image):
        # Answer what was asked, in order.
        asked, self.client.asked = self.client.asked, []
        for topic, message in asked:
            assert topic == b"t/get", topic
            identifier, offset, count = message.split(b" ")
            offset = int(offset)
            self.on_their_way = int(count)
            while self.on_their_way:
                self.on_their_way -= 1
                piece = binascii.unhexlify(identifier) + offset.to_bytes(4, "big")
                piece += image[offset : offset + 2048]
                if self.wish is not None:
                    piece = self.wish(offset, piece)
                handler = self.client.handlers.get(b"t/data")
                if piece is not None and handler is not None:
                    handler(b"t/data", piece)
                    self.step()
                offset += 2048

    def step(self, milliseconds=50):
        Time.now += milliseconds
        self.updates.step(Time.now)

    def run(self, image, seconds=600):
        """Go on until the work has ended, or the board resets itself; return whether it does."""
        begin = Time.now
        try:
            while self.updates.work is not None and Time.now - begin < seconds * 1000:
                if self.client.is_there:
                    self.answer(image)
                self.step()
        except Reset:
            return True
        return False

    def check_rest(self):
        """Nothing is left of an update that has ended."""
        assert self.updates.work is None
        assert self.indicator.override is None
        assert self.link.wifi.saves_power
        assert Sha256.held == 0, Sha256.held
        assert b"t/data" not in self.client.handlers and b"t/data" not in self.client.subscribed
        assert not [name for name in sys.modules if name.startswith("device.update.")]


def last(messages):
    return messages[-1] if messages else {}
'''
)


# In place of umqtt.transport. Each connection plays the next of Transport.answers: a list of chunks
# of bytes; None is a step in which nothing comes, END the end of the connection, SILENCE nothing
# ever after.
SERVER = """
END = OSError(-1)
SILENCE = "silence"


class Transport:
    answers = []  # of connections to come
    made = []  # (host, port, whether TLS) of those that were made
    requests = []
    open_now = 0

    def __init__(self, server, port, ssl, parameters, timeout):
        Transport.made.append((server, port, bool(ssl)))
        answer = Transport.answers.pop(0) if Transport.answers else ConnectionRefused
        if answer is ConnectionRefused:
            raise OSError(111)
        self.chunks = list(answer)
        self.is_open = False
        Transport.open_now += 1

    def open(self, milliseconds):
        self.is_open = True
        return True

    def send(self, session):
        if session.out:
            Transport.requests.append(bytes(session.out[0]))
            session.sent(len(session.out[0]))
        return True

    def try_next(self):
        return False

    def receive(self, session):
        if not self.chunks:
            raise END
        chunk = self.chunks[0]
        if chunk is SILENCE:
            return None
        self.chunks.pop(0)
        if chunk is None:
            return None
        if chunk is END:
            raise END
        space = session.space()
        assert len(space)
        count = min(len(space), len(chunk))
        space[:count] = chunk[:count]
        if count < len(chunk):
            self.chunks.insert(0, chunk[count:])
        return session.receive(count)

    def close(self):
        Transport.open_now -= 1


class ConnectionRefused:
    pass


class Module:
    pass


from device import link  # has the real one

Module.Transport = Transport
sys.modules["umqtt.transport"] = Module
"""


def program(script: str, **constants: object) -> str:
    """Return a program for the firmware: constants, the stand-ins, and a script."""
    lines = "".join(f"{name} = {value!r}\n" for name, value in constants.items())
    running = make_image(version=RUNNING, blocks=0.5, build=b"old")
    lines += f"RUNNING_IMAGE = {running[:512]!r}\n"
    return lines + PRELUDE + SERVER + script
