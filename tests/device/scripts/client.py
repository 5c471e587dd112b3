# Client: how long it waits between two attempts, near and far.
from device import platforms
from device.client import Client, describe, is_local, make
from umqtt.simple import MQTTException

for server in (
    "192.168.1.5",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "169.254.7.7",
    "127.0.0.1",
    "broker",
    "Broker.local",
):
    assert is_local(server), server
for server in (
    "192.0.2.1",
    "172.32.0.1",
    "172.15.0.1",
    "8.8.8.8",
    "10.example.org",
    "io.adafruit.com",
):
    assert not is_local(server), server


def max_delay(server, rate=0):
    settings = {
        "mqtt": {
            "platform": "mqtt",
            "server": server,
            "port": 0,
            "user": "",
            "password": "",
            "client_id": "x",
            "keepalive": 30,
            "clean_session": True,
            "tls": False,
            "rate": rate,
        },
        "topics": {"command": "a", "state": "b", "status": "c"},
        "homeassistant": True,
    }
    return make(platforms.resolve(settings)).MAX_DELAY


assert max_delay("192.168.1.5") == 15
assert max_delay(["192.168.1.5", "192.168.1.6"]) == 15
assert max_delay(["192.168.1.5", "broker.example.org"]) == 60
assert max_delay(["192.168.1.5"]) == 15
assert max_delay("broker.example.org") == 60
assert max_delay("192.168.1.5", rate=30) == 60  # the limits' own

# The herd: after a loss anywhere in two seconds, then in the last two thirds of a backoff.
client = Client("id", "host")
for failures, longest in (
    (0, 2),
    (1, 2.8),
    (2, 3.92),
    (3, 5.488),
    (10, 57.85),
    (11, 60),
    (100, 60),
):
    waits = [client.backoff(failures) for _ in range(300)]
    least = longest / 3 if failures else 0
    assert least * 0.999 <= min(waits) <= least + longest / 8, (failures, min(waits))
    assert longest * 7 / 8 <= max(waits) <= longest * 1.001, (failures, max(waits))

assert describe(MQTTException(3)) == "the broker is not ready yet"
print("ok")
