# How long set-up waits for what, by a clock that the script moves on: what ends each wait, and what does not.
import json
import time
from device.json_text import finish
from device.setup import form, http, lights, program


class Clock:
    now = 1000

    def ticks_ms(self):
        return self.now

    ticks_diff = staticmethod(time.ticks_diff)
    ticks_add = staticmethod(time.ticks_add)


class Still:
    # In the place of what has steps.
    steps = 0

    def step(self, ms=0):
        self.steps += 1

    def drop_all(self):
        pass

    close = drop_all


class Station(Still):
    searches = 0
    begun = result = None

    def search(self):
        self.searches += 1
        return [("n%d" % self.searches, -50, 1)]

    def begin(self, *login):
        self.begun = login

    def step(self):
        return self.result

    def address(self):
        return "10.0.0.2"

    def stay(self):
        pass

    def end(self):
        self.begun = None


class AccessPoint(Still):
    name = "lamp-000001"
    key = "0123456789"
    is_open = has_phone = False

    def open(self):
        self.is_open = True

    def close(self):
        self.is_open = False

    def has_guest(self):
        return self.has_phone


class Button:
    is_up = True

    def value(self):
        return self.is_up


class Machine:
    resets = 0

    def reset(self):
        self.resets += 1


clock = program.time = Clock()
saved = []
form.save = saved.append
setup = program.Setup()
machine = program.machine = Machine()
setup._station, setup._access_point, setup._button = Station(), AccessPoint(), Button()
setup._server = setup._names = setup._serial = Still()
setup._screen = None
setup._open()


def propose(is_tried=True):
    body = {"config": {"wifi": {"ssid": "a", "password": "12345678"}, "mqtt": {"server": "b"}}}
    body = json.dumps(dict(body, **{"try": is_tried})).encode()
    request = http.Request("4.3.2.2")
    head = b"POST /setup.json HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Type: application/json\r\n"
    assert request.feed(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)) == 200
    return finish(setup._answer(request))[0]


def ask_state():
    request = http.Request("4.3.2.2")
    assert request.feed(b"GET /state.json HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n") == 200
    return json.loads(finish(setup._answer(request))[2])["state"]


def run(ms):
    # Do the steps of so long a time.
    for _ in range(0, ms, 100):
        setup.step()
        clock.now += 100


def fail():
    setup._station.result = None
    assert propose() == 200
    run(900)
    assert not setup._station.begun, "the answer has not left yet"
    run(300)
    assert setup._station.begun
    setup._station.result = "no"
    run(100)
    assert setup._state == "open" and setup._reason == "no"


def shows(state):
    return setup._lights._pattern is lights._PATTERNS[state]


# Nobody guesses passwords here: after five wrong ones half a minute passes.
for _ in range(5):
    fail()
run(1200)
assert shows("failed")
run(400)
assert shows("open")
assert propose() == 429
run(27000)
assert propose() == 429
run(3000)
fail()
assert propose(False) == 200

# Saved, it is told for 15 s; for four once somebody has asked.
setup.step()
assert saved and setup._state == "done" and not machine.resets
run(14900)
assert not machine.resets
run(300)
assert machine.resets
machine.resets = 0
setup._enter("done")
run(5000)
assert ask_state() == "done"
run(3900)
assert not machine.resets
run(300)
assert machine.resets
setup._told = None

# A list of networks is good for 15 s, and for longer while a phone is there, which a search may throw off.
setup._enter("open")
assert setup.search() == [("n1", -50, 1)]
clock.now += 14000
assert setup.search() == [("n1", -50, 1)]
clock.now += 2000
assert setup.search() == [("n2", -50, 1)]
clock.now += 16000
setup._access_point.has_phone = True
setup.step()
assert setup.search() == [("n2", -50, 1)]
setup._enter("trying")
assert setup.search() == [("n2", -50, 1)]

# Closed, it opens again by a button that is held for a second.
setup._state, setup._access_point.has_phone, setup._last_use = "open", False, clock.now
run(600200)
assert setup._state == "closed" and not setup._access_point.is_open
for is_up, ms in ((False, 900), (True, 200), (False, 900), (True, 5000)):
    setup._button.is_up = is_up
    run(ms)
assert setup._state == "closed"
# An Improv client is served meanwhile; what fails leaves it closed.
setup._station.result = None
assert finish(setup.join("a", "12345678")) and setup._state == "trying"
run(200)
setup._station.result = "no"
run(5000)
assert setup._state == "closed" and shows("closed") and not setup._access_point.is_open
setup._button.is_up = False
run(1200)
assert setup._state == "open" and setup._access_point.is_open

# So is the page in the network that an Improv client has had joined, and nobody gets in there any more.
setup._values, setup._is_whole, setup._address = {"wifi": {"ssid": "a"}}, False, "10.0.0.2"
setup._button.is_up, setup._station.result = True, None
setup._try(setup._values, 0)
run(100)
setup._station.result = ""
run(599000)
assert setup._state == "joined" and setup._is_admitted("10.0.0.9") and setup.page_address()
run(1200)
assert setup._state == "closed" and not setup._is_admitted("10.0.0.9")
assert not setup._station.begun and not setup.page_address() and not setup.has_network()


# Each step feeds the watchdog.
class Enough(Exception):
    pass


class Watchdog:
    left = 3

    def step(self):
        self.left -= 1
        if not self.left:
            raise Enough


setup.start = lambda: None
steps = setup._server.steps
try:
    setup.run(Watchdog())
    assert False
except Enough:
    assert setup._server.steps - steps == 3 * 3  # server, names and serial line
print("ok")
