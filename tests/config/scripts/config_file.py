# config: all problems at once, positions of syntax errors, atomic saving, no secrets in texts.
import json
import os
from device import config, json_text

PATH = "config.json"
GOOD = {"wifi": {"ssid": "classroom"}, "mqtt": {"server": "broker.local"}}


def write(text):
    with open(PATH, "w") as file:
        file.write(text)


def load():
    return config.load("mpython", "0a1b", PATH)


# A missing file: a template, and the board says so.
settings, problems = load()
assert settings == {} and len(problems) == 1 and "template" in problems[0]
with open(PATH) as file:
    text = file.read()
assert json.loads(text) == config.TEMPLATE
assert text.find('"wifi"') < text.find('"mqtt"') < text.find('"mode"') and text.count("\n") == 5
settings, problems = load()
assert [problem.split(":")[0] for problem in sorted(problems)] == ["mqtt.server", "wifi.ssid"]
assert 'mqtt.server: found ""; allowed: a name' in sorted(problems)[0]  # nothing to hide

# Defaults come from the board's name and id.
write(json.dumps(GOOD))
settings, problems = load()
assert not problems, problems
assert settings["mqtt"]["client_id"] == "mpython-0a1b"
assert settings["topics"]["command"] == "mpython/0a1b/command"
(network,) = settings["wifi"]
assert network == {
    "ssid": "classroom",
    "password": "",
    "hostname": "mpython-0a1b",
    "timeout": 30,
}

# All problems at once, each with the key, what was found and what is allowed.
write(
    json.dumps(
        {
            "wifi": {"ssid": "x" * 33, "password": "canary", "timout": 5},
            "mqtt": {"server": 7, "keepalive": 65536, "tls": {"ca": 1}, "password": 5},
            "mode": "disco",
            "brightness": True,
            "topcs": {},
        }
    )
)
settings, problems = load()
assert settings == {}
text = "\n".join(problems)
for part in (
    "wifi.ssid: found",
    "wifi.password: found a value of the wrong form; allowed: printable text of 8 to 63",
    'wifi.timout: unknown key; did you mean "timeout"?',
    "mqtt.server: found a value of the wrong form; allowed: a name or address alone, its port in mqtt.port",
    "mqtt.keepalive: found 65536; allowed: a whole number from 0 to 65535",
    "mqtt.tls.ca: found 1; allowed: ",
    "mqtt.password: found a value of the wrong form",
    'mode: found "disco"; allowed: "lights" or "echo"',
    "brightness: found true; allowed: a whole number from 1 to 100",
    'topcs: unknown key; did you mean "topics"?',
):
    assert part in text, (part, text)
assert len(problems) == 10, text
assert "canary" not in text

write('{"wifi": "classroom"}')
assert any("wifi: found" in problem and "an object" in problem for problem in load()[1])
write("[1]")
assert "an object" in load()[1][0]

# Broken JSON: line and column, and the file stays.
for text, line, column, what in (
    ('{"wifi": {"ssid": "a"}', 1, 23, "a comma or }"),
    ('{\n  "wifi": {"ssid": "a",}\n}', 2, 24, "one comma too many before this }"),
    ('{"a": [1, 2, ]}', 1, 14, "one comma too many before this ]"),
    ('{"a": 1, // mine\n"b": 2}', 1, 10, "JSON has no comments"),
    ('{"a": 1 # mine\n}', 1, 9, "JSON has no comments"),
    ('{"a": /* mine */ 1}', 1, 7, "JSON has no comments"),
    ('{"a": {"c": 1}, "b": {"c": 1}, "a": 2}', 1, 32, "for the second time"),
    ('{"mode": lights}', 1, 10, '"..." around'),
    ('{"mode" "lights"}', 1, 9, "a colon"),
    ('{"mode": "lights\n"}', 1, 17, "not closed"),
    ('{"mode": "lights"', 1, 18, "a comma or }"),
    ('{"a": [1, 2}', 1, 12, "a comma or ]"),
    ("", 1, 1, "a value"),
    ('{"mode": "lights"} x', 1, 20, "nothing more"),
    ('{"a": tru}', 1, 7, "a value"),
    ("{\u201cmode\u201d: 1}", 1, 2, "straight"),
    ('{"mode": \u201clights\u201d}', 1, 10, "straight"),
    ('{"a": "b\tc"}', 1, 9, "control character"),
    ('{"a": "C:\\dir"}', 1, 10, "a backslash must be doubled"),
    ('{"a": "\\ud83d\\ude00"}', 1, 8, "write the character itself"),
    ('{"a": "\\u12g4"}', 1, 8, "four hexadecimal digits"),
    ('{"a": 01}', 1, 7, "a value"),
    ('// mine\n{"a": 1}', 1, 1, "JSON has no comments"),
    ("[" * 4000, 1, 17, "too many brackets in brackets"),
):
    write(text)
    problems = load()[1]
    wanted = "%s: line %d, column %d: " % (PATH, line, column)
    assert problems[0].startswith(wanted), (text, problems)
    assert what in problems[0], (text, problems)
    with open(PATH) as file:
        assert file.read() == text
for text in ("{}", "[]", '{"a": [{}, [], "x\\"y", -1.5e3, null, true]}'):
    assert json_text.find_error(text) is None, text
with open(PATH, "wb") as file:
    file.write(b'{"mode": "\xff"}')
assert "UTF-8" in load()[1][0]
write("\ufeff" + json.dumps(GOOD))
assert load()[1] == []

# What is good by itself is at hand for a form, whatever the rest is.
write('{"wifi": {"ssid": "a", "timeout": 0, "pass": "b"}, "mqtt": 1, "mode": "echo", "x": {}}')
assert config.read_good(PATH) == {"wifi": {"ssid": "a"}, "mode": "echo"}
write('{"wifi": [{"ssid": "a"}, {"ssid": "", "password": "12345678"}, 1]}')
assert config.read_good(PATH) == {"wifi": [{"ssid": "a"}, {"password": "12345678"}, {}]}
for text in ("[]", "{", "1", '"wifi"', '{"mqtt": {"platform": "adafruit", "user": 1}}'):
    write(text)
    assert config.read_good(PATH) in ({}, {"mqtt": {"platform": "adafruit"}}), text

# Larger than a board's heap can stand.
write(" " * config.MAX_BYTES + "{}")
assert load() == ({}, ["%s: larger than 4096 bytes" % PATH])
write(json.dumps(GOOD) + " " * (config.MAX_BYTES - len(json.dumps(GOOD))))
assert load()[1] == []

# {name} and {id} are filled in where they name something, and nowhere else.
text = "{name} {id}"
named = {"ssid": text, "password": text, "hostname": "{id}"}
write(
    json.dumps(
        {
            "wifi": named,
            "mqtt": {
                "server": "{name}{id}",
                "user": text,
                "password": text,
                "client_id": "x{name}",
            },
            "topics": {"command": "{id}/+", "state": "", "status": "a/{name}"},
        }
    )
)
settings, problems = load()
assert not problems, problems
for key in ("ssid", "password"):
    assert settings["wifi"][0][key] == text
assert settings["mqtt"]["server"] == "{name}{id}"
for key in ("user", "password"):
    assert settings["mqtt"][key] == text
assert settings["wifi"][0]["hostname"] == "0a1b"
assert settings["mqtt"]["client_id"] == "xmpython"
topics = settings["topics"]
assert (topics["command"], topics["state"], topics["status"]) == ("0a1b/+", "", "a/mpython")

# Unknown keys inside tls are found as well; what is missing there is filled in.
write(json.dumps({"wifi": {"ssid": "a"}, "mqtt": {"server": "b", "tls": {"caa": "/ca.pem"}}}))
assert sorted(load()[1]) == [
    "mqtt.tls.ca: missing; give a certificate file's path, of 1 to 128 bytes",
    'mqtt.tls.caa: unknown key; did you mean "ca"?',
]
write(json.dumps({"wifi": {"ssid": "a"}, "mqtt": {"server": "b", "tls": {"ca": "/ca.pem"}}}))
assert load()[0]["mqtt"]["tls"] == {"ca": "/ca.pem", "verify": True}

# A key that is not known is told and left out; saving refuses it.
write(json.dumps({"wifi": {"ssid": "a", "key": 1}, "mqtt": {"server": "b"}, "colour": 1}))
settings, problems = load()
assert [problem.split(":")[0] for problem in problems] == ["colour", "wifi.key"], problems
assert settings["wifi"][0]["ssid"] == "a"
assert "key" not in settings["wifi"][0] and "colour" not in settings
values, problems = config.read(PATH)
assert len(problems) == 2 and values["colour"] == 1
try:
    config.save(values, PATH)
    assert False
except ValueError as error:
    assert "colour: unknown key" in str(error)

# Saving refuses what is wrong, and leaves one whole file behind.
write(json.dumps(GOOD))
try:
    config.save({"mode": "disco"}, PATH)
    assert False
except ValueError as error:
    assert "wifi.ssid: missing" in str(error) and "mqtt.server: missing" in str(error)
other = json.loads(json.dumps(GOOD))
other["mode"] = "echo"
config.save(other, PATH)
assert load()[0]["mode"] == "echo"
assert os.listdir() == [PATH]
print("ok")
