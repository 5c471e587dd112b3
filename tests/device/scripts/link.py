# Link: asks the configured time server before it trusts a certificate; says goodbye in every case.
import machine
from device import clock, config, link, platforms

with open("/ca.der", "wb") as file:
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
    "mqtt": {"server": "broker.school.example", "tls": {"ca": "/ca.der"}},
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
for last, part in ((0, 0), (1, 7), (128, 1000), (255, 1992)):
    machine.unique_id = lambda: bytes((2, 0x51, 0x4D, 0, 0, last))
    assert link.own_part(2000) == part, (last, link.own_part(2000))

for has_room, expected in ((True, [b"offline", "DISCONNECT"]), (False, ["close"])):
    connection.client = Client(has_room)
    connection.stop()
    assert connection.client.did == expected
print("ok")
