# Form: a list of brokers stands in its field with commas, and comes back as a list.
from device.json_text import finish
from device.setup import form

SENT = b'{"config": {"wifi": {"ssid": "a"}, "mqtt": {"server": "%s"}}}'

for text, expected in (
    (b"a.local", "a.local"),
    (b"a.local, b.local", ["a.local", "b.local"]),
    (b"a,b,c", ["a", "b", "c"]),
):
    values, is_tried = finish(form.parse(SENT % text, {}))
    assert values["mqtt"]["server"] == expected and is_tried, values

for text in (b"a,", b",", b"a, b:1"):
    try:
        finish(form.parse(SENT % text, {}))
    except form.Mistake as mistake:
        assert "mqtt.server: found a " in mistake.args[0][0], mistake
    else:
        raise AssertionError(text)

# Of a file with mistakes the rest may be anything that is good by itself.
for values, expected in (
    ({}, "lamp-00"),
    ({"wifi": []}, "lamp-00"),
    ({"wifi": [{}], "name": "desk"}, "desk-00"),
    ({"wifi": {"hostname": "a-{id}"}, "mqtt": {"platform": "easyiot"}}, "a-00"),
    ({"wifi": [{"hostname": "first"}, {"hostname": "second"}]}, "first"),
):
    assert form.hostname(values, "lamp", "00") == expected, values
print("ok")
