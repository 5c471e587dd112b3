# Improv's packets: the published vectors, 20,000 random and damaged lines, each result's length.
import random
import sys
from device.setup import improv, serial_line

SEED = 20261128
random.seed(SEED)


def random_bytes(count):
    return bytes([random.getrandbits(8) for _ in range(count)])


taken = []
line = serial_line.SerialLine(taken.append)
line.close()  # the bytes come from here


def feed(data):
    for byte in data:
        line.take(byte)


def request(command, data=b""):
    packet = b"IMPROV\x01\x03" + bytes((len(data) + 2, command, len(data))) + data
    return packet + bytes((sum(packet) & 0xFF,)) + b"\n"


def is_interrupted_by(data):
    try:
        feed(data)
    except KeyboardInterrupt:
        return True
    return False


# Of the SDK: state, info, networks, a network with its password.
VECTORS = {
    "494d50524f5601030202 00e50a": b"\x02\x00",
    "494d50524f5601030203 00e60a": b"\x03\x00",
    "494d50524f5601030204 00e70a": b"\x04\x00",
    "494d50524f56010311010f05636c61737308 6368616c6b616e645b": b"\x01\x0f\x05class\x08chalkand",
}
for vector, data in VECTORS.items():
    feed(bytes.fromhex(vector.replace(" ", "")))
    assert taken.pop() == data, vector
assert improv.parse_login(data) == ("class", "chalkand")
assert request(2) == bytes.fromhex("494d50524f560103020200e50a")

# Text before it, a beginning that is none, another packet at once, one that is damaged.
feed(b"ls\r\nIMIMPR" + request(2) + request(3))
assert taken == [b"\x02\x00", b"\x03\x00"]
taken.clear()
feed(request(2)[:-2] + b"\xff")
feed(b"IMPROV\x01\x03\x01\x02\xf0")  # shorter than a request can be
feed(b"IMPROV\x01\x03\x03\x02\x05\x00" + bytes((sum(b"IMPROV\x01\x03\x03\x02\x05") & 0xFF,)))
assert taken == [None] * 3
taken.clear()
feed(b"IMPROV\x01\x01\x01\x02\xe2")  # a board's own answer is no request
assert not taken

# Ctrl-C interrupts outside of packets alone, and also behind what only looks like one.
assert (
    is_interrupted_by(b"\x03")
    and is_interrupted_by(b"IMPROV\x03")
    and is_interrupted_by(b"\r\x03")
)
assert not is_interrupted_by(request(3)) and not is_interrupted_by(request(1, b"\x03" * 200))
taken.clear()

# parse_login: right, or None; never an exception.
for data, login in (
    (b"\x01\x02\x00\x00", ("", "")),
    (b"\x01\x07\x04\xe7\xbd\x91x\x01y", ("\u7f51x", "y")),
    (b"\x01\x00", None),
    (b"\x01\x01\x00", None),
    (b"\x01\x03\x01x\x05", None),
    (b"\x01\x04\x01x\x00\x00", None),
    (b"\x01\x04\x01\xff\x00", None),
):
    assert improv.parse_login(data) == login, data
for _ in range(10000):
    improv.parse_login(random_bytes(random.randint(0, 40)))


class Tired:
    # A board that is asked anything in any state.
    name = "mpython-000001"

    def __init__(self):
        self._networks = [("x", -9, 0), ("classroom", -50, 1), ("office", -60, 2)]

    def search(self):
        return self._networks

    def join(self, ssid, password):
        assert len(ssid) + len(password) < 255
        for _ in range(random.randint(0, 3)):
            yield
        return random.random() < 0.5

    def is_trying(self):
        return random.random() < 0.3

    def has_joined(self):
        return random.random() < 0.5

    has_network = has_joined

    def page_address(self):
        return random.choice(("", "http://10.0.0.2/?k=abcdefgh"))

    def hostname(self):
        return random.choice(("lamp-07", "mpython-000001", "x" * 32))


# What is sent is caught here, in place of the serial line.
sent = []
improv.write_packet = lambda kind, data: sent.append((kind, data))
client = improv.Improv(Tired())
line._take_request = client.take
for number in range(20000):
    if number % 2:
        data = bytearray(
            request(random.randint(0, 9), random_bytes(random.choice((0, 0, 5, 110))))
        )
        for _ in range(random.randint(0, 3)):
            data[random.randint(0, len(data) - 1)] = random.randint(0, 255)
    else:
        data = random_bytes(random.randint(1, 30))
    is_interrupted_by(data)
    client.step()
    for kind, data in sent:
        assert kind in (1, 2, 4) and len(data) not in (0, 10) and len(data) < 256, (SEED, data)
        if kind == 4:
            assert data[1] == len(data) - 2, data
    sent.clear()
assert len(improv.pack_result(5, ["lamp-07"])) == 11  # and not 10


# One network at a time: while it is checked, another is refused, and the state is told.
class Slow(Tired):
    ended = False

    def join(self, ssid, password):
        try:
            yield
            yield
            return True
        finally:
            self.ended = True

    def is_trying(self):
        return self.ended

    def has_joined(self):
        return False

    has_network = has_joined


for is_closed in (False, True):
    setup = Slow()
    client = improv.Improv(setup)
    login = b"\x01\x03\x01x\x00"
    client.take(login)
    client.step()
    client.take(login)
    client.take(b"\x02\x00")
    assert sent == [(2, b"\x03"), (2, b"\x00"), (1, b"\x02")], sent
    sent.clear()
    if is_closed:
        client.close()
        assert setup.ended and not sent
    else:
        client.step()
        assert not setup.ended and not sent
        client.step()
        assert setup.ended and sent == [(2, b"\x00"), (1, b"\x03")], sent
    sent.clear()
print("ok")
