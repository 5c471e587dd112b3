# The page's work is done in pieces: none is long, the rules are there once for all who work at a time, and
# are freed whatever ends the work; meanwhile nothing else is taken.
import gc
import json
import sys
from device import json_text
from device.json_text import finish
from device.setup import form, http, improv, program

SIZE = 4096
PIECE = json_text._PIECE
FORM = {"wifi": {"ssid": "a", "password": "12345678"}, "mqtt": {"server": "b"}}


def repeat(begin, piece, end):
    return begin + piece * ((SIZE - len(begin) - len(end)) // len(piece)) + end


def count(work):
    pieces = 1
    try:
        while True:
            next(work)
            pieces += 1
    except StopIteration as end:
        return pieces, end.value


# A text of 4 KB is read in pieces of a quarter of a KB, whatever it is made of. What `find` or `lstrip`
# pass at once is the exception: it takes no time.
for begin, piece, end in (
    ('{"a":"', "\\u0041", '"}'),
    ('{"a":"', "\\n", '"}'),
    ('{"a":"', "\\n", ""),
    ('{"a":"\\n', "x", '"}'),
    ("[1", ",1", "]"),
    ("[1", ", -1.5e3", "]"),
    ("[{}", ',{"a":[]}', "]"),
    ('["x"', ',"x"', "]"),
):
    text = repeat(begin, piece, end)
    pieces, error = count(json_text.search_error(text, unique=True))
    assert pieces >= SIZE // PIECE - 1, (piece, pieces)
    assert error == json_text.find_error(text), piece

    scanner = json_text._Scanner(text.encode(), True)
    at = 0
    for _ in scanner.scan():
        assert scanner.at - at < PIECE + 64 or begin[0] == "{", piece  # a text moves at its end
        at = scanner.at

# A number that takes long to read, and more keys than a board should keep, are refused.
assert "digits" in json_text.find_error('{"a": %s}' % ("1" * 41))[2]
assert json_text.find_error("1" * 40) is None
keys = ",".join(['"k%d":0' % i for i in range(65)])
assert json_text.find_error("{%s}" % keys, unique=True) == (
    1,
    keys.index('"k64"') + 2,
    "too many keys in one object",
)
assert json_text.find_error("{%s}" % keys) is None
assert json_text.find_error("[{%s},{%s}]" % (keys[:-8], keys[:-8]), unique=True) is None
del json_text


# Each key that is there is a piece, in each network of a list, too.
def make_body(networks):
    wifi = [dict(FORM["wifi"], ssid="n%d" % i) for i in range(networks)]
    return json.dumps({"config": dict(FORM, wifi=wifi)}).encode()


one, (values, is_tried) = count(form.parse(make_body(1), {}))
eight, _ = count(form.parse(make_body(8), {}))
assert is_tried and values["wifi"][0]["ssid"] == "n0" and eight >= one + 7 * 2, (one, eight)

# Problems are told, as many as a page and the heap have room for.
wrong = [{"password": "x", "timeout": 0}] * 8
try:
    finish(form.parse(json.dumps({"config": {"wifi": wrong, "mqtt": {}}}).encode(), {}))
    assert False
except form.Mistake as mistake:
    problems = mistake.args[0]
    assert len(problems) == 17 and problems[0].startswith("wifi[0].ssid: missing"), problems
    assert problems[16] == "and 9 more", problems


# The rules.
def have_rules():
    return [
        name
        for name in ("config", "json_text", "kinds", "rules")
        if "device." + name in sys.modules
    ]


def throw(work, error):
    try:
        work.throw(error)
    except (error, StopIteration):
        pass


form.hostname(FORM, "mpython", "0" * 12)
assert not have_rules(), have_rules()
for end in (
    finish,
    lambda work: work.close(),
    lambda work: throw(work, KeyboardInterrupt),
    lambda work: throw(work, MemoryError),
):
    work = form.parse(make_body(8), {})
    for _ in range(12):
        next(work)
    rules = sys.modules["device.rules"]
    others = [form.without_secrets(FORM), form.find_problems(FORM), form.parse(make_body(1), {})]
    for other in others:  # their own schemas would take 8 KB each
        for _ in range(20):
            next(other)
    form.hostname(FORM, "mpython", "0" * 12)
    assert sys.modules["device.rules"] is rules
    del rules
    end(work)
    assert not have_rules(), have_rules()
    others[2].close()
    shown, kept = finish(others[0])
    assert shown == {"wifi": {"ssid": "a"}, "mqtt": {"server": "b"}} and kept == ["wifi.password"]
    assert finish(others[1]) == [] and not have_rules()
for body in (b"\xff", b"{", b"[]", b'{"config":{}}'):
    try:
        finish(form.parse(body, {}))
        assert False
    except form.Mistake:
        assert not have_rules(), body

# A page that was open to the board's network is closed to a request that has begun before.
request = http.Request("10.0.0.9")
request.feed(b"GET /setup.json?k=abcdefgh HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n")
assert finish(program.Setup()._answer(request))[0] == 403

# One proposal at a time, by page or by cable; what ends one makes room for the next.
setup = program.Setup()


def propose(body):
    request = http.Request("4.3.2.2")
    head = b"POST /setup.json HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Type: application/json\r\n"
    assert request.feed(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)) == 200
    return setup._answer(request)


def begin(work):
    next(work)
    return work


for start in (lambda: propose(make_body(2)), lambda: setup.join("a", "12345678")):
    for end in (lambda work: work.close(), lambda work: throw(work, KeyboardInterrupt)):
        work = begin(start())
        assert finish(propose(make_body(1)))[0] == 409
        assert finish(setup.join("a", "12345678")) is False
        end(work)
        assert setup._state == "open" and not have_rules()
    work = begin(start())
    throw(work, MemoryError)  # for the page it is an answer
    assert setup._state == "open" and not have_rules()
    assert finish(start())
    assert setup._state == "trying"
    assert finish(propose(make_body(1)))[0] == 409
    setup._state = "open"
assert finish(propose(b'{"try":false,' + make_body(1)[1:]))[0] == 200
assert (
    finish(setup.join("a", "12345678")) is False and finish(propose(make_body(1)))[0] == 409
)  # it is to be saved


# The server does one piece in each turn, of one client after the other, and lets go of all.
class Stream:
    sent = b""

    def write(self, data):
        self.sent += data
        return len(data)

    def close(self):
        pass


class Poller:
    def modify(self, stream, events=0):
        pass

    unregister = modify


setup._unsaved = None
server = http.Server(setup._answer, None)
server._poller = Poller()


def begin_request(head, size):
    client = http._Client(Stream(), "4.3.2.2", 0)
    server._clients[client.stream] = client
    server._take(
        client, head + b" HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Type: application/json\r\n"
    )
    server._take(client, b"Content-Length: %d\r\n" % size)
    return client


def connect(head, body=b""):
    client = begin_request(head, len(body))
    server._take(client, b"\r\n" + body)
    return client.stream


def work(pieces):
    for _ in range(pieces):
        server._work(server._waiting.pop(0))


first = connect(b"POST /setup.json", make_body(8))
second = connect(b"GET /setup.json")
third = connect(b"HEAD /state.json")
assert not third.sent and len(server._waiting) == 3
work(3)
assert third.sent.startswith(b"HTTP/1.1 200 ") and third.sent.endswith(b"\r\n\r\n")
assert not first.sent and not second.sent and len(server._waiting) == 2
work(20)
assert not first.sent and not second.sent and have_rules()  # which the first has
server.drop_all()
assert not have_rules() and not server._waiting and not first.sent
first = connect(b"POST /setup.json", make_body(8))
second = connect(b"GET /setup.json")
while server._waiting:
    work(1)
assert b'"networks"' in second.sent
assert first.sent.startswith(b"HTTP/1.1 200 ") and setup._state == "trying" and not have_rules()

# A proposal has its turn, though others ask again a step after they have their answer.
setup._state = "open"
greedy = [connect(b"GET /setup.json") for _ in range(3)]
first = connect(b"POST /setup.json", make_body(8))
for _ in range(1000):
    answered = [bool(stream.sent) for stream in greedy]
    work(1)
    greedy = [
        connect(b"GET /setup.json") if is_answered else stream
        for is_answered, stream in zip(answered, greedy)
    ]
    if first.sent:
        break
assert first.sent.startswith(b"HTTP/1.1 200 "), first.sent
server.drop_all()
assert not have_rules() and not form._turns

# A body that has begun to come is taken to its end, though a small one waits for its answer meanwhile.
setup._state = "open"
body = make_body(8)
upload = begin_request(b"POST /setup.json", len(body))
server._take(upload, b"\r\n" + body[:100])
second = connect(b"POST /scan", b"{}")
third = begin_request(b"POST /scan", 2)
server._take(third, b"\r\n")
assert third.stream.sent.startswith(b"HTTP/1.1 503 ")  # there is no room for another large one
server._take(upload, body[100:200])
assert not upload.stream.sent, upload.stream.sent
server._take(upload, body[200:])
while server._waiting:
    work(1)
assert second.sent.startswith(b"HTTP/1.1 200 ")
assert upload.stream.sent.startswith(b"HTTP/1.1 200 "), upload.stream.sent


# A try for which there was no memory begins once there is.
class Station:
    begun = None

    def begin(self, *login):
        self.begun = login

    def step(self):
        assert self.begun, "what has not begun cannot go on"


def have_no_memory(*arguments):
    raise MemoryError


setup._station, setup._has_begun = Station(), False
hostname, form.hostname = form.hostname, have_no_memory
try:
    setup._step_trying(setup._pause)
    assert False
except MemoryError:
    form.hostname = hostname
setup._step_trying(setup._pause)
assert setup._station.begun[0] == "n0"


# A client by cable and a guest of the page, one of whom has what the other waits for: both get their answer.
class Still:
    def step(self, ms=0):
        pass


improv.write_packet = lambda kind, data: told.append((kind, data))
Poller.poll = lambda self, ms: []
Poller.register = Poller.modify
server.drop_all()
setup._server, setup._names, setup._serial = server, Still(), Still()
for has_client_begun in (False, True):
    told = []
    setup._state = "open"
    client = setup._make_improv()
    client.take(b"\x01\x0b\x01a\x0812345678")
    if has_client_begun:
        client.step()
    guest = connect(b"GET /setup.json")
    for _ in range(200):
        setup.step()
    assert told[:1] == [(2, b"\x00")] and guest.sent.startswith(b"HTTP/1.1 200 "), (
        told,
        guest.sent,
    )
print("ok")
