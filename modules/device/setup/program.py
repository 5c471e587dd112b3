"""The states of set-up, what ends each, and what the board says in it.

searching -> open <-> trying -> done -> reset
              |  10 minutes
             closed -> open again by button B

By the cable, an Improv client has a network tried in any of them. Its password alone is no whole
configuration: then trying -> joined, where the page is served to that network. A running board that is
asked by a client opens no access point: cable <-> trying -> done, and after a minute of silence a reset.
"""

import board
import gc
import json
import machine
import os
import sys
import time
import version
from micropython import const

from . import form
from . import http
from . import radio
from .dns import NameServer
from .lights import Lights
from .serial_line import SerialLine

_SLICE = const(20)  # ms that a step waits for the network at most

_OPEN_TIME = const(600000)  # ms without use until the access point closes
# The answer must reach the phone before the radio looks elsewhere.
_PAUSE = const(1000)
# The phone may ask how it went for so long, or for so long once it knows.
_DONE_TIME = const(15000)
_TOLD_TIME = const(4000)
_HOLD = const(1000)  # ms of button B that open a closed access point again
_FAILED_TIME = const(1500)  # ms that the light says so: three times red
_CLIENT_TIME = const(60000)  # ms without a request after which a board that was running goes on
# A list of networks is good for so long: clients ask every 3 s, and each search takes the radio away.
_LIST_TIME = const(15000)

# Nobody may guess the password of another's network here.
_MAX_FAILURES = const(5)
_LOCK_TIME = const(30000)

_CHINESE = b"zh"

# What each system wants to hear before it says that there is internet, by host or path. Sent once the
# board is done, so that the phone's sheet can be closed without leaving the network.
_SUCCESS = (
    (
        b"captive.apple.com",
        b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>",
    ),
    (b"www.apple.com", b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"),
    (b"www.msftconnecttest.com", b"Microsoft Connect Test"),
    (b"www.msftncsi.com", b"Microsoft NCSI"),
    (b"detectportal.firefox.com", b"success\n"),
    (b"/nm", b"NetworkManager is online\n"),
    (b"nmcheck.gnome.org", b"NetworkManager is online\n"),
)
_FIREFOX_PAGE = (
    b'<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>'
)


def _make_screen():
    try:
        from setup_screen import Screen  # of boards that have a display
    except ImportError:
        return None
    return Screen()


class Setup:
    """Set-up from its start to the reset; `run` is the loop.

    is_called: whether an Improv client waits on the serial line, which is answered at once. A board with
    a usable configuration opens no access point then.
    """

    def __init__(self, is_called=False):
        self._is_called = is_called
        self._id = machine.unique_id()
        self._lights = Lights()
        self._screen = _make_screen()
        self._button = machine.Pin("BUTTON_B", machine.Pin.IN, machine.Pin.PULL_UP)
        self._button_since = None  # ticks_ms since when it is down
        self._access_point = radio.AccessPoint(board.NAME, self._id)
        self._station = radio.Station()
        self._serial = None
        self._improv = None
        self._server = None
        self._names = None
        self._networks = []
        self._list_time = None  # ticks_ms of the search that has found them
        self._values = {}  # what the page or the client has sent last; the file's until then
        # What is good of it. The page, which has asked once, leaves out its passwords after a try, too.
        self._file = {}
        self._state = self._home = "open"  # now, and after a try that has failed
        self._state_begin = self._last_use = time.ticks_ms()
        self._has_guest = False
        self._reason = ""  # why the last try has failed
        self._failures = 0
        self._has_begun = False  # the try
        self._pause = 0  # ms before it
        self._is_whole = True  # what is tried is all that the board needs
        self._is_usable = False  # what /config.json says, at the start
        self._is_checking = False  # what the page or the client has sent, in pieces
        self._unsaved = None  # to be saved in the next step, once the page has its answer
        self._address = ""
        self._page_key = None  # for those who are not in the board's own network
        self._told = None  # ticks_ms when the page has heard that it worked
        self._search_at = None  # ticks_ms of the next search
        self._was_short = False  # of memory

    # Life -----------------------------------------------------------------------------

    def run(self, watchdog):
        """Run until the board is reset. `watchdog.step()` is called after each step."""
        try:
            self.start()
            while True:
                self._step_safely()
                watchdog.step()
        finally:
            self.close()

    def _step_safely(self):
        try:
            self.step()
        except MemoryError:
            if self._was_short:
                raise
            self._was_short = True
            if self._server:
                self._server.drop_all()

    def start(self):
        """Search for networks, then open the access point and the servers. Blocks for 3 s."""
        self._serial = SerialLine(self._take_request)
        self._file, self._is_usable = form.read()
        self._values = self._file
        if self._is_called:
            self._make_improv().answer_call()
            if self.has_network():
                self._station.end()  # the program's
                self._home = "cable"
                self._enter("cable")
                return
        print("setup: looking for networks")
        self._lights.show("searching")
        if self._screen:
            self._screen.show("looking for", "networks")
            self._screen.step()
        self._access_point.configure()
        self._search()
        self._server = http.Server(self._answer, self._is_admitted)
        self._names = NameServer(radio.ADDRESS, radio.is_guest)
        self._server.watch(self._names.socket)
        self._server.watch(sys.stdin)
        self._open()

    def _search(self):
        self._networks = self._station.search()
        self._list_time = time.ticks_ms()
        gc.collect()

    def _open(self):
        self._access_point.open()
        key = self._access_point.key
        print(
            'setup: join the network "%s", key %s %s, then http://%s'
            % (self._access_point.name, key[:5], key[5:], radio.ADDRESS)
        )
        self._last_use = time.ticks_ms()
        self._home = "open"
        self._enter("open")

    def close(self):
        """Switch the radio off, and leave light and display dark. Set-up cannot go on after it."""
        parts = self._serial, self._improv, self._server, self._names, self._access_point
        for part in parts + (self._station, self._screen, self._lights):
            if part:
                part.close()

    def _enter(self, state):
        self._state = state
        self._state_begin = time.ticks_ms()
        self._show()

    def _show(self):
        # What light and display say now.
        state = self._state
        if state == "open" and self._has_guest:
            state = "guest"
        if self._has_failed():
            if time.ticks_diff(time.ticks_ms(), self._state_begin) < _FAILED_TIME:
                state = "failed"
        self._lights.show("guest" if state in ("cable", "joined") else state)
        screen = self._screen
        if not screen:
            return
        if state == "open":
            screen.invite(self._access_point.name, self._access_point.key, radio.ADDRESS)
        elif state == "guest":
            screen.show("open", "http://", radio.ADDRESS)
        elif state == "trying":
            screen.show("trying", form.first_network(self._values)["wifi"]["ssid"])
        elif state == "failed":
            screen.show("no success", "see the page")
        elif state == "done":
            screen.show("done", self._address)
        elif state == "closed":
            screen.show("press B")
        elif state == "cable":
            screen.show("set-up", "by cable")
        elif state == "joined":
            screen.show("open", "http://", self._address, "/?k=" + self._page_key)

    def _has_failed(self):
        return bool(self._reason) and self._state == self._home

    def step(self):
        """Do what is due. Blocks 50 ms at most, but for a search (2.4 s), the radio's start and the
        flash memory, each in a step of its own."""
        if self._unsaved is not None:
            values = self._unsaved
            self._unsaved = None
            self._save(values)
            return
        has_worked = False  # a piece of what takes long
        if self._server:
            has_worked = self._server.step(_SLICE)
            self._names.step()
        self._serial.step(0 if self._server else _SLICE)
        if self._improv:  # always: each of the two may wait for what the other holds, see form.py
            has_worked = self._improv.step() or has_worked
        now = time.ticks_ms()
        passed = time.ticks_diff(now, self._state_begin)
        if self._state == "open":
            self._step_open(now)
        elif self._state == "trying":
            self._step_trying(passed)
        elif self._state == "done":
            self._step_done(now, passed)
        elif self._state == "closed":
            self._step_closed(now)
        elif self._state == "joined":
            self._close_in_time(now)
        else:
            self._step_cable(now)
        if self._has_failed() and _FAILED_TIME <= passed < 2 * _FAILED_TIME:
            self._show()
        self._lights.step()
        if self._screen and not has_worked:
            self._screen.step()

    # The states -----------------------------------------------------------------------

    def _step_open(self, now):
        has_guest = self._access_point.has_guest()
        if has_guest != self._has_guest:
            self._has_guest = has_guest
            if has_guest:
                print("setup: somebody has joined")
            self._show()
        if self._search_at is not None and time.ticks_diff(now, self._search_at) >= 0:
            self._search_at = None
            self._search()
        self._close_in_time(now)

    def _close_in_time(self, now):
        if time.ticks_diff(now, self._last_use) < _OPEN_TIME:
            return
        print("setup: closed after 10 minutes; press B or reset")
        self._server.drop_all()
        self._station.end()
        self._access_point.close()
        self._has_guest = False
        self._page_key = None
        self._reason = ""
        self._home = "closed"
        self._enter("closed")

    def _step_trying(self, passed):
        if not self._has_begun:
            if passed < self._pause:
                return
            wifi = form.first_network(self._values)["wifi"]
            print('setup: trying "%s"' % wifi["ssid"])
            name = form.hostname(self._values, board.NAME, self._id.hex())
            self._station.begin(wifi["ssid"], wifi.get("password", ""), name)
            self._has_begun = True  # only now: once more, should there have been no memory
        reason = self._station.step()
        if reason is None:
            return
        if reason:
            self._failures += 1
            self._fail(reason)
        else:
            self._address = self._station.address()
            if self._is_whole:
                self._unsaved = self._values
            else:
                self._serve_network()

    def _serve_network(self):
        # The page is there for whoever has the key; the rest of the network is not to see it.
        self._station.stay()
        self._page_key = "".join([chr(ord("a") + byte % 26) for byte in os.urandom(8)])
        ssid = form.first_network(self._values)["wifi"]["ssid"]
        print('setup: joined "%s"; open %s' % (ssid, self.page_address()))
        self._last_use = time.ticks_ms()
        self._enter("joined")

    def _fail(self, reason):
        print("setup: " + reason)
        self._reason = reason
        self._last_use = time.ticks_ms()
        if self._state == "joined":
            return  # what was sent there cannot be saved; the page stays, to say so
        self._station.end()
        self._page_key = None
        self._enter(self._home)

    def _save(self, values):
        try:
            form.save(values)
        except OSError as error:
            self._fail("the board cannot save this (error %d); is its disk full?" % error.errno)
            return
        except ValueError as error:  # it is too large
            self._fail(str(error))
            return
        print("setup: saved; restarting")
        self._enter("done")

    def _step_done(self, now, passed):
        told = self._told is not None and time.ticks_diff(now, self._told) >= _TOLD_TIME
        if told or passed >= _DONE_TIME:
            machine.reset()

    def _step_closed(self, now):
        if self._button.value():
            self._button_since = None
        elif self._button_since is None:
            self._button_since = now
        elif time.ticks_diff(now, self._button_since) >= _HOLD:
            self._button_since = None
            self._open()

    def _step_cable(self, now):
        if time.ticks_diff(now, self._last_use) >= _CLIENT_TIME:
            print("setup: nobody asks any more; restarting")
            machine.reset()

    # What an Improv client asks -------------------------------------------------------

    def _make_improv(self):
        if self._improv is None:
            from . import improv

            self._improv = improv.Improv(self)
        return self._improv

    def _take_request(self, request):
        self._last_use = time.ticks_ms()
        self._make_improv().take(request)

    @property
    def name(self):
        """The board's, and its network's."""
        return self._access_point.name

    def hostname(self):
        """Return the host name that the board will have in a network."""
        return form.hostname(self._values, board.NAME, self._id.hex())

    def search(self):
        """Return the networks in reach, see radio.search; an older list where the radio is needed
        elsewhere. Blocks for 2.4 s if it searches."""
        is_old = self._list_time is None or (
            time.ticks_diff(time.ticks_ms(), self._list_time) >= _LIST_TIME
        )
        if is_old and self._state == self._home and not self._has_guest:
            self._search()
        return self._networks

    def join(self, ssid, password):
        """Begin to try a network; return whether it could be a network, and nothing else is tried.

        In pieces, as in form.py: a generator.
        """
        if self._state not in (self._home, "joined") or self._is_busy():
            return False
        values = form.with_network(self._values, ssid, password)
        self._is_checking = True
        try:
            problems = yield from form.find_problems(values)
        finally:
            self._is_checking = False
        for problem in problems:
            if problem.startswith("wifi."):
                print("setup: " + problem)
                return False
        self._is_whole = not problems
        self._try(values, 0)
        return True

    def _is_busy(self):
        # With what the page or the client has sent.
        return self._is_checking or self._unsaved is not None

    def is_trying(self):
        return self._state == "trying"

    def has_joined(self):
        """Return whether the last try has ended well."""
        return self._state in ("joined", "done")

    def has_network(self):
        """Return whether the board has a network to join; its own configuration may have one."""
        return self.has_joined() or self._is_usable

    def page_address(self):
        """Return where the page is in the network that the board has joined; "" if it is not there."""
        return "http://%s/?k=%s" % (self._address, self._page_key) if self._page_key else ""

    # What the page asks ---------------------------------------------------------------

    def _answer(self, request):
        # In pieces, as http.Server wants it.
        try:
            return (yield from self._route(request))
        except MemoryError:
            gc.collect()
            return 503, "text/plain", b"no memory"

    def _is_admitted(self, address):
        return radio.is_guest(address) or self._page_key is not None

    def _route(self, request):
        host = request.host.split(b":")[0]
        path, _, query = request.path.partition(b"?")
        if not radio.is_guest(request.peer):
            # The host, too: another page in the browser may have a name that leads here.
            key = self._page_key  # none if the page was closed since the request began
            if not key or host != self._address.encode() or query != b"k=" + key.encode():
                sentence = "open the address that the board has told by its cable"
                return 403, http.TEXT, _in_language(request, sentence).encode()
        elif host != radio.ADDRESS.encode():
            return self._answer_probe(request)
        if request.method == b"POST":
            if not request.is_json:
                return 415, "text/plain", b"send application/json"
            self._last_use = time.ticks_ms()
            if path == b"/setup.json":
                return (yield from self._take_proposal(request))
            if path == b"/scan":
                return self._take_search(request)
            if path == b"/blink":
                self._lights.blink()
                return _json(200, {})
            return 404, "text/plain", b"not found"
        if path == b"/":
            self._last_use = time.ticks_ms()
            from . import page

            return 200, http.HTML, page.ZH if request.language == _CHINESE else page.EN
        if path == b"/setup.json":
            return _json(200, (yield from self._describe(request)))
        if path == b"/state.json":
            return _json(200, self._describe_state(request))
        if path == b"/favicon.ico":
            return 404, "text/plain", b"not found"
        return _redirect()

    def _answer_probe(self, request):
        # Asked under another's name: a probe for the internet, or a person's own address.
        if self._state != "done":
            return _redirect()
        if b"generate_204" in request.path or b"gen_204" in request.path:
            return 204, "", b""
        if request.path == b"/canonical.html":
            return 200, http.HTML, _FIREFOX_PAGE
        for place, text in _SUCCESS:
            if place in (request.host, request.path):
                return 200, http.HTML if text[:1] == b"<" else "text/plain", text
        return 204, "", b""

    def _describe_state(self, request):
        now = time.ticks_ms()
        state = self._state
        if state == "done" and self._told is None:
            self._told = now
        if self._has_failed():
            state = "failed"
        left = _OPEN_TIME - time.ticks_diff(now, self._last_use)
        return {
            "state": state,
            "reason": _in_language(request, self._reason),
            "address": self._address,
            "left": left // 1000,
        }

    def _describe(self, request):
        values, kept = yield from form.without_secrets(self._values)
        description = self._describe_state(request)
        description.update(
            name=self._access_point.name,
            id=self._id.hex(),
            board=board.NAME,
            version=version.VERSION,
            networks=self._networks,
            config=values,
            kept=kept,
        )
        return description

    def _take_search(self, request):
        if self._state != "open":
            return _json(409, self._describe_state(request))
        self._search_at = time.ticks_add(time.ticks_ms(), _PAUSE)
        return _json(200, {})

    def _take_proposal(self, request):
        now = time.ticks_ms()
        if self._state not in ("open", "joined") or self._is_busy():
            return _json(409, self._describe_state(request))
        if self._failures >= _MAX_FAILURES:
            if time.ticks_diff(now, self._state_begin) < _LOCK_TIME:
                problem = _in_language(request, "too many tries; wait half a minute")
                return _json(429, {"problems": [problem]})
            self._failures = 0
        parsing = form.parse(request.body, self._values, self._file)
        request.body = b""  # 4 KB, of which form.parse lets go, too
        self._is_checking = True
        try:
            values, is_tried = yield from parsing
        except form.Mistake as error:
            problems = error.args[0]
            for i, problem in enumerate(problems):
                problems[i] = _in_language(request, problem)
                yield
            return _json(422, {"problems": problems})
        finally:
            self._is_checking = False
        is_there = self._state == "joined" and _login(values) == _login(self._values)
        self._is_whole = True
        if is_tried and not is_there:
            self._try(values, _PAUSE)
        else:
            self._reason = ""
            self._unsaved = values
        return _json(200, {})

    def _try(self, values, pause):
        self._values = values
        self._reason = ""
        self._has_begun = False
        self._pause = pause
        self._enter("trying")


def _login(values):
    wifi = form.first_network(values)["wifi"]
    return wifi["ssid"], wifi.get("password", "")


def _in_language(request, sentence):
    # Return what the board says in the language of the page that asks.
    if sentence and request.language == _CHINESE:
        from . import chinese

        return chinese.translate(sentence)
    return sentence


def _redirect():
    # Apple's phones want content, Android's more than 4 bytes of it (NetworkMonitor, sendHttpProbe).
    url = "http://%s/" % radio.ADDRESS
    return 302, http.HTML, ('<a href="%s">%s</a>' % (url, url)).encode(), url


def _json(status, value):
    return status, http.JSON, json.dumps(value).encode()
