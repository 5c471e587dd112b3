# 10,000 damaged, random and good queries: a response of the right form, or none; never an exception.
import gc
import random
import time
from device.setup import dns

ADDRESS = b"\x04\x03\x02\x01"
SEED = 20261128
random.seed(SEED)


def random_bytes(count):
    return bytes([random.getrandbits(8) for _ in range(count)])


def query(*labels, kind=1, more=b""):
    name = b"".join(bytes((len(label),)) + label for label in labels) + b"\x00"
    return (
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
        + name
        + b"\x00%c\x00\x01" % kind
        + more
    )


good = query(b"captive", b"apple", b"com")
assert dns.respond(good, ADDRESS) == (
    b"\x12\x34\x85\x80\x00\x01\x00\x01\x00\x00\x00\x00" + good[12:] + b"\xc0\x0c\x00\x01\x00\x01"
    b"\x00\x00\x00\x0a\x00\x04\x04\x03\x02\x01"
)
assert len(dns.respond(good, ADDRESS)) == 51
longest = query(b"x" * 63, b"x" * 63, b"x" * 63, b"x" * 61)
assert dns.respond(longest, ADDRESS) is not None
assert dns.respond(query(b"x" * 63, b"x" * 63, b"x" * 63, b"x" * 62), ADDRESS) is None
assert dns.respond(query(), ADDRESS) is not None  # the root

seeds = [good, longest, query(), query(b"a", kind=28), query(b"a", more=b"\x00\x00\x29\x04\xd0")]


def damaged():
    packet = bytearray(random.choice(seeds))
    for _ in range(random.randint(1, 4)):
        how = random.randint(0, 3)
        at = random.randint(0, len(packet) - 1) if packet else 0
        if how == 0 and packet:
            packet[at] = random.randint(0, 255)
        elif how == 1:
            packet = packet[:at]
        elif how == 2:
            packet[at:at] = random_bytes(random.randint(1, 9))
        else:
            packet += random_bytes(random.randint(1, 99))
    return bytes(packet)


answered = 0
for number in range(10000):
    packet = random_bytes(random.randint(0, 513)) if number % 2 else damaged()
    response = dns.respond(packet, ADDRESS)
    if response is not None:
        answered += 1
        assert response[:2] == packet[:2] and response[2] & 0x80, packet
        assert len(response) <= len(packet) + 16 and response[4:6] == b"\x00\x01", packet
assert answered > 500, (SEED, answered)
print("ok")
