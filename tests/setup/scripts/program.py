# What a step of set-up takes, what a request leaves in the heap, and that 10,000 random requests to its
# paths are answered, in the firmware and without a radio.
import gc
import json
import random
import time
from device.json_text import finish
from device.setup import form, http, program

SEED = 20261128
random.seed(SEED)


def random_bytes(count):
    return bytes([random.getrandbits(8) for _ in range(count)])


REPEATS = 20  # in each of three runs: Linux counts a process's time in steps of some milliseconds
# Microseconds; a tenth of it is usual, and finds what grows with the square of a request's length.
BOUND = 10000

setup = program.Setup()
setup._networks = [("n%02d \u7f51" % i * 3, -40 - i, i % 3) for i in range(20)]
config = {
    "wifi": {"ssid": "classroom", "password": "chalk and talk"},
    "mqtt": {"server": "b", "user": "desk", "password": "broker's own"},
    "topics": {"command": "x" * 190, "state": "y" * 190, "status": "z" * 190},
}
large = json.dumps({"config": config, "try": True}).encode()


def make(method, path, body=b"", host=b"4.3.2.1"):
    request = http.Request("4.3.2.2")
    request.method, request.path, request.host = method, path, host
    request.is_json, request.body = True, body
    return request


def post():
    setup._state, setup._failures = "open", 0
    assert finish(setup._answer(make(b"POST", b"/setup.json", large)))[0] == 200


WORK = {
    "page": lambda: finish(setup._answer(make(b"GET", b"/"))),
    "setup.json": lambda: finish(setup._answer(make(b"GET", b"/setup.json"))),
    "state.json": lambda: finish(setup._answer(make(b"GET", b"/state.json"))),
    "probe": lambda: finish(
        setup._answer(make(b"GET", b"/generate_204", host=b"www.gstatic.com"))
    ),
    "post": post,
    "collect": gc.collect,
    "name": lambda: form.hostname(config, "mpython", "0" * 12),
    "light": setup._lights.step,
    "show": setup._show,
}


def cpu_time():
    # In us; what other programs on the PC take does not count.
    with open("/proc/self/schedstat") as file:
        return int(file.read().split()[0]) // 1000


for name, work in WORK.items():
    fastest = 1 << 30
    for _ in range(3):
        begin = cpu_time()
        for _ in range(REPEATS):
            work()
        fastest = min(fastest, (cpu_time() - begin) // REPEATS)
    print(name, fastest, "us")
    assert fastest < BOUND, (name, fastest)


def used():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def one_round():
    for work in WORK.values():
        work()


one_round()
before = used()
for _ in range(120):  # of nine pieces of work, five of them requests
    one_round()
    gc.collect()
assert used() - before < 256, (before, used())


# Whatever a person does on the page keeps the access point open for ten minutes more.
class Clock:
    now = 0

    def ticks_ms(self):
        return self.now

    ticks_diff = staticmethod(time.ticks_diff)
    ticks_add = staticmethod(time.ticks_add)


real_time = program.time
clock = program.time = Clock()
setup._server = http.Server(setup._answer, None)
setup._enter("open")
setup._last_use = 0
for method, path in (
    (b"GET", b"/"),
    (b"POST", b"/setup.json"),
    (b"POST", b"/scan"),
    (b"POST", b"/blink"),
):
    clock.now += 599000
    finish(setup._answer(make(method, path, b"{}")))
    setup._close_in_time(clock.now + 2000)
    assert setup._state == "open", path
finish(setup._answer(make(b"GET", b"/state.json")))  # which the page asks by itself
setup._close_in_time(clock.now + 600000)
assert setup._state == "closed"
setup._server.close()
program.time = real_time

PATHS = (b"/", b"/setup.json", b"/state.json", b"/scan", b"/blink", b"/x", b"", b"/setup.json?a=b")
PIECES = (
    b"{",
    b"}",
    b"[",
    b'"config"',
    b":",
    b"1e999",
    b'"wifi"',
    b'{"ssid":"x"}',
    b",",
    b"\xff",
    b"null",
)
for _ in range(10000):
    body = b"".join([random.choice(PIECES) for _ in range(random.randint(0, 12))])
    if random.randint(0, 9) == 0:
        body = b'{"config":' + body + b"}"
    setup._state, setup._failures = "open", 0
    host = random.choice((b"4.3.2.1", b"4.3.2.1:80", b"", b"x", random_bytes(9)))
    request = make(random.choice((b"GET", b"HEAD", b"POST")), random.choice(PATHS), body, host)
    status = finish(setup._answer(request))[0]
    assert status in (200, 302, 404, 422), (SEED, status, body)
print("ok")
