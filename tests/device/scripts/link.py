# Link: asks the configured time server before it trusts a certificate; says goodbye in every case.
import machine
import os
from device import clock, config, link, platforms

CA = os.getcwd() + "/ca.der"
with open(CA, "wb") as file:
    file.write(b"\x30\x82\x00\x01\x00")

asked = []


class Socket:
    SOCK_DGRAM = 0

    @staticmethod
    def getaddrinfo(server, *_):
        asked.append(server)
        raise OSError(-2)


clock.socket = Socket
clock.Clock.is_set = staticmethod(lambda: False)
values = {
    "wifi": {"ssid": "classroom"},
    "mqtt": {"server": "broker.school.example", "tls": {"ca": CA}},
}
for given, expected in (
    ({}, "pool.ntp.org"),
    ({"time": {"server": "ntp.school.example"}}, "ntp.school.example"),
):
    values.update(given)
    assert config.check(values) == []
    connection = link.Link(platforms.resolve(config.complete(values, "mpython", "0a")), None, None)
    connection.wifi.step = lambda: True
    assert connection.step() == link.TIME
    assert asked.pop() == expected


# Goodbye: where no message can be queued any more, the broker says it, by the last will.
class Client:
    def __init__(self, has_room):
        self.has_room = has_room
        self.did = []

    def isconnected(self):
        return True

    def publish_nowait(self, topic, message, retain, qos):
        if not self.has_room:
            raise OSError(105)
        self.did.append(message)

    def disconnect(self):
        self.did.append("DISCONNECT")

    def close(self):
        self.did.append("close")


# A class that is switched on together does not join together.
def parts(ids):
    found = []
    for last in ids:
        machine.unique_id = lambda: bytes((2, 0x51, 0x4D, 0, 0, last & 0xFF))
        found.append(link.own_part(2000))
    return sorted(found)


assert parts((0, 1, 128, 255)) == [0, 70, 1000, 1929], parts((0, 1, 128, 255))
assert len(set(parts(range(256)))) == 256
# Nor do thirty chips of one batch, whose ids go up by four: in no quarter of a second more than six.
for step in (1, 4):
    for first in range(0, 256, step):
        joined = parts(range(first, first + 30 * step, step))
        for index in range(24):
            assert joined[index + 6] - joined[index] > 250, (step, first, joined)


# Nor does it join again together when it has lost its broker, nor is it reset together.
class Machine:
    @staticmethod
    def unique_id():
        return bytes((2, 0x51, 0x4D, 0, 0, last))

    @staticmethod
    def reset():
        did.append((now, "reset"))


class Radio:
    @staticmethod
    def rejoin():
        did.append((now, "join"))


class Seconds:
    @staticmethod
    def ticks_ms():
        return now * 1000

    @staticmethod
    def ticks_diff(later, earlier):
        return later - earlier


link.machine = Machine
link.time = Seconds
for last, part in ((0, 0), (128, 15), (255, 29)):
    now = 0
    settings = platforms.resolve(config.complete(values, "mpython", "0a"))
    connection = link.Link(settings, None, lambda: None)
    connection.wifi = Radio
    for outage in range(2):
        did = []
        connection.watch(link.ONLINE)
        begin = now
        while (now, "reset") not in did:
            now += 1
            connection.watch(link.MQTT)
        joined = [at - begin - part for at, what in did if what == "join"]
        assert joined == [180, 360, 540, 720, 900], (last, joined)
        assert now - begin - part == 900

for has_room, expected in ((True, [b"offline", "DISCONNECT"]), (False, ["close"])):
    connection.client = Client(has_room)
    connection.stop()
    assert connection.client.did == expected
print("ok")
