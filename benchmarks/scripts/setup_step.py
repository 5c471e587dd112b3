# What set-up does at once for one request, as often as the second argument says: counted by
# benchmarks/device.py.
import json
import sys
from device.setup import http, program

config = {
    "wifi": {"ssid": "classroom", "password": "chalk and talk"},
    "mqtt": {"server": "b", "user": "desk", "password": "broker's own"},
    "topics": {"command": "x" * 190, "state": "y" * 190, "status": "z" * 190},
}
setup = program.Setup()
setup._networks = [("n%02d \u7f51" % i * 3, -40 - i, i % 3) for i in range(20)]
setup._values = config


def ask(method, value):
    request = http.Request("4.3.2.2")
    request.method, request.path, request.host = method, b"/setup.json", b"4.3.2.1"
    request.is_json, request.body = True, json.dumps(value).encode()
    setup._state = "open"
    assert setup._answer(request)[0] == 200


def post():
    ask(b"POST", {"config": config, "try": True})


def post_without_passwords():
    mqtt = {"server": "b", "user": "desk"}
    ask(b"POST", {"config": dict(config, wifi={"ssid": "classroom"}, mqtt=mqtt), "try": True})
    setup._values = config


def describe():
    ask(b"GET", None)


def begin():
    program.form.hostname(config, "mpython", "0" * 12)


work = {
    "post": post,
    "post_without_passwords": post_without_passwords,
    "describe": describe,
    "begin": begin,
}[sys.argv[1]]
for _ in range(int(sys.argv[2])):
    work()
