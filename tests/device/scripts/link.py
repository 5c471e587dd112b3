# Link: asks the time server of the configuration before it trusts a certificate.
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
    connection = link.Link(platforms.resolve(config.complete(values, "mpython", "0a")), None)
    connection.wifi.step = lambda: True
    assert connection.step() == link.TIME
    assert asked.pop() == expected
print("ok")
