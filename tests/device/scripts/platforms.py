# platforms.resolve: what each service gets from the few fields that a person gives.
import json
from device import config, platforms
from device.platforms import onenet

WIFI = {"ssid": "classroom"}
TOKEN = "version=2018-10-31&res=products%2F123%2Fdevices%2Flamp&et=1&method=md5&sign=x"


def resolve(mqtt, topics=None, **more):
    values = {"wifi": WIFI, "mqtt": mqtt, "topics": topics or {}}
    values.update(more)
    problems = config.check(values)
    assert not problems, problems
    settings = config.complete(values, "mpython", "0a1b")
    assert platforms.resolve(settings) is settings
    mqtt = settings["mqtt"]
    login = (mqtt["client_id"], mqtt["user"], mqtt["password"])
    # Updates need what is retained.
    update = settings["topics"]["update"]
    assert update == ("mpython/0a1b/update" if settings["retain"] else ""), update
    topics = {key: settings["topics"][key] for key in ("command", "state", "status", "last")}
    return settings, (mqtt["server"], mqtt["port"]), login, topics


def problems(mqtt, topics=None, **more):
    values = {"wifi": WIFI, "mqtt": mqtt, "topics": topics or {}}
    values.update(more)
    return sorted(problem.split(":")[0] for problem in config.check(values))


for name in platforms.NAMES:
    profile = platforms.profile(name)
    assert callable(profile.rules) and callable(profile.resolve), name

# A plain broker: as given; no limits, so no Limiter and no cost.
settings, address, login, topics = resolve({"server": "a.local", "user": "u", "password": "p"})
assert address == ("a.local", 1883)
assert login == ("mpython-0a1b", "u", "p")
assert topics == {
    "command": "mpython/0a1b/command",
    "state": "mpython/0a1b/state",
    "status": "mpython/0a1b/status",
    "last": "",
}
assert settings["retain"] is True and settings["frame"] is None and settings["limits"] is None
assert resolve({"server": "a", "tls": True})[1] == ("a", 8883)
assert resolve({"server": "a", "tls": {"ca": "/ca.pem"}})[1] == ("a", 8883)
assert resolve({"server": "a", "tls": True, "port": 1})[1] == ("a", 1)
assert resolve({"server": "a", "port": 18830})[1] == ("a", 18830)

# Any platform can be told to publish less.
limits = resolve({"server": "a", "rate": 10})[0]["limits"]
assert limits == {"interval": 6000, "payload": 0, "delay": 2, "max_delay": 60}

# Easy IoT: only the two credentials and the topic that the platform has made.
mqtt = {"platform": "easyiot", "user": "id", "password": "pwd"}
settings, address, login, topics = resolve(mqtt, {"command": "Ab3_dEf9k"})
assert address == ("iot.dfrobot.com.cn", 1883)
assert login == ("mpython-0a1b", "id", "pwd")
assert topics == {"command": "Ab3_dEf9k", "state": "", "status": "", "last": ""}
assert settings["retain"] is False and settings["frame"] is None and settings["limits"] is None
mqtt["server"] = "iot.dfrobot.com"
assert resolve(mqtt, {"command": "x"})[1] == ("iot.dfrobot.com", 1883)
assert problems({"platform": "easyiot"}) == ["mqtt.password", "mqtt.user", "topics.command"]

# OneNET's MQTT suite: product id, device name and its key become a token.
mqtt = {"platform": "onenet", "user": "123", "client_id": "lamp", "password": "a2V5"}
settings, address, login, topics = resolve(mqtt)
assert address == ("mqtts.heclouds.com", 1883)
assert login[:2] == ("lamp", "123")
assert login[2] == onenet.token("products/123/devices/lamp", "a2V5", 2524608000)
assert topics == {
    "command": "$sys/123/lamp/cmd/request/+",
    "state": "$sys/123/lamp/dp/post/json",
    "status": "",
    "last": "",
}
assert settings["retain"] is False and settings["limits"] is None
mqtt["tls"] = True
assert resolve(mqtt)[1] == ("mqttstls.heclouds.com", 8883)
mqtt["server"] = "studio-mqtts.heclouds.com"
assert resolve(mqtt)[1] == ("studio-mqtts.heclouds.com", 8883)
mqtt["password"] = TOKEN  # made elsewhere: used as it is
assert resolve(mqtt)[2][2] == TOKEN
assert problems({"platform": "onenet"}) == ["mqtt.client_id", "mqtt.password", "mqtt.user"]
mqtt["password"] = "no base64!"
mqtt["keepalive"] = 5
assert problems(mqtt) == ["mqtt.keepalive", "mqtt.password"]
text = "\n".join(config.check({"wifi": WIFI, "mqtt": mqtt}))
assert "no base64!" not in text and "base64" in text and "from 10 to 1800" in text
assert "give the product's id" in config.check({"wifi": WIFI, "mqtt": {"platform": "onenet"}})[0]

frame = settings["frame"]
assert json.loads(frame(b'{"state": "ON", "brightness": 7}')) == {
    "id": 1,
    "dp": {"state": [{"v": {"state": "ON", "brightness": 7}}]},
}
for payload, value in ((b"21.5", 21.5), (b"on", "on"), (b'say "hi"\n', 'say "hi"\n'), (b"", "")):
    assert json.loads(frame(payload))["dp"]["state"][0]["v"] == value, payload
assert json.loads(frame("灯".encode()))["dp"]["state"][0]["v"] == "灯"

# OneNET, legacy: $dp takes a type byte, a big-endian length and JSON.
mqtt = {"platform": "onenet-legacy", "user": "123", "client_id": "7654", "password": "auth"}
settings, address, login, topics = resolve(mqtt)
assert address == ("mqtt.heclouds.com", 6002)
assert login == ("7654", "123", "auth")
assert topics == {"command": "$creq/#", "state": "$dp", "status": "", "last": ""}
assert settings["retain"] is False and settings["limits"] is None
frame = settings["frame"]
framed = frame(b"on")
assert framed[:3] == b"\x01\x00\x43" and len(framed) == 3 + 0x43
assert json.loads(framed[3:]) == {
    "datastreams": [{"id": "state", "datapoints": [{"value": "on"}]}]
}
framed = frame(b"x" * 1000)
assert framed[1] > 3 and framed[1] * 256 + framed[2] == len(framed) - 3
assert problems({"platform": "onenet-legacy"}) == ["mqtt.client_id", "mqtt.password", "mqtt.user"]

# Adafruit IO: feeds' keys become topics; limits, no retain, and /get for the last value.
mqtt = {"platform": "adafruit", "user": "ada", "password": "aio_k"}
settings, address, login, topics = resolve(mqtt)
assert address == ("io.adafruit.com", 1883)
assert login == ("mpython-0a1b", "ada", "aio_k")
assert topics == {
    "command": "ada/feeds/mpython-0a1b-command",
    "state": "ada/feeds/mpython-0a1b-state",
    "status": "",
    "last": "ada/feeds/mpython-0a1b-command/get",
}
assert settings["retain"] is False and settings["frame"] is None
limits = settings["limits"]
assert 60000 // limits["interval"] < 30 and limits["payload"] == 1024
topics = resolve(mqtt, {"command": "lamp", "state": "", "status": "here"})[3]
assert topics == {
    "command": "ada/feeds/lamp",
    "state": "",
    "status": "ada/feeds/here",
    "last": "ada/feeds/lamp/get",
}
mqtt["rate"] = 60  # a paid account
assert resolve(mqtt)[0]["limits"] == {
    "interval": 1000,
    "payload": 1024,
    "delay": limits["delay"],
    "max_delay": limits["max_delay"],
}
mqtt["tls"] = True
assert resolve(mqtt)[1] == ("io.adafruit.com", 8883)
assert problems({"platform": "adafruit"}) == ["mqtt.password", "mqtt.user"]
# What the board feels: a topic for what is wanted, "" for what is not; on a service its own form.
PLAIN = {"server": "a"}
FELT = ("button", "touch", "motion", "sensors")


def felt(mqtt, topics=None, **more):
    settings = resolve(mqtt, topics, **more)[0]
    found = [settings["topics"].get(key, "") for key in FELT]
    assert (settings["split"] is None) == (mqtt.get("platform", "mqtt") in ("mqtt", "easyiot"))
    return found, settings["split"]


assert felt(PLAIN)[0] == 4 * [""]
assert felt(PLAIN, homeassistant=False)[0] == 4 * [""]
assert felt(PLAIN, homeassistant=True)[0] == ["mpython/0a1b/" + key for key in FELT]
assert felt(PLAIN, telemetry={"touch": True})[0] == ["", "mpython/0a1b/touch", "", ""]
assert felt(PLAIN, telemetry={"motion": True})[0] == ["", "", "mpython/0a1b/motion", ""]
assert felt(PLAIN, {"sensors": "s"}, telemetry={"sensors": 9})[0] == ["", "", "", "s"]

SENSORS = {"telemetry": {"sensors": 60}}
READINGS = {"light_left": 18.4}
mqtt = {"platform": "adafruit", "user": "ada", "password": "aio_k"}
topics, split = felt(mqtt, **SENSORS)
assert topics == ["", "", "", "ada/feeds/mpython-0a1b"]
assert split(topics[3], READINGS) == [("ada/feeds/mpython-0a1b-light-left", "18.4")]
assert felt(mqtt, {"sensors": "room.7"}, **SENSORS)[0][3] == "ada/feeds/room.7"
assert felt(mqtt)[0] == 4 * [""]
for key in FELT[:3]:
    assert problems(mqtt, {key: "x"}) == ["topics." + key]
assert problems(mqtt, telemetry={"motion": True, "touch": True}) == [
    "telemetry.motion",
    "telemetry.touch",
]
mqtt = {"platform": "onenet", "user": "123", "client_id": "lamp", "password": "a2V5"}
topics, split = felt(mqtt, **SENSORS)
assert topics[3] == "$sys/123/lamp/dp/post/json"
((topic, payload),) = split(topics[3], READINGS)
assert json.loads(payload) == {"id": 1, "dp": {"light_left": [{"v": 18.4}]}} and topic == topics[3]
mqtt["platform"] = "onenet-legacy"
topics, split = felt(mqtt, **SENSORS)
((topic, payload),) = split(topics[3], READINGS)
assert (
    topic == topics[3] == "$dp" and payload[:2] == b"\x01\x00" and payload[2] == len(payload) - 3
)
assert json.loads(payload[3:]) == {
    "datastreams": [{"id": "light_left", "datapoints": [{"value": 18.4}]}]
}
mqtt = {"platform": "easyiot", "user": "id", "password": "pwd"}
assert felt(mqtt, {"command": "x"}, **SENSORS)[0] == 4 * [""]
assert felt(mqtt, {"command": "x", "sensors": "y"}, **SENSORS)[0][3] == "y"
print("ok")
