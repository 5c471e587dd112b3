# What set-up does, in the pieces in which its steps do it: the form, a whole configuration of 4 KB, what is
# hostile or the display's picture, as the argument says. benchmarks/device.py counts what stands between two marks.
import json
import os
import sys
from device import config
from device.setup import form, http, program

SIZE = 4096  # that the page takes

FORM = {
    "wifi": {"ssid": "classroom", "password": "chalk and talk"},
    "mqtt": {"server": "b", "user": "desk", "password": "broker's own"},
    "topics": {"command": "x" * 190, "state": "y" * 190, "status": "z" * 190},
}
WITHOUT_PASSWORDS = {"wifi": {"ssid": "classroom"}, "mqtt": {"server": "b", "user": "desk"}}
TOPICS = ("state", "status", "info", "update", "button", "touch", "sensors", "motion", "display")


def make_whole():
    # As large as a file may be, with as much to look at as there can be.
    network = {"password": "x" * 63, "hostname": "h" * 32, "timeout": 600}
    topics = {name: name + "/x" * 24 for name in TOPICS}
    topics.update(
        command="+/%s/x" % ("x" * 50), groups=["class/%d/%s" % (i, "g" * 70) for i in range(4)]
    )
    values = {
        "name": "desk-7",
        "label": "\u7f51" * 10,
        "wifi": [dict(network, ssid="%d%s" % (i, "\u7f51" * 10)) for i in range(8)],
        "mqtt": {"server": [letter * 50 for letter in "abcdefgh"], "user": "u", "password": ""},
        "topics": topics,
    }
    values["mqtt"]["password"] = "p" * (SIZE - len(config._format(values).encode()))
    return values


def repeat(begin, piece, end):
    # A body of the size that the page takes.
    begin, piece, end = begin.encode(), piece.encode(), end.encode()
    return begin + piece * ((SIZE - len(begin) - len(end)) // len(piece)) + end


def make_keys(form, count):
    return ",".join([form % i for i in range(count)])


def make_hostile():
    wifi = '{"config":{"wifi":'
    server = '{"config":{"wifi":{"ssid":"a"},"mqtt":{"server":'
    wrong = {"ssid": "", "password": "x", "hostname": "!", "timeout": 0}
    levels = {"command": "+/" * 90 + "#", "groups": ["\u7f51/" * 60 + str(i) for i in range(4)]}
    return (
        repeat(wifi + '{"ssid":"', "\\u0041", '"}}}'),
        repeat(wifi + '{"ssid":"', "\\n", '"}}}'),
        repeat(wifi + '{"ssid":"', "\\n", ""),
        repeat(wifi + '{"ssid":"', "\u7f51", '"}}}'),
        repeat(wifi + "[1", ",1", "]}}"),
        repeat(wifi + "[1.5", ",-1.5e3", "]}}"),
        repeat(wifi + '[""', ',"a"', "]}}"),
        repeat(wifi + "[{}", ",{}", "]}}"),
        repeat(wifi + "[{}", ',{"a":{"b":1}}', "]}}"),
        repeat(wifi + "[0", ",[[[[[]]]]]", "]}}"),
        repeat('{"config":', "[", ""),
        repeat('{"config":', " ", "1}"),
        repeat('{"config":', "\n", "1}"),
        repeat('{"config":', "1", "}"),
        repeat(server + '"', ",", '"}}}'),
        repeat(server + '["a"', ',"a"', "]}}}"),
        (
            server + '["%s"]}}}' % '","'.join(["\u00e9" * 126] * 7 + ["\u00e9" * 126 + "/"])
        ).encode(),
        ('{"config":{%s}}' % make_keys('"k%03d":1', 400)).encode(),
        ('{"config":{%s}}' % make_keys('"' + "k" * 190 + '%d":1', 20)).encode(),
        ('{"config":{"mqtt":{%s}}}' % make_keys('"reset_aft%dr":1', 60)).encode(),
        ('{"config":{"wifi":[{%s}]}}' % "},{".join([make_keys('"k%02d":1', 58)] * 8)).encode(),
        json.dumps(
            {"config": {"wifi": [wrong] * 8, "mqtt": dict.fromkeys(("port", "user", "tls"), 9)}}
        ),
        json.dumps({"config": dict(FORM, mqtt=dict.fromkeys(("platform", "port", "tls"), 9))}),
        json.dumps({"config": dict(FORM, topics=dict.fromkeys(TOPICS, "#/" * 70))}),
        json.dumps({"config": dict(FORM, topics=levels)}),
    )


class Stream:
    def write(self, data):
        return len(data)


class Poller:
    def modify(self, stream, events):
        pass


setup = program.Setup()
setup._networks = [("n%02d \u7f51" % i * 3, -40 - i, i % 3) for i in range(20)]
server = http.Server(setup._answer, None)
server._poller = Poller()


def mark():
    os.unsetenv("piece")


def ask(method, body, status):
    client = http._Client(Stream(), "4.3.2.2", 0)
    head = (
        b"%s /setup.json HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Type: application/json\r\n"
        b"Accept-Language: zh\r\n" % method  # English takes less
    )
    setup._state = "open"
    client.answer = lambda *answer, **options: check(client, answer, status, options)
    server._take(client, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    while server._waiting:
        mark()
        server._work(server._waiting.pop(0))
        mark()


def check(client, answer, status, options):
    assert answer[0] == status, answer
    http._Client.answer(client, *answer, **options)


def post(values):
    ask(b"POST", json.dumps({"config": values, "try": True}).encode(), 200)


def do_form():
    setup._values = FORM
    ask(b"GET", b"", 200)
    post(FORM)
    post(WITHOUT_PASSWORDS)


def do_whole():
    whole = make_whole()
    text = config._format(whole)
    assert len(text.encode()) == SIZE
    whole["mqtt"]["password"] = whole["mqtt"]["password"][
        40:
    ]  # what stands around it in the request
    post(whole)
    ask(b"GET", b"", 200)
    mark()
    setup.hostname()
    mark()
    from device import config as loaded  # again: set-up has freed it

    loaded._replace = lambda text, path: None  # the flash memory
    mark()
    form.save(whole)
    mark()
    setup._state = "open"
    work = setup.join("x" * 32, "y" * 63)
    joined = False
    while not joined:
        mark()
        try:
            next(work)
        except StopIteration:
            joined = setup._state == "trying"
        mark()


def do_hostile():
    setup._values = FORM
    for body in make_hostile():
        assert len(body) <= SIZE
        ask(b"POST", body if isinstance(body, bytes) else body.encode(), 422)


def do_display():
    import framebuf
    import setup_screen

    class Display(framebuf.FrameBuffer):
        def show(self):
            pass  # 25 ms, with nothing but words in the same piece

    screen = setup_screen.Screen()
    screen._display = Display(bytearray(1024), 128, 64, framebuf.MONO_VLSB)
    screen.invite("mpython-a1b2c3", "1234567890", "4.3.2.1")
    while screen._work:
        mark()
        screen.step()
        mark()


{"form": do_form, "whole": do_whole, "hostile": do_hostile, "display": do_display}[sys.argv[1]]()
